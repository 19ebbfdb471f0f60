"""What OKX's own codes prove of an order."""

from app.errors import RefusalCode
from tests.support.exchanges.fault_codes import Codes, Seen, perhaps, refused
from tests.support.venues.okx.api import faults as okx_faults
from tests.support.venues.serving import faults

CODES = Codes(
    orders={
        "403": Seen(fault=faults.FORBIDDEN),
        "429 with HTML": Seen(fault=faults.page(429, "429 Too Many Requests")),
        **perhaps(okx_faults.PROVE_NOTHING),
        "50061": refused(okx_faults.TOO_MANY_ORDERS, RefusalCode.RATE_LIMITED),
    },
    without_id=faults.with_(data=[]),
    cancels={},
)

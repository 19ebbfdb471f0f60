"""What Binance's own codes prove of an order."""

from app.errors import RefusalCode
from tests.support.exchanges.fault_codes import Codes, Seen, perhaps, refused
from tests.support.venues.binance.api import faults as binance_faults
from tests.support.venues.serving import faults

CODES = Codes(
    orders={
        "403": Seen(fault=faults.FORBIDDEN),
        **perhaps(
            {
                "-1006": binance_faults.UNEXPECTED_RESPONSE,
                "-1007": binance_faults.UNKNOWN_OUTCOME,
                "-1008": binance_faults.OVERLOADED,
            }
        ),
        "maintenance": refused(binance_faults.MAINTENANCE, RefusalCode.EXCHANGE_UNAVAILABLE),
        "418": refused(binance_faults.BANNED, RefusalCode.RATE_LIMITED, pause_seconds=120),
    },
    without_id=faults.without("orderId"),
    cancels={},
)

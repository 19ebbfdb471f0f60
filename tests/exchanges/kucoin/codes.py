"""What KuCoin's own codes prove of an order."""

from app.errors import RefusalCode
from tests.support.exchanges.fault_codes import Codes, perhaps, refused
from tests.support.venues.kucoin.api import faults as kucoin_faults
from tests.support.venues.serving import faults

_NO = RefusalCode.REJECTED_BY_EXCHANGE

CODES = Codes(
    orders={
        **perhaps(kucoin_faults.PROVE_NOTHING),
        "200001": refused(kucoin_faults.PAIR_SUSPENDED, _NO, is_retryable=False),
        "200003": refused(kucoin_faults.TOO_MANY_ORDERS, _NO, is_retryable=False),
        "400370": refused(kucoin_faults.PRICE_TOO_HIGH, _NO, is_retryable=False),
    },
    without_id=faults.with_(data={}),
    cancels={
        f"{code} {when}": (fault.after_acceptance() if is_canceled else fault, is_canceled)
        for code, fault in (
            ("408000", kucoin_faults.NETWORK_TIMEOUT),
            ("500000", kucoin_faults.UNKNOWN_OUTCOME),
        )
        for when, is_canceled in (("before", False), ("after acceptance", True))
    },
)

"""What Coinbase's own codes prove of an order."""

from app.errors import RefusalCode
from app.exchanges.ccxt.connection.request_queue import FIRST_BAN_SECONDS
from tests.support.exchanges.fault_codes import Codes, Seen, perhaps, refused
from tests.support.venues.coinbase.api import faults as coinbase_faults
from tests.support.venues.serving import faults

_NO = RefusalCode.REJECTED_BY_EXCHANGE
_REFUSED = (
    "PREVIEW_INVALID_PRICE_PRECISION", "PREVIEW_INVALID_SIZE_PRECISION",
    "PREVIEW_INVALID_BASE_SIZE_TOO_LARGE", "INVALID_LIMIT_PRICE_POST_ONLY",
    "UNSUPPORTED_ORDER_CONFIGURATION", "INVALID_PRODUCT_ID", "ORDER_ENTRY_DISABLED",
)  # fmt: skip

CODES = Codes(
    orders={
        "403": Seen(fault=faults.FORBIDDEN),
        "429 with HTML": refused(
            faults.page(429, "429 Too Many Requests"),
            RefusalCode.RATE_LIMITED,
            pause_seconds=FIRST_BAN_SECONDS,
        ),
        **perhaps(coinbase_faults.PROVE_NOTHING),
        **{
            reason: refused(coinbase_faults.order_refused(reason), _NO, is_retryable=False)
            for reason in _REFUSED
        },
        "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL": refused(
            coinbase_faults.order_refused("PREVIEW_INVALID_BASE_SIZE_TOO_SMALL"),
            RefusalCode.MIN_NOTIONAL,
            is_retryable=False,
        ),
        "INSUFFICIENT_FUND": refused(
            coinbase_faults.order_refused("INSUFFICIENT_FUND"), RefusalCode.INSUFFICIENT_FUNDS
        ),
        "PREVIEW_INSUFFICIENT_FUND": refused(
            coinbase_faults.order_refused("PREVIEW_INSUFFICIENT_FUND"),
            RefusalCode.INSUFFICIENT_FUNDS,
        ),
    },
    without_id=faults.with_(success_response={}),
    cancels={},
)

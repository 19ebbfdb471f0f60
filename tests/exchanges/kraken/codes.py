"""What Kraken's own words prove of an order."""

from app.errors import RefusalCode
from app.exchanges.ccxt.connection.request_queue import FIRST_BAN_SECONDS
from tests.support.exchanges.fault_codes import Codes, Seen, perhaps, refused
from tests.support.venues.kraken.api import faults as kraken_faults
from tests.support.venues.serving import faults

CODES = Codes(
    orders={
        "403": Seen(fault=faults.FORBIDDEN),
        **perhaps(
            {
                "unavailable": kraken_faults.UNAVAILABLE,
                "busy": kraken_faults.BUSY,
                "deadline elapsed": kraken_faults.DEADLINE_ELAPSED,
                "never seen before": kraken_faults.word("EOrder:Never seen before"),
                "the name is taken": kraken_faults.word("EOrder:Duplicate cl_ord_id"),
            }
        ),
        "cancel only": refused(kraken_faults.CANCEL_ONLY, RefusalCode.EXCHANGE_UNAVAILABLE),
        "insufficient funds": refused(
            kraken_faults.word("EOrder:Insufficient funds"), RefusalCode.INSUFFICIENT_FUNDS
        ),
        "cost minimum": refused(
            kraken_faults.word("EOrder:Cost minimum not met"),
            RefusalCode.MIN_NOTIONAL,
            is_retryable=False,
        ),
        "market gone": refused(
            kraken_faults.word("EQuery:Unknown asset pair"),
            RefusalCode.UNKNOWN_SYMBOL,
            is_retryable=False,
        ),
        "margin": refused(
            kraken_faults.word("EOrder:Margin allowance exceeded"),
            RefusalCode.REJECTED_BY_EXCHANGE,
            is_retryable=False,
        ),
        "rate limit of the key": refused(
            kraken_faults.word("EAPI:Rate limit exceeded"),
            RefusalCode.RATE_LIMITED,
            pause_seconds=FIRST_BAN_SECONDS,
        ),
        "lockout": refused(
            kraken_faults.LOCKED_OUT, RefusalCode.RATE_LIMITED, pause_seconds=FIRST_BAN_SECONDS
        ),
        "rate limit of the market": refused(
            kraken_faults.word("EOrder:Rate limit exceeded"), RefusalCode.RATE_LIMITED
        ),
    },
    without_id=faults.with_(result={}),
    cancels={},
)

"""What Bybit's own codes prove of an order: ccxt takes most of them for rejections."""

from app.errors import RefusalCode
from app.exchanges.ccxt.connection.request_queue import FIRST_BAN_SECONDS
from tests.support.exchanges.fault_codes import Codes, perhaps, refused
from tests.support.venues.bybit.api import faults as bybit_faults
from tests.support.venues.serving import faults

CODES = Codes(
    orders={
        **perhaps(
            {
                "10000": bybit_faults.SERVER_TIMEOUT,
                "10016 timeout": bybit_faults.REQUEST_TIMEOUT,
                "10016 error": bybit_faults.INTERNAL_ERROR,
                "170007": bybit_faults.BACKEND_TIMEOUT,
                "170035": bybit_faults.SUBMITTED,
                "170141": bybit_faults.DUPLICATE,
                "170146": bybit_faults.CREATION_TIMEOUT,
                "170147": bybit_faults.CANCELLATION_TIMEOUT,
                "170149": bybit_faults.CREATE_FAILED,
                "170191": bybit_faults.CANCEL_LATER,
                "177042": bybit_faults.UNHEARD_OF,
            }
        ),
        "170005": refused(bybit_faults.TOO_MANY_ORDERS, RefusalCode.RATE_LIMITED),
        # The limit of an address: it does not say for how long.
        "403": refused(
            bybit_faults.TOO_MANY_FROM_HERE,
            RefusalCode.RATE_LIMITED,
            pause_seconds=FIRST_BAN_SECONDS,
        ),
    },
    without_id=faults.with_(result={}),
    cancels={
        f"{code} {when}": (fault.after_acceptance() if is_canceled else fault, is_canceled)
        for code, fault in (
            ("10000", bybit_faults.SERVER_TIMEOUT),
            ("170147", bybit_faults.CANCELLATION_TIMEOUT),
            ("170191", bybit_faults.CANCEL_LATER),
        )
        for when, is_canceled in (("before", False), ("after acceptance", True))
    },
)

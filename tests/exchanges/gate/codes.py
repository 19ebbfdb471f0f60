"""What Gate's own labels prove of an order."""

from app.errors import RefusalCode
from tests.support.exchanges.fault_codes import Codes, perhaps, refused
from tests.support.venues.gate.api import faults as gate_faults
from tests.support.venues.serving import faults

CODES = Codes(
    orders={
        **perhaps(gate_faults.PROVE_NOTHING),
        "FOK_NOT_FILL": refused(
            gate_faults.of_label("FOK_NOT_FILL", "FOK order cannot be filled completely"),
            RefusalCode.REJECTED_BY_EXCHANGE,
        ),
        "TRADE_RESTRICTED": refused(
            gate_faults.of_label("TRADE_RESTRICTED", "Trading is restricted"),
            RefusalCode.REJECTED_BY_EXCHANGE,
            is_retryable=False,
        ),
    },
    without_id=faults.without("id"),
    cancels={
        f"{label} {when}": (fault.after_acceptance() if is_canceled else fault, is_canceled)
        for label in ("SERVER_ERROR", "TOO_BUSY", "CANCEL_FAIL")
        for fault in (gate_faults.PROVE_NOTHING[label],)
        for when, is_canceled in (("before", False), ("after acceptance", True))
    },
)

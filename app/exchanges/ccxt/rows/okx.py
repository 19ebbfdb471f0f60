"""What is particular about OKX."""

from app.exchanges.ccxt.parsing.error_codes import ErrorCodes
from app.exchanges.ccxt.parsing.key_permissions import PermissionField, PermissionQuery
from app.exchanges.ccxt.parsing.page_styles import NumberedPages
from app.exchanges.ccxt.rows.quirks import DIRECTLY, KEY, ExchangeQuirks, LookupQuery
from app.exchanges.ccxt.rows.sandboxes import SandboxMark

# No stops: they go to the algo endpoints, where ccxt sends our id under a useless name.
ROW = ExchangeQuirks(
    exchange="okx",
    answer_fields=("code", "data"),
    needs_password=True,
    error_codes=ErrorCodes(
        # That of the one order, or else that of the request.
        paths=(("data", 0, "sCode"), ("code",)),
        # Failed, unavailable, endpoint timed out, offline, busy, system error, request timed
        # out, order timed out, internal error.
        prove_nothing=frozenset(
            {"1", "50001", "50004", "50005", "50013", "50026", "51054", "51149", "63999"}
        ),
        # The limit of orders of a whole sub-account.
        slow_down=frozenset({"50061"}),
        # Too many orders, and amendments of what cannot be amended (any more).
        refuse=frozenset({"51025", "51506", "51508", "51510", "51511"}),
    ),
    cancel_key=KEY,
    by_wire_id=(LookupQuery(method="fetch_order", key=KEY),),
    by_exchange_id=(DIRECTLY,),
    acceptance_seconds=30.0,
    open_order_pages=NumberedPages(limit=100, cursor="after", path=("ordId",)),
    closed_order_pages=NumberedPages(limit=100, cursor="after", path=("ordId",)),
    trade_pages=NumberedPages(limit=100, cursor="after", path=("billId",)),
    streams_fees_negated=True,
    logs_in_by_seconds=True,
    cancel_reason_path=("cancelSource",),
    # Fill-or-kill and immediate-or-cancel that were not filled, and post-only that would take.
    cancel_reasons={"13": "expired", "14": "expired", "31": "rejected"},
    amends_in_place=True,
    permissions=PermissionQuery(
        method="private_get_account_config",
        trade=PermissionField(path=("data", 0, "perm"), name="trade"),
        withdraw=PermissionField(path=("data", 0, "perm"), name="withdraw"),
        ip_bound=PermissionField(path=("data", 0, "ip")),
    ),
    sandbox=SandboxMark(header=("x-simulated-trading", "1")),
    positions=({},),
    # Without utc in their name they begin in Hong Kong. ccxt appends it to requests alone, and
    # not if it takes the timezone for another.
    timeframes={
        "6h": "6Hutc",
        "12h": "12Hutc",
        "1d": "1Dutc",
        "1w": "1Wutc",
        "1M": "1Mutc",
        "3M": "3Mutc",
    },
    options={"fetchOHLCV": {"timezone": "in the name"}},
)

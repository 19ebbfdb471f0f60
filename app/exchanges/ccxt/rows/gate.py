"""What is particular about Gate."""

from datetime import timedelta

from app.exchanges.ccxt.parsing.error_codes import ErrorCodes
from app.exchanges.ccxt.parsing.key_permissions import PermissionField, PermissionQuery
from app.exchanges.ccxt.parsing.page_styles import CountedPages, PagesOfMarkets
from app.exchanges.ccxt.parsing.spending_buys import SpendingBuys
from app.exchanges.ccxt.rows.quirks import DIRECTLY, KEY, ExchangeQuirks, LookupQuery

# No stops: they are in a list of their own, which lookups and cancels do not reach.
ROW = ExchangeQuirks(
    exchange="gate",
    error_codes=ErrorCodes(
        paths=(("label",),),
        # Errors within the exchange, and an order with this text that exists already.
        prove_nothing=frozenset({"SERVER_ERROR", "INTERNAL", "TOO_BUSY", "REPEATED_CREATION"}),
    ),
    error_classes={
        "REQUEST_EXPIRED": "InvalidNonce",
        "FOK_NOT_FILL": "OrderNotFillable",
        "TRADE_RESTRICTED": "OperationRejected",
    },
    asks_account_kind=True,
    wire_prefix="t-",
    # The text may stand for the id of an order that is open.
    cancel_key="order_id",
    # By its text an order is found while it is open, and for a while after that.
    by_wire_id=(
        LookupQuery(method="fetch_order", key=KEY),
        LookupQuery(method="fetch_open_orders"),
        LookupQuery(method="fetch_closed_orders", start="from"),
    ),
    by_exchange_id=(DIRECTLY,),
    acceptance_seconds=60.0,
    open_order_pages=PagesOfMarkets(page="page", size=100),
    closed_order_pages=CountedPages(page="page", limit=100),
    closed_account_start="from",
    trade_pages=CountedPages(page="page", limit=1000),
    # Without an end they are listed for a week.
    order_trades_key="order_id",
    list_span=timedelta(days=30),
    cancel_reason_path=("finish_as",),
    cancel_reasons={"ioc": "expired"},
    status_path=("status",),
    status_words={
        "closed": "closed",
        "cancelled": "canceled",
        "fok": "expired",
        "poc": "rejected",
        "depth_not_enough": "expired",
        "trader_not_enough": "expired",
        "small": "expired",
        **dict.fromkeys(
            ("stp", "liquidate_cancelled", "price_protect_cancelled", "unknown"), "canceled"
        ),
    },
    spending_buys=SpendingBuys(bought="filled_amount", spent="filled_total"),
    amends_in_place=True,
    logs_in_by_seconds=True,
    candle_amount_field="a",
    streams_only_known_markets=True,
    book_depth=400,
    limit_reset_header="x-gate-ratelimit-reset-timestamp",
    # Ten a second in each market; counted for all together, and a little less as they may
    # arrive closer together than they were sent.
    costs={("POST", "orders"): 2.2, ("PATCH", "orders/{order_id}"): 2.2},
    order_burst_cost=0.0,
    permissions=PermissionQuery(
        method="private_account_get_detail",
        # It does not say what a key may do.
        trade=PermissionField(path=("key", "perms"), name="spot"),
        withdraw=PermissionField(path=("key", "perms"), name="withdraw"),
        ip_bound=PermissionField(path=("ip_whitelist",)),
    ),
    options={"fetchMarkets": {"types": ["spot", "swap"]}},
)

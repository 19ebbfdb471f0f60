"""What is particular about Bybit."""

from app.exchanges.ccxt.parsing.error_codes import ErrorCodes
from app.exchanges.ccxt.parsing.key_permissions import PermissionField, PermissionQuery
from app.exchanges.ccxt.parsing.page_styles import CursorPages
from app.exchanges.ccxt.rows.quirks import ExchangeQuirks, LookupQuery
from app.exchanges.ccxt.rows.sandboxes import SandboxMark

# No stops: they are on other endpoints, and ccxt's cancel reaches only plain orders.
ROW = ExchangeQuirks(
    exchange="bybit",
    answer_fields=("retCode", "result"),
    cancel_key="orderLinkId",
    by_wire_id=(
        LookupQuery(method="fetch_open_orders", key="orderLinkId"),
        LookupQuery(method="fetch_canceled_and_closed_orders", key="orderLinkId"),
    ),
    by_exchange_id=(
        LookupQuery(method="fetch_open_orders", key="orderId"),
        LookupQuery(method="fetch_canceled_and_closed_orders", key="orderId"),
    ),
    acceptance_seconds=5.0,
    open_order_pages=CursorPages(limit=50, field="nextPageCursor"),
    closed_order_pages=CursorPages(limit=50, field="nextPageCursor"),
    trade_pages=CursorPages(limit=100, field="nextPageCursor"),
    fee_currency_field="feeCurrency",
    cancel_reason_path=("rejectReason",),
    cancel_reasons=dict.fromkeys(
        (
            "EC_CancelForNoFullFill",
            "EC_NoEnoughQtyToFill",
            "EC_NoImmediateQtyToFill",
            "EC_PostOnlyWillTakeLiquidity",
        ),
        "expired",
    ),
    error_codes=ErrorCodes(
        paths=(("result", "list", 0, "code"), ("retCode",)),
        prove_nothing=frozenset(
            # Timeouts, errors within the exchange, and "submitted to the system".
            {"10000", "10016", "170001", "170007", "170032", "170035", "170146", "170149"}
            # Cancellations that may still happen.
            | {"110079", "170147", "170191"}
            # The id or the request was seen before: there is such an order.
            | {"10014", "12141", "30001", "110030", "110072", "170141"}
        ),
        # Too many orders within a second.
        slow_down=frozenset({"170005"}),
    ),
    buys_in_base_method="is_unified_enabled",
    limit_reset_header="x-bapi-limit-reset-timestamp",
    # 20 orders and 20 cancels a second, which is the pace that ccxt keeps: none on top of it.
    order_burst_cost=0.0,
    amends_in_place=True,
    logs_in_by_milliseconds=True,
    permissions=PermissionQuery(
        method="private_get_v5_user_query_api",
        trade=PermissionField(path=("result", "permissions", "Spot"), name="SpotTrade"),
        withdraw=PermissionField(path=("result", "permissions", "Wallet"), name="Withdraw"),
        ip_bound=PermissionField(path=("result", "ips")),
        read_only=("result", "readOnly"),
    ),
    sandbox=SandboxMark(hosts=("api-testnet.", "stream-testnet.")),
    positions=tuple(
        {"type": "swap", "subType": "linear", "settleCoin": coin} for coin in ("USDT", "USDC")
    ),
    position_pages=CursorPages(field="nextPageCursor"),
    book_depth=200,
)

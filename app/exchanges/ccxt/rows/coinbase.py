"""What is particular about Coinbase."""

from app.exchanges.ccxt.parsing.error_codes import ErrorCodes
from app.exchanges.ccxt.parsing.key_permissions import PermissionField, PermissionQuery
from app.exchanges.ccxt.parsing.page_styles import CursorPages
from app.exchanges.ccxt.rows.quirks import DIRECTLY, ExchangeQuirks, LookupQuery

# The reasons for which Coinbase places no order: those of its engine, and of the preview before.
_REASONS = frozenset(
    {
        "COMMANDER_REJECTED_NEW_ORDER", "GEOFENCING_RESTRICTION", "INELIGIBLE_PAIR",
        "INVALID_BASE_SIZE_TOO_LARGE", "INVALID_LEDGER_BALANCE",
        "INVALID_LIMIT_PRICE", "INVALID_LIMIT_PRICE_POST_ONLY", "INVALID_NO_LIQUIDITY",
        "INVALID_ORDER_CONFIG", "INVALID_PRICE_PRECISION", "INVALID_PRODUCT_ID",
        "INVALID_QUOTE_SIZE_TOO_LARGE", "INVALID_SIDE",
        "INVALID_SIZE_PRECISION", "LIMIT_PRICE_TOO_FAR_FROM_MARKET", "MISSING_COMMISSION_RATE",
        "MISSING_PRODUCT_PRICE_BOOK", "OPEN_ORDERS_LIMIT_EXCEEDED", "ORDER_ENTRY_DISABLED",
        "UNSUPPORTED_ORDER_CONFIGURATION", "UNTRADABLE_PRODUCT",
    }
)  # fmt: skip
_MONEY = frozenset({"INSUFFICIENT_FUND", "INSUFFICIENT_FUNDS"})
_SIZES = frozenset({"INVALID_BASE_SIZE_TOO_SMALL", "INVALID_QUOTE_SIZE_TOO_SMALL"})
_CODES = ErrorCodes(
    paths=(
        ("error_response", "preview_failure_reason"),
        ("error_response", "error"),
        ("error_response", "new_order_failure_reason"),
        ("error",),
    ),
    clock_looks_like_key=True,
    refuse=_REASONS | {f"PREVIEW_{reason}" for reason in _REASONS},
    lack_money=_MONEY | {f"PREVIEW_{reason}" for reason in _MONEY},
    too_small=_SIZES | {f"PREVIEW_{reason}" for reason in _SIZES},
    say_nothing=frozenset({"UNKNOWN_FAILURE_REASON", "UNKNOWN_PREVIEW_FAILURE_REASON"}),
)

# What its answers are: one of these is in each.
_ANSWERS = (
    "accounts", "can_view", "candles", "epochSeconds", "fee_tier", "fills", "order", "orders",
    "pricebook", "products", "results", "success", "trades",
)  # fmt: skip

# No stops: ccxt places stop-limit orders alone. No amendments: ccxt takes a refusal for done.
ROW = ExchangeQuirks(
    exchange="coinbase",
    key_begins="-----BEGIN",
    answer_has_one_of=_ANSWERS,
    create_key="client_order_id",
    buy_amount_path=("order_configuration", "market_market_ioc", "base_size"),
    # Only by Coinbase's own id.
    cancel_key=None,
    not_canceled_words=("cancelOrders() has failed",),
    by_wire_id=(LookupQuery(method="fetch_orders"),),
    by_exchange_id=(DIRECTLY,),
    missing_words=("order with this orderID was not found",),
    # The life of the token that a request bears.
    acceptance_seconds=120.0,
    error_classes={"RESOURCE_EXHAUSTED": "RateLimitExceeded"},
    error_codes=_CODES,
    closed_lists=("fetch_orders",),
    open_order_pages=CursorPages(field="cursor"),
    closed_order_pages=CursorPages(field="cursor"),
    trade_pages=CursorPages(field="cursor"),
    order_trades_key="order_ids",
    order_trades_in_list=True,
    order_fields={
        # ccxt multiplies the average price, which is cut, and does not read fill-or-kill.
        "cost": (("filled_value",),),
        "amount": (("order_configuration", "limit_limit_fok", "base_size"),),
        "price": (("order_configuration", "limit_limit_fok", "limit_price"),),
    },
    # ccxt divides the cost by an amount that it has cut.
    trade_fields={"price": (("price",),)},
    type_path=("order_type",),
    status_words=dict.fromkeys(("PENDING", "QUEUED", "CANCEL_QUEUED", "EDIT_QUEUED"), "open"),
    # These are canceled orders to ccxt.
    cancel_reason_path=("status",),
    cancel_reasons={"EXPIRED": "expired", "FAILED": "rejected"},
    permissions=PermissionQuery(
        method="v3_private_get_brokerage_key_permissions",
        trade=PermissionField(path=("can_trade",)),
        withdraw=PermissionField(path=("can_transfer",)),
    ),
    fees_in_quote=True,
    # Every request bears a token that is signed with the time.
    logs_in_by_seconds=True,
    shares_socket=True,
    options={
        # What ccxt asks for by default knows nothing of what orders hold.
        "fetchBalance": "v3PrivateGetBrokerageAccounts",
        "fetchTime": "v3PublicGetBrokerageTime",
        "createMarketBuyOrderRequiresPrice": False,
    },
)

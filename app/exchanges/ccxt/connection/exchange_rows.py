"""The table of exchanges: a row of ExchangeQuirks for each one that we examined."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from app.exchanges.ccxt.connection.exchange_quirks import (
    DIRECTLY,
    KEY,
    ExchangeQuirks,
    LookupQuery,
    OpenByMarket,
    RefusedAccounts,
    SandboxMark,
)
from app.exchanges.ccxt.connection.kept_cursors import DroppedCursors
from app.exchanges.ccxt.parsing.error_codes import ErrorCodes
from app.exchanges.ccxt.parsing.key_permissions import PermissionField, PermissionQuery
from app.exchanges.ccxt.parsing.page_styles import (
    CountedPages,
    CursorPages,
    NumberedPages,
    OffsetPages,
    PagesOfMarkets,
    TimedPages,
)
from app.exchanges.ccxt.parsing.spending_buys import SpendingBuys

# The lists of KuCoin that have a cursor.
_KUCOIN_LISTS = DroppedCursors(
    paths=frozenset({"hf/orders/done", "hf/fills"}),
    rows="items",
    cursor="lastId",
    # ccxt asks for closed orders with the name that other lists of KuCoin have for it.
    size="pageSize",
    true_size="limit",
)
_KUCOIN_PAGES = CursorPages(limit=100, field="lastId", param="lastId")
# The reasons for which Coinbase places no order: those of its engine, and of the preview before.
_COINBASE_REASONS = frozenset(
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
_COINBASE_MONEY = frozenset({"INSUFFICIENT_FUND", "INSUFFICIENT_FUNDS"})
_COINBASE_SIZES = frozenset({"INVALID_BASE_SIZE_TOO_SMALL", "INVALID_QUOTE_SIZE_TOO_SMALL"})
_COINBASE_CODES = ErrorCodes(
    paths=(
        ("error_response", "preview_failure_reason"),
        ("error_response", "error"),
        ("error_response", "new_order_failure_reason"),
        ("error",),
    ),
    clock_looks_like_key=True,
    refuse=_COINBASE_REASONS | {f"PREVIEW_{reason}" for reason in _COINBASE_REASONS},
    lack_money=_COINBASE_MONEY | {f"PREVIEW_{reason}" for reason in _COINBASE_MONEY},
    too_small=_COINBASE_SIZES | {f"PREVIEW_{reason}" for reason in _COINBASE_SIZES},
    say_nothing=frozenset({"UNKNOWN_FAILURE_REASON", "UNKNOWN_PREVIEW_FAILURE_REASON"}),
)

# What its answers are: one of these is in each.
_COINBASE_ANSWERS = (
    "accounts", "can_view", "candles", "epochSeconds", "fee_tier", "fills", "order", "orders",
    "pricebook", "products", "results", "success", "trades",
)  # fmt: skip

_ROWS = (
    ExchangeQuirks(
        exchange="binance",
        # A part of a list of orders that waits for another part.
        status_words={"PENDING_NEW": "open"},
        cancel_key=KEY,
        by_wire_id=(LookupQuery(method="fetch_order", key=KEY),),
        by_exchange_id=(DIRECTLY,),
        acceptance_seconds=10.0,
        type_path=("type",),
        # Binance's list of canceled and closed orders leaves out expired ones.
        closed_lists=("fetch_orders",),
        closed_order_pages=TimedPages(limit=1000, start="startTime"),
        has_stops=True,
        permissions=PermissionQuery(
            method="sapi_get_account_apirestrictions",
            trade=PermissionField(path=("enableSpotAndMarginTrading",)),
            withdraw=PermissionField(path=("enableWithdrawals",)),
            ip_bound=PermissionField(path=("ipRestrict",)),
            account_trade=PermissionField(path=("info", "canTrade")),
        ),
        sandbox=SandboxMark(
            hosts=(
                "testnet.binance.vision",
                "stream.testnet.binance.vision",
                "ws-api.testnet.binance.vision",
                "testnet.binancefuture.com",
                "fstream.binancefuture.com",
                "dstream.binancefuture.com",
            )
        ),
        ticker_params={"name": "ticker"},
        positions=({"type": "swap", "subType": "linear"},),
        # 6,000 weights a minute; ccxt makes them 1,200 units of 50 ms.
        # 4 weights for all markets; their tickers would be 80, and 2 for each market alone.
        last_prices_method="public_get_ticker_price",
        weight_per_cost=5.0,
        used_weight_header="x-mbx-used-weight-1m",
        urgent_burst_cost=100.0,
        options={"warnOnFetchOpenOrdersWithoutSymbol": False, "fetchMargins": False},
    ),
    # No stops: they are on other endpoints, and ccxt's cancel reaches only plain orders.
    ExchangeQuirks(
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
    ),
    # No stops: they go to the algo endpoints, where ccxt sends our id under a useless name.
    ExchangeQuirks(
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
    ),
    ExchangeQuirks(
        exchange="kraken",
        answer_fields=("error", "result"),
        cancel_key=KEY,
        by_wire_id=(
            LookupQuery(method="fetch_open_orders", key="cl_ord_id"),
            LookupQuery(method="fetch_closed_orders", key="cl_ord_id"),
        ),
        by_exchange_id=(DIRECTLY,),
        # Fees are paid in quote currency, whatever the account or the side would make of it: the
        # trades that requests tell of do not name the currency of their fee.
        create_params={"oflags": "fciq"},
        missing_words=("EOrder:Unknown order", "EQuery:Unknown order"),
        wire_field="cl_ord_id",
        closed_order_pages=OffsetPages(limit=50, offset="ofs"),
        closed_account_start="start",
        trade_ids_limit=20,
        # As a text: ccxt would write its own True with a capital.
        lookup_params={"trades": "true"},
        type_path=("descr", "ordertype"),
        has_stops=True,
        amends_in_place=True,
        amends_as_post_only=True,
        permissions=PermissionQuery(
            method="private_post_getapikeyinfo",
            trade=PermissionField(path=("result", "permissions"), name="modify-trades"),
            withdraw=PermissionField(path=("result", "permissions"), name="withdraw-funds"),
        ),
        book_depth=100,
        fees_in_quote=True,
        numbers_requests=True,
        streams_numbers=True,
        # 15 requests for an account of the lowest tier, each 3 of ccxt's units, which decay by one
        # a second; one request less, as they may arrive closer together than they were sent.
        # Orders, amendments and cancels are not in it, but in a counter of each market.
        counter_cost=42.0,
        urgent_burst_cost=30.0,
        # ccxt's own batches end with an empty one, which Kraken refuses, if they come out even;
        # ours are smaller than one of its batches.
        options={"fetchOrderTrades": {"batchSize": 21}},
    ),
    # No stops: they are in a list of their own, which lookups and cancels do not reach.
    ExchangeQuirks(
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
        trades_span=timedelta(days=30),
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
    ),
    # No stops: they are on other endpoints, and their list and their stream are others as well.
    ExchangeQuirks(
        exchange="kucoin",
        needs_password=True,
        # An error has a message instead of data, and ccxt raises it before.
        answer_fields=("code", "data"),
        error_codes=ErrorCodes(
            paths=(("code",),),
            # Internal errors, a network timeout, and failed calls of services behind it.
            prove_nothing=frozenset({"500000", "408000", "126038", "126039"})
            # The id was seen before: there is such an order.
            | {"126033", "126044"},
            # The market or the account takes no (more) orders, or there is no such market.
            refuse=frozenset(
                {"200001", "200003", "200009", "126002", "126004", "126006", "126007", "126009"}
                | {"126011", "126015", "126042", "900001"}
            ),
        ),
        cancel_key=KEY,
        by_wire_id=(LookupQuery(method="fetch_order", key=KEY),),
        by_exchange_id=(DIRECTLY,),
        misses_with_nothing=True,
        acceptance_seconds=5.0,
        dropped_cursors=_KUCOIN_LISTS,
        open_by_market=OpenByMarket(
            markets_method="private_get_hf_orders_active_symbols",
            markets_path=("data", "symbols"),
            orders_method="private_get_hf_orders_active",
            orders_path=("data",),
            market_param="symbol",
            params={"tradeType": "TRADE"},
        ),
        closed_order_pages=_KUCOIN_PAGES,
        trade_pages=_KUCOIN_PAGES,
        list_span=timedelta(days=7),
        fees_in_quote=True,
        streams_fees=False,
        refused_accounts=(
            RefusedAccounts(
                method="utaprivate_get_account_mode",
                path=("data", "selfAccountMode"),
                value="UNIFIED",
                words="this kucoin account is a unified one, which is not offered: its orders are"
                " placed and listed elsewhere than those of a classic account",
            ),
            RefusedAccounts(
                method="private_get_hf_accounts_opened",
                path=("data",),
                value=False,
                words="this kucoin account has no high-frequency spot account, in which alone"
                " orders are placed here: open one at kucoin and move the money there",
            ),
        ),
        limit_left_header="gw-ratelimit-reset",
        permissions=PermissionQuery(
            method="private_get_user_api_key",
            trade=PermissionField(path=("data", "permission"), name="Spot"),
            # An older name for it also covers moving money within KuCoin.
            withdraw=PermissionField(path=("data", "permission"), name=("Withdrawal", "Transfer")),
            ip_bound=PermissionField(path=("data", "ipWhitelist")),
        ),
        ticker_params={"spotMethod": "/market/ticker"},
        book_sizes=(20, 100),
        urgent_burst_cost=100.0,
        options={
            # ccxt asks for these once for each client, and forgets them where markets are shared.
            "hf": True,
            "uta": False,
            "fetchMarkets": {"types": ["spot"]},
            # As a whole each time: of changes, ccxt awaits several before it begins.
            "watchOrderBook": {"spotMethod": "/spotMarket/level2Depth50"},
        },
    ),
    # No stops: ccxt places stop-limit orders alone. No amendments: ccxt takes a refusal for done.
    ExchangeQuirks(
        exchange="coinbase",
        key_begins="-----BEGIN",
        answer_has_one_of=_COINBASE_ANSWERS,
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
        error_codes=_COINBASE_CODES,
        closed_lists=("fetch_orders",),
        open_order_pages=CursorPages(field="cursor"),
        closed_order_pages=CursorPages(field="cursor"),
        trade_pages=CursorPages(field="cursor"),
        trades_of_orders_key="order_ids",
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
    ),
)

QUIRKS: Mapping[str, ExchangeQuirks] = MappingProxyType({row.exchange: row for row in _ROWS})


def quirks_of(exchange: str) -> ExchangeQuirks:
    """The exchange's row; an unexamined exchange gets the careful defaults."""
    return QUIRKS.get(exchange) or ExchangeQuirks(exchange=exchange, is_known=False)


def no_live_words(quirks: ExchangeQuirks) -> str | None:
    """Why the exchange may not trade real money; None if it may."""
    if quirks.is_known:
        return None
    return (
        f"live trading on {quirks.exchange} is not offered: how its orders are placed, found and"
        f" canceled was not looked at; live are {', '.join(sorted(QUIRKS))}. Another is added by"
        " capturing what ccxt sends for it and writing that as a row of QUIRKS in"
        " app/exchanges/ccxt/connection/exchange_rows.py"
    )

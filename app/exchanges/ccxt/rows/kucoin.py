"""What is particular about KuCoin."""

from datetime import timedelta

from app.exchanges.ccxt.mends.kept_cursors import DroppedCursors
from app.exchanges.ccxt.parsing.error_codes import ErrorCodes
from app.exchanges.ccxt.parsing.key_permissions import PermissionField, PermissionQuery
from app.exchanges.ccxt.parsing.page_styles import CursorPages
from app.exchanges.ccxt.rows.quirks import (
    DIRECTLY,
    KEY,
    ExchangeQuirks,
    LookupQuery,
    OpenByMarket,
    RefusedAccounts,
)

# The lists of KuCoin that have a cursor.
_LISTS = DroppedCursors(
    paths=frozenset({"hf/orders/done", "hf/fills"}),
    rows="items",
    cursor="lastId",
    # ccxt asks for closed orders with the name that other lists of KuCoin have for it.
    size="pageSize",
    true_size="limit",
)
_PAGES = CursorPages(limit=100, field="lastId", param="lastId")
# No stops: they are on other endpoints, and their list and their stream are others as well.
ROW = ExchangeQuirks(
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
    dropped_cursors=_LISTS,
    open_by_market=OpenByMarket(
        markets_method="private_get_hf_orders_active_symbols",
        markets_path=("data", "symbols"),
        orders_method="private_get_hf_orders_active",
        orders_path=("data",),
        market_param="symbol",
        params={"tradeType": "TRADE"},
    ),
    closed_order_pages=_PAGES,
    trade_pages=_PAGES,
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
)

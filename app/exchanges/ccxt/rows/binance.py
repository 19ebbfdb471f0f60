"""What is particular about Binance."""

from app.exchanges.ccxt.parsing.key_permissions import PermissionField, PermissionQuery
from app.exchanges.ccxt.parsing.page_styles import TimedPages
from app.exchanges.ccxt.rows.quirks import DIRECTLY, KEY, ExchangeQuirks, LookupQuery
from app.exchanges.ccxt.rows.sandboxes import SandboxMark

ROW = ExchangeQuirks(
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
)

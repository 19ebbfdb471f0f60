"""What is particular about Kraken."""

from app.exchanges.ccxt.parsing.key_permissions import PermissionField, PermissionQuery
from app.exchanges.ccxt.parsing.page_styles import OffsetPages
from app.exchanges.ccxt.rows.quirks import DIRECTLY, KEY, ExchangeQuirks, LookupQuery

ROW = ExchangeQuirks(
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
)

"""ExchangeQuirks: a table of the differences between exchanges, a row for each one we examined."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from app.exchanges.ccxt.mends.kept_cursors import DroppedCursors
from app.exchanges.ccxt.parsing.error_codes import NO_CODES, ErrorCodes
from app.exchanges.ccxt.parsing.key_permissions import PermissionQuery, at
from app.exchanges.ccxt.parsing.page_styles import ONE_PAGE, PageStyle
from app.exchanges.ccxt.parsing.spending_buys import SpendingBuys
from app.exchanges.ccxt.rows.sandboxes import SandboxMark

KEY = "clientOrderId"
# The words of ccxt for the state of an order.
_READABLE = frozenset({"open", "canceling", "closed", "canceled", "expired", "rejected"})


@dataclass(frozen=True, kw_only=True, slots=True)
class LookupQuery:
    """One way to look up an order: a ccxt method, and the parameter that names the order."""

    method: str
    # None if the list cannot be filtered, so that we pick the order out of it ourselves.
    key: str | None = None
    # Whether an exchange without this list may still answer "not found".
    is_optional: bool = False
    # The parameter with the start of the list in seconds, if it has all orders that ever closed.
    start: str | None = None

    @property
    def is_direct(self) -> bool:
        return self.method == "fetch_order"


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenByMarket:
    """Lists of open orders for one market at a time: raw methods, and where their lists are."""

    markets_method: str
    markets_path: tuple[str, ...]
    orders_method: str
    orders_path: tuple[str, ...]
    # The parameter that names the market, and those that are always the same.
    market_param: str
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusedAccounts:
    """A kind of account that is not traded: the raw method and the value that tell it."""

    method: str
    path: tuple[str, ...]
    value: object
    words: str


DIRECTLY = LookupQuery(method="fetch_order")
EVERYWHERE = (
    LookupQuery(method="fetch_open_orders"),
    LookupQuery(method="fetch_closed_orders"),
    LookupQuery(method="fetch_canceled_orders", is_optional=True),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExchangeQuirks:
    """How one exchange must be called, as captured from what ccxt really sends."""

    exchange: str
    # Whether its API keys have a passphrase.
    needs_password: bool = False
    # The fields that each of its answers has; without them it is the answer of something else.
    answer_fields: tuple[str, ...] = ()
    # The fields of which each of its answers has one, if they have none in common.
    answer_has_one_of: tuple[str, ...] = ()
    # ccxt's classes of error for codes that it does not know.
    error_classes: Mapping[str, str] = field(default_factory=dict)
    # What its own error codes prove of an order.
    error_codes: ErrorCodes = NO_CODES
    # The parameters that carry our wire id when an order is placed and canceled.
    create_key: str = KEY
    cancel_key: str | None = None
    # The path in the parameters at which a market buy tells its amount in base currency, where ccxt
    # would send money to spend; what it sends there is then replaced.
    buy_amount_path: tuple[str, ...] = ()
    # What a wire id begins with at the exchange; a text there that does not is nobody's id.
    wire_prefix: str = ""
    # Parameters that every order is placed with.
    create_params: Mapping[str, Any] = field(default_factory=dict)
    # The lookups by our wire id and by the exchange's id. All must be answered before an order
    # counts as not found.
    by_wire_id: tuple[LookupQuery, ...] = EVERYWHERE
    by_exchange_id: tuple[LookupQuery, ...] = EVERYWHERE
    # The receive window: seconds after which the exchange rejects a request still on its way.
    acceptance_seconds: float = 60.0
    # The field of the raw order with our wire id, if ccxt takes another id for it.
    wire_field: str | None = None
    # Words for a status that ccxt leaves as they are, and ccxt's words for them.
    status_words: Mapping[str, str] = field(default_factory=dict)
    # The path in the raw order to the exchange's own order type, which says more than ccxt's.
    type_path: tuple[str, ...] = ()
    # The path in the raw order to why it was canceled, and the status that it has for a reason of
    # the exchange's own; for any other reason it stays canceled.
    cancel_reason_path: tuple[str, ...] = ()
    cancel_reasons: Mapping[str, str] = field(default_factory=dict)
    # The path in the raw order to a plainer word, if nobody has heard of the one that ccxt reads.
    status_path: tuple[str, ...] = ()
    # The methods that list closed orders, if ccxt's own lists leave some out.
    closed_lists: tuple[str, ...] = ()
    # The pages of the lists of open orders, of closed orders, of the trades of an order or a
    # market, and of positions.
    open_order_pages: PageStyle = ONE_PAGE
    closed_order_pages: PageStyle = ONE_PAGE
    trade_pages: PageStyle = ONE_PAGE
    position_pages: PageStyle = ONE_PAGE
    # What ccxt leaves out of the lists' pages.
    dropped_cursors: DroppedCursors | None = None
    # How open orders are listed, if only for one market at a time.
    open_by_market: OpenByMarket | None = None
    # The longest time that a list of closed orders or of trades is asked for at once.
    list_span: timedelta | None = None
    # The parameter with the start in seconds, if closed orders of all markets are one list.
    closed_account_start: str | None = None
    # How many trades may be asked for at once by the ids that their order names; None if trades
    # are listed by order or by market. And the parameters that make lookups of orders name them.
    trade_ids_limit: int | None = None
    lookup_params: Mapping[str, Any] = field(default_factory=dict)
    # Texts with which the exchange says that it has no order with the id that was looked up, if
    # ccxt takes them for something else.
    missing_words: tuple[str, ...] = ()
    # Whether it answers with nothing at all if it has no order with the id that was looked up.
    misses_with_nothing: bool = False
    # Texts with which ccxt says that an order was not canceled, whatever the reason.
    not_canceled_words: tuple[str, ...] = ()
    # What begins every secret that ccxt can sign with.
    key_begins: str | None = None
    # The paths in a raw order or trade to what ccxt leaves out or computes with a loss, by its name
    # for the field; the first that leads to something.
    order_fields: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    trade_fields: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    # The field of a raw trade with its fee's currency, if ccxt guesses it.
    fee_currency_field: str | None = None
    # The ccxt method whose last answer tells whether the account takes the amount of a market buy
    # in base currency, not as money to spend. None if every account does.
    buys_in_base_method: str | None = None
    # What a market buy spent and bought, on an exchange whose every market buy spends an amount of
    # money; one placed here is given a limit instead.
    spending_buys: SpendingBuys | None = None
    # The parameter that picks an order's trades out of its market's, if ccxt has no method for it
    # or one that asks for the latest alone; and whether it takes a list of orders.
    order_trades_key: str | None = None
    order_trades_in_list: bool = False
    # Whether ccxt asks for the kind of the account, and takes no answer for the usual one.
    asks_account_kind: bool = False
    # Whether ccxt fails the stream of orders over one in a market that it does not know.
    streams_only_known_markets: bool = False
    # The field of a streamed candle with its amount in base, if ccxt reads its worth in quote.
    candle_amount_field: str | None = None
    # What requests cost by method and path, in ccxt's units, where ccxt says less.
    costs: Mapping[tuple[str, str], float] = field(default_factory=dict)
    # The kinds of account that are refused at the start.
    refused_accounts: tuple[RefusedAccounts, ...] = ()
    # The header that tells when a rate limit is over, as a time in milliseconds or
    # in seconds; or the one that
    # tells how many milliseconds are left of it.
    limit_reset_header: str | None = None
    limit_left_header: str | None = None
    has_stops: bool = False
    # Whether a buy's fee is paid in quote currency, for markets of which ccxt does not say.
    fees_in_quote: bool = False
    # Whether ccxt's stream tells a trade's fee as the change of the balance, in which a charge is
    # negative; its requests turn it.
    streams_fees_negated: bool = False
    # Whether its stream of trades tells their fees, so that they need not be asked for.
    streams_fees: bool = True
    # Whether ccxt signs a login to a stream with its own `seconds` or `milliseconds`, which know
    # nothing of the difference of the clocks that requests allow for.
    logs_in_by_seconds: bool = False
    logs_in_by_milliseconds: bool = False
    # Whether all of its streams share one socket, where ccxt's leaving of a stream waits for ever.
    shares_socket: bool = False
    # Whether requests carry a time-based nonce, which must always increase and never be set back.
    numbers_requests: bool = False
    # Whether its streams write numbers as numbers of JSON, and not as texts.
    streams_numbers: bool = False
    # Whether ccxt's edit amends the order in place (not cancel and create), and whether a post-only
    # order must be marked as post-only again.
    amends_in_place: bool = False
    amends_as_post_only: bool = False
    # How to ask what a key may do.
    permissions: PermissionQuery | None = None
    sandbox: SandboxMark | None = None
    # Parameters that make the ticker stream include bid and ask, if it does not by default.
    ticker_params: Mapping[str, Any] = field(default_factory=dict)
    # The exchange's names of timeframes, where ccxt's stream asks for other candles than requests.
    timeframes: Mapping[str, str] = field(default_factory=dict)
    # The depth to subscribe an order book with, if the default is too shallow.
    book_depth: int | None = None
    # The depths in which an order book can be asked for, if not in any.
    book_sizes: tuple[int, ...] = ()
    # The parameters to fetch positions with, one list each.
    positions: tuple[Mapping[str, Any], ...] = ()
    # The raw method that lists the last prices of all markets, with `symbol` and `price`.
    last_prices_method: str | None = None
    # The exchange's own weight of one of ccxt's cost units, and the header in which it tells how
    # much weight was used within the minute.
    weight_per_cost: float = 1.0
    used_weight_header: str | None = None
    # How much of orders and cancels may be sent at once, in ccxt's cost units.
    urgent_burst_cost: float = 10.0
    # The most that the exchange's counter of a key holds, in ccxt's cost units, if it decays
    # instead of being counted by the minute; public requests are then counted apart.
    counter_cost: float | None = None
    # The same of orders and cancels alone, where the exchange counts these by the second.
    order_burst_cost: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    is_known: bool = True

    def book_size(self, depth: int) -> int:
        """The least depth of an order book that has as many levels, or else the largest."""
        sizes = [size for size in self.book_sizes if size >= depth]
        return min(sizes, default=max(self.book_sizes, default=depth))

    def named(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """A ccxt order row with our wire id and the exchange's order type filled in."""
        raw = row.get("info")
        named = dict(row)
        if self.wire_field is not None:
            named[KEY] = raw.get(self.wire_field) if isinstance(raw, Mapping) else None
        if self.wire_prefix:
            named[KEY] = _without(self.wire_prefix, named.get(KEY))
        status = row.get("status")
        named["status"] = self.status_words.get(str(status), status)
        if self.type_path:
            named["orderType"] = at(raw, self.type_path)
        if self.cancel_reasons and row.get("status") in {"canceled", "closed"}:
            reason = str(at(raw, self.cancel_reason_path))
            named["status"] = self.cancel_reasons.get(reason, row.get("status"))
        named |= _own_fields(raw, self.order_fields)
        if self.status_path and named["status"] not in _READABLE:
            named["status"] = self.status_words.get(str(at(raw, self.status_path)), status)
        return named if self.spending_buys is None else self.spending_buys.read(named)

    def wire_name(self, wire_id: str) -> str:
        """Our wire id as the exchange has it."""
        return self.wire_prefix + wire_id

    def traded(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """A ccxt trade row whose fee is in the currency that the exchange names."""
        raw = row.get("info")
        if self.trade_fields:
            return {**row, **_own_fields(raw, self.trade_fields)}
        if self.fee_currency_field is None or not isinstance(raw, Mapping):
            return row
        currency, fee = raw.get(self.fee_currency_field), row.get("fee")
        if not currency or not isinstance(fee, Mapping):
            return row
        named = {**fee, "currency": currency}
        return {**row, "fee": named, "fees": [named]}


def _own_fields(
    raw: object, fields: Mapping[str, tuple[tuple[str, ...], ...]]
) -> dict[str, object]:
    """The fields that the raw row has itself."""
    found = {name: _first_at(raw, paths) for name, paths in fields.items()}
    return {name: value for name, value in found.items() if value is not None}


def _first_at(raw: object, paths: tuple[tuple[str, ...], ...]) -> object:
    values = (at(raw, path) for path in paths)
    return next((value for value in values if value not in {None, ""}), None)


def _without(prefix: str, name: object) -> str | None:
    """The name after the prefix; None if it has another beginning."""
    is_ours = isinstance(name, str) and name.startswith(prefix)
    return str(name).removeprefix(prefix) if is_ours else None


def spending_words(quirks: ExchangeQuirks) -> str:
    """Why an account that takes the amount of a market buy for money places none."""
    return (
        f"this {quirks.exchange} account is a classic one, which takes the amount of a MARKET BUY"
        " for money to spend and not for what is bought: buy with a LIMIT order, or upgrade the"
        " account to a unified one"
    )

"""What differs between the exchanges behind ccxt: a row for each that was looked at closely."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from app.exchanges.ccxt.parsing.key_permissions import PermissionField, PermissionQuery, at

_KEY = "clientOrderId"


@dataclass(frozen=True, kw_only=True, slots=True)
class LookupQuery:
    """One question after an order: a method of ccxt, and the parameter that names the order."""

    method: str
    # None where the list cannot be narrowed, and the order is picked out by us.
    key: str | None = None
    # Whether "not there" may be said where the exchange has no such list.
    is_optional: bool = False

    @property
    def is_direct(self) -> bool:
        return self.method == "fetch_order"


@dataclass(frozen=True, kw_only=True, slots=True)
class SandboxMark:
    """How an exchange's testnet shows that it is one."""

    # Every address must be on a host that begins like one of these.
    hosts: tuple[str, ...] = ()
    header: tuple[str, str] | None = None


_DIRECTLY = LookupQuery(method="fetch_order")
_EVERYWHERE = (
    LookupQuery(method="fetch_open_orders"),
    LookupQuery(method="fetch_closed_orders"),
    LookupQuery(method="fetch_canceled_orders", is_optional=True),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExchangeQuirks:
    """How one exchange is asked, as captured from what ccxt really sends."""

    exchange: str
    # Whether its keys come with a third part.
    needs_password: bool = False
    # How our wire id travels when an order is placed and canceled.
    create_key: str = _KEY
    cancel_key: str | None = None
    # The lookups by our wire id and by the exchange's own, all of which must be answered before
    # an order is said not to exist.
    by_wire_id: tuple[LookupQuery, ...] = _EVERYWHERE
    by_exchange_id: tuple[LookupQuery, ...] = _EVERYWHERE
    # Seconds after which a request that is still on its way is no longer accepted.
    acceptance_seconds: float = 60.0
    # Where our wire id stands in the exchange's own words, where ccxt reads another id as ours.
    wire_field: str | None = None
    # Where the exchange's own word for the type of an order stands, of which ccxt says less.
    type_path: tuple[str, ...] = ()
    # How many open orders are told at once at most, where it is fewer if nobody asks for more.
    open_orders_limit: int | None = None
    # Where closed orders are listed, if ccxt's own lists of them leave some out; and how many are
    # told at once, the oldest first, where there may be more behind them.
    closed_lists: tuple[str, ...] = ()
    closed_orders_limit: int | None = None
    has_stops: bool = False
    # Whether the fee of a buy is paid in quote, where ccxt does not say.
    fees_in_quote: bool = False
    # Whether requests are numbered by the time, which then must grow and never be set back.
    numbers_requests: bool = False
    # Whether ccxt's edit changes the order that is there, and whether that one has to be told again
    # that it must not take.
    amends_in_place: bool = False
    amends_as_post_only: bool = False
    # Where the exchange tells what a key may do.
    permissions: PermissionQuery | None = None
    sandbox: SandboxMark | None = None
    # What makes the stream of a ticker tell bid and ask, where it does not by itself.
    ticker_params: Mapping[str, Any] = field(default_factory=dict)
    # How deep the stream of a book has to be asked for, where it would be too shallow.
    book_depth: int | None = None
    # What its positions are asked for with, one question after the other; and where a page of them
    # says that there is another.
    positions: tuple[Mapping[str, Any], ...] = ()
    positions_cursor: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    is_known: bool = True

    def named(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """An order as ccxt gives it, with our wire id and the type where they belong."""
        told = row.get("info")
        named = dict(row)
        if self.wire_field is not None:
            named[_KEY] = told.get(self.wire_field) if isinstance(told, Mapping) else None
        if self.type_path:
            named["orderType"] = at(told, self.type_path)
        return named


_ROWS = (
    ExchangeQuirks(
        exchange="binance",
        cancel_key=_KEY,
        by_wire_id=(LookupQuery(method="fetch_order", key=_KEY),),
        by_exchange_id=(_DIRECTLY,),
        acceptance_seconds=10.0,
        type_path=("type",),
        # Its list of canceled and closed orders lacks those that expired.
        closed_lists=("fetch_orders",),
        closed_orders_limit=1000,
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
        options={"warnOnFetchOpenOrdersWithoutSymbol": False, "fetchMargins": False},
    ),
    # Stops stand on other endpoints, and ccxt's cancel names the plain ones alone.
    ExchangeQuirks(
        exchange="bybit",
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
        open_orders_limit=50,
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
        positions_cursor="nextPageCursor",
        book_depth=200,
    ),
    # Stops go to the algo endpoints, where ccxt sends our id under a name that finds nothing.
    ExchangeQuirks(
        exchange="okx",
        needs_password=True,
        cancel_key=_KEY,
        by_wire_id=(LookupQuery(method="fetch_order", key=_KEY),),
        by_exchange_id=(_DIRECTLY,),
        acceptance_seconds=30.0,
        amends_in_place=True,
        permissions=PermissionQuery(
            method="private_get_account_config",
            trade=PermissionField(path=("data", 0, "perm"), name="trade"),
            withdraw=PermissionField(path=("data", 0, "perm"), name="withdraw"),
            ip_bound=PermissionField(path=("data", 0, "ip")),
        ),
        sandbox=SandboxMark(header=("x-simulated-trading", "1")),
        positions=({},),
    ),
    ExchangeQuirks(
        exchange="kraken",
        cancel_key=_KEY,
        by_wire_id=(
            LookupQuery(method="fetch_open_orders", key="cl_ord_id"),
            LookupQuery(method="fetch_closed_orders", key="cl_ord_id"),
        ),
        by_exchange_id=(_DIRECTLY,),
        wire_field="cl_ord_id",
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
    ),
)

QUIRKS: Mapping[str, ExchangeQuirks] = MappingProxyType({row.exchange: row for row in _ROWS})


def venue_of(exchange: str) -> ExchangeQuirks:
    """The exchange's row; one that nobody has looked at is asked in the careful way."""
    return QUIRKS.get(exchange) or ExchangeQuirks(exchange=exchange, is_known=False)


def no_live_words(quirks: ExchangeQuirks) -> str | None:
    """Why no real money may be traded there; None where it may."""
    if quirks.is_known:
        return None
    return (
        f"live trading on {quirks.exchange} is not offered: how its orders are placed, found and"
        f" canceled was not looked at; live are {', '.join(sorted(QUIRKS))}. Another is added by"
        " capturing what ccxt sends for it and writing that as a row of QUIRKS in"
        " app/exchanges/ccxt/connection/exchange_quirks.py"
    )


def no_sandbox_words(quirks: ExchangeQuirks, live: Any, client: Any) -> str | None:
    """Why this client may not be on a testnet; None where it has shown that it is on one."""
    proof = quirks.sandbox or SandboxMark()
    if proof.header is not None:
        name, value = proof.header
        is_shown = (client.headers or {}).get(name) == value
        return None if is_shown else f"{quirks.exchange} does not send {name}: {value}"
    strangers = sorted(addresses(live) & addresses(client.urls["api"]))
    if strangers:
        return f"{quirks.exchange}'s sandbox shares addresses with its live exchange"
    return None


def no_testnet_words(quirks: ExchangeQuirks, client: Any) -> str | None:
    """Why these addresses are not the testnet's own; None where they are."""
    hosts = quirks.sandbox.hosts if quirks.sandbox else ()
    if not hosts:
        return None
    found = (address.split("://")[-1] for address in addresses(client.urls["api"]))
    other = next((address for address in found if not address.startswith(hosts)), None)
    return None if other is None else f"{quirks.exchange}'s sandbox is at {other.split('/')[0]}"


def addresses(urls: Any) -> frozenset[str]:
    """Every address in ccxt's tree of them."""
    return frozenset(_leaves(urls))


def _leaves(urls: Any) -> Iterator[str]:
    if isinstance(urls, str):
        yield urls
    elif isinstance(urls, Mapping):
        for branch in urls.values():
            yield from _leaves(branch)

"""ExposureReader: reads the margin and swap positions that the exchange itself keeps."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from app.domain import money
from app.domain.markets.markets import Market
from app.domain.order_kinds import PositionType
from app.domain.portfolio.exposures import Exposure
from app.exchanges.ccxt.connection.anomalies import AnomalyLog
from app.exchanges.ccxt.connection.calls import Call
from app.exchanges.ccxt.connection.sessions import CcxtSession
from app.exchanges.ccxt.parsing.failures import Unreadable, key_words, words_of
from app.exchanges.ccxt.parsing.numbers import amount, positive, text
from app.exchanges.ccxt.parsing.page_styles import Params
from app.exchanges.ccxt.rest.lookups import OrderLookup
from app.exchanges.ccxt.rest.pages import all_rows
from app.ports import Clock
from app.primitives.priorities import Priority

Row = Mapping[str, Any]

# A key with spot permission only is refused here; how long to wait before asking again.
REFUSED_FOR = timedelta(hours=1)


class ExposureReader:
    """Fetches positions. Unreadable ones are counted, never guessed."""

    def __init__(
        self, session: CcxtSession, lookups: OrderLookup, clock: Clock, anomalies: AnomalyLog
    ) -> None:
        self._session = session
        self._lookups = lookups
        self._clock = clock
        self._anomalies = anomalies
        self._refused_until: float | None = None

    @property
    def are_refused(self) -> bool:
        """Whether the key recently had no permission to see positions."""
        return self._refused_until is not None and self._clock.elapsed() < self._refused_until

    async def read(self) -> Sequence[Exposure]:
        """All readable positions, netted by market; empty if the key may not see them."""
        rows: list[Row] = []
        for params in self._session.quirks.positions:
            if not self.are_refused:
                pages = self._session.quirks.position_pages
                rows += await all_rows(self._ask, pages, params)
        return netted(self._readable(rows))

    async def _ask(self, _: int | None, params: Params) -> Sequence[Row]:
        call = Call(method="fetch_positions", arguments=(None, dict(params)), needs_own_right=True)
        try:
            rows: Sequence[Row] = await self._session.ask(Priority.LOOKUP, call)
        except Exception as error:
            if key_words(error) is None:
                raise self._lookups.failure(error) from error
            self._refused_until = self._clock.elapsed() + REFUSED_FOR.total_seconds()
            self._anomalies.note("positions_refused", why=words_of(error))
            return ()
        return rows

    def _readable(self, rows: Iterable[Row]) -> list[Exposure]:
        found = []
        for row in rows:
            try:
                exposure = exposure_of(row, self._session.markets)
            except Unreadable as error:
                self._anomalies.note("position_unreadable", why=str(error))
                continue
            found += [exposure] if exposure is not None else []
        return found


def exposure_of(row: Row, markets: Mapping[str, Market]) -> Exposure | None:
    """The position, or None if it is empty. Raises Unreadable if its base amount is not known."""
    contracts = amount(row.get("contracts"))
    if contracts == money.ZERO:
        return None
    market = markets.get(text(row, "symbol") or "")
    if contracts is None or market is None:
        raise Unreadable(f"a position of {row.get('contracts')} in {row.get('symbol')}")
    is_margin = market.type is PositionType.SPOT
    return Exposure(
        symbol=market.symbol,
        type=PositionType.MARGIN if is_margin else PositionType.SWAP,
        amount=(_margin_amount if is_margin else _swap_amount)(row, market, contracts),
        entry_price=positive(row.get("entryPrice")),
        leverage=positive(row.get("leverage")),
        margin=positive(row.get("initialMargin")) or positive(row.get("collateral")),
        liquidation_price=positive(row.get("liquidationPrice")),
    )


def netted(exposures: Iterable[Exposure]) -> list[Exposure]:
    """One position per market and type: a hedged account has the difference of both sides."""
    sides: defaultdict[tuple[str, PositionType], list[Exposure]] = defaultdict(list)
    for exposure in exposures:
        sides[exposure.symbol, exposure.type].append(exposure)
    return [net for both in sides.values() if (net := _net(both)).amount]


def _net(sides: Sequence[Exposure]) -> Exposure:
    """Both sides summed; their entry and liquidation prices do not apply to the rest."""
    if len(sides) == 1:
        return sides[0]
    leverages = {side.leverage for side in sides}
    margins = [side.margin for side in sides if side.margin is not None]
    return replace(
        sides[0],
        amount=money.total(side.amount for side in sides),
        entry_price=None,
        leverage=leverages.pop() if len(leverages) == 1 else None,
        margin=money.total(margins) if len(margins) == len(sides) else None,
        liquidation_price=None,
    )


def _swap_amount(row: Row, market: Market, contracts: Decimal) -> Decimal:
    """A linear swap's base amount. An inverse contract is a fixed amount of quote, not base."""
    settles_in = market.symbol.partition(":")[2].partition("-")[0]
    size = positive(row.get("contractSize")) or market.contract_size
    if settles_in != market.quote or size is None:
        raise Unreadable(f"a position in {market.symbol}, which is no fixed amount of the base")
    held = money.multiply(contracts, size)
    match row.get("side"):
        case "long":
            return held
        case "short":
            return held.copy_negate()
        case side:
            raise Unreadable(f"a position in {market.symbol} on the side {side}")


def _margin_amount(row: Row, market: Market, contracts: Decimal) -> Decimal:
    """A long is given in base; a short is given in quote, so its base amount is the liability."""
    raw = _raw(row)
    if text(raw, "posCcy") == market.base:
        return contracts
    owed = text(raw, "liab") if text(raw, "liabCcy") == market.base else None
    number = positive((owed or "").removeprefix("-"))
    if number is None:
        raise Unreadable(f"a position on margin in {market.symbol} whose amount is missing")
    return number.copy_negate()


def _raw(row: Row) -> Row:
    info = row.get("info")
    return info if isinstance(info, Mapping) else {}

"""ExchangeFacts: what the gate's checks need to know from the exchange, remembered or asked."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from app.domain.accounts import Balance, Connectivity
from app.domain.markets.markets import Ticker
from app.domain.order_kinds import PositionType
from app.domain.orders import refusals
from app.domain.orders.checks import ExchangeUnknown
from app.domain.orders.market_checks import MarketFacts
from app.domain.portfolio.exposures import Exposure
from app.errors import ExchangeError, ExchangeUnavailable
from app.ports import Clock
from app.services.accounts import AccountEntry, AccountService
from app.services.markets.order_prices import OrderPrices
from app.services.orders.balance_cache import BalanceCache
from app.services.orders.quote_rates import QuoteRates

_ONE = Decimal(1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The facts, and whether asking the exchange again could not tell anything else."""

    facts: MarketFacts | ExchangeUnknown
    is_latest: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answers:
    tickers: Mapping[str, Ticker]
    balances: Mapping[str, Balance]
    exposure: Exposure | None
    is_latest: bool


_Ask = Callable[[AccountEntry, list[str]], Awaitable[_Answers]]


class ExchangeFacts:
    """Finds the facts for orders; recent ones if they do, or else the latest."""

    def __init__(
        self, accounts: AccountService, funds: BalanceCache, prices: OrderPrices, clock: Clock
    ) -> None:
        self._accounts = accounts
        self._funds = funds
        self._prices = prices
        self._rates = QuoteRates()
        self._clock = clock

    async def recent(self, account: str, symbol: str, type: PositionType) -> Found:
        """Facts that may be some seconds old: they let an order pass, but must not refuse one."""

        async def ask(entry: AccountEntry, symbols: list[str]) -> _Answers:
            prices, funds, exposure = await asyncio.gather(
                self._prices.recent(entry, symbols),
                self._funds.recent(entry),
                _exposure(entry, symbol, type),
            )
            return _Answers(
                tickers=prices.tickers,
                balances=funds.balances,
                exposure=exposure,
                is_latest=prices.is_latest and funds.is_latest,
            )

        return await self._find(account, symbol, ask)

    async def latest(
        self, account: str, symbol: str, type: PositionType
    ) -> MarketFacts | ExchangeUnknown:
        """What the exchange says now."""

        async def ask(entry: AccountEntry, symbols: list[str]) -> _Answers:
            tickers, balances, exposure = await asyncio.gather(
                self._prices.latest(entry, symbols),
                self._funds.latest(entry),
                _exposure(entry, symbol, type),
            )
            return _Answers(tickers=tickers, balances=balances, exposure=exposure, is_latest=True)

        return (await self._find(account, symbol, ask)).facts

    async def _find(self, account: str, symbol: str, ask: _Ask) -> Found:
        entry = self._accounts.get(account)
        why = self._why_unknown(entry)
        if why is not None:
            return _unknown(why)
        try:
            async with self._clock.timeout(entry.answer_seconds):
                return await self._ask(entry, symbol, ask)
        except ExchangeUnavailable as error:
            return _unknown(str(error))
        except (ExchangeError, TimeoutError):
            return _unknown(refusals.SILENT)

    def _why_unknown(self, entry: AccountEntry) -> str | None:
        connection = entry.gateway.connection
        if connection.connectivity is Connectivity.DISCONNECTED or connection.is_pausing:
            return connection.detail or refusals.CUT_OFF
        if not self._accounts.is_in_step(entry.name):
            detail = f" ({connection.detail})" if connection.detail else ""
            return f"{refusals.NOT_IN_STEP}{detail}"
        return None

    async def _ask(self, entry: AccountEntry, symbol: str, ask: _Ask) -> Found:
        markets = await entry.gateway.markets()
        quote = markets[symbol].quote if symbol in markets else None
        hops = [] if quote is None else self._rates.symbols(entry.name, markets, quote)
        answers = await ask(entry, [symbol, *hops])
        converter = self._rates.converter(entry.name, markets, answers.tickers)
        rate = None if converter is None or quote is None else converter.value(quote, _ONE)
        facts = MarketFacts(
            capabilities=entry.gateway.capabilities,
            markets=markets,
            ticker=answers.tickers.get(symbol),
            balances=answers.balances,
            rate=rate,
            exposure=answers.exposure,
        )
        return Found(facts=facts, is_latest=answers.is_latest)


def _unknown(why: str) -> Found:
    return Found(facts=ExchangeUnknown(why=why), is_latest=True)


async def _exposure(account: AccountEntry, symbol: str, type: PositionType) -> Exposure | None:
    """The exchange's margin position in this market, if the order is on margin."""
    if type is not PositionType.MARGIN or type not in account.gateway.capabilities.position_types:
        return None
    exposures = await account.gateway.exposures()
    return next((held for held in exposures if (held.symbol, held.type) == (symbol, type)), None)

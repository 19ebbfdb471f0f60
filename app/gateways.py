"""Builds what stands between an account and its exchange, as the settings say."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from app.domain.accounts import AccountMode
from app.errors import SettingsError
from app.exchanges.ccxt.connection.clients import CcxtTerms, problems_of
from app.exchanges.ccxt.connection.sessions import MarketCache
from app.exchanges.ccxt.exchange import CcxtExchange
from app.exchanges.paper.exchange import PaperExchange
from app.exchanges.paper.faults import Faults
from app.exchanges.paper.prices.simulated_markets import PaperTerms
from app.ports import Clock, ExchangeGateway
from app.settings import AccountSettings, Settings
from app.storage.database import Database
from app.storage.paper import PaperLedgers

# What is on its way for longer than the exchange accepts it has surely not arrived; and a margin.
NOT_FOUND_MARGIN_SECONDS = 5.0
PAPER_ACCEPTANCE_SECONDS = 10.0


class Gateways:
    """Each account's own; accounts at the same exchange share what they know of its markets."""

    def __init__(
        self, settings: Settings, database: Database, clock: Clock, faults: Mapping[str, Faults]
    ) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._faults = faults
        self._market_cache = MarketCache(clock)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._settings.accounts)

    def build(self, name: str) -> ExchangeGateway:
        """SettingsError where the account must not be opened as it is set."""
        account = self._settings.accounts[name]
        if account.mode is not AccountMode.PAPER:
            return self._real(name)
        return PaperExchange(
            PaperLedgers(self._database, name),
            self._clock,
            _paper(account),
            self._faults.get(name),
            prices=None if account.is_simulated else self._real(name),
        )

    @asynccontextmanager
    async def opened(self, name: str) -> AsyncIterator[ExchangeGateway]:
        """For looking only: it is connected, and no order is filled by that."""
        if self._settings.accounts[name].is_simulated:
            yield self.build(name)
            return
        gateway = self._real(name)
        running = asyncio.create_task(gateway.run())
        try:
            yield gateway
        finally:
            running.cancel()
            await asyncio.wait([running])

    def _real(self, name: str) -> CcxtExchange:
        """The exchange itself; for an account on paper it is where the prices come from."""
        terms = self._terms(self._settings.accounts[name])
        problems = problems_of(terms)
        if problems:
            raise SettingsError(tuple(f"accounts.{name}: {words}" for words in problems))
        return CcxtExchange(terms, self._clock, self._market_cache)

    def answer_seconds(self, name: str) -> float:
        """How long the exchange may take; what is set for its client itself goes first."""
        account = self._settings.accounts[name]
        if account.is_simulated:
            return self._settings.exchange_timeout_seconds
        return self._terms(account).answer_seconds

    def not_found_seconds(self, name: str) -> float:
        """After how long an order that the exchange does not know has surely not arrived."""
        account, told = self._settings.accounts[name], self._settings.not_found_seconds
        if told is not None:
            return told
        if account.is_simulated:
            return PAPER_ACCEPTANCE_SECONDS + NOT_FOUND_MARGIN_SECONDS
        return self._terms(account).acceptance_seconds + NOT_FOUND_MARGIN_SECONDS

    def _terms(self, account: AccountSettings) -> CcxtTerms:
        return CcxtTerms(
            exchange=account.exchange,
            mode=account.mode,
            api_key=account.api_key,
            secret=account.secret,
            password=account.password,
            overrides=account.ccxt,
            timeout_seconds=self._settings.exchange_timeout_seconds,
            watchdog_seconds=self._settings.watchdog_seconds,
        )


def build_all(gateways: Gateways) -> Mapping[str, ExchangeGateway]:
    """Every account's, or all that is wrong with any of them."""
    built: dict[str, ExchangeGateway] = {}
    problems: list[str] = []
    for name in gateways.names:
        try:
            built[name] = gateways.build(name)
        except SettingsError as error:
            problems += error.problems
    if problems:
        raise SettingsError(tuple(problems))
    return built


def _paper(account: AccountSettings) -> PaperTerms:
    return PaperTerms(
        balances=account.paper.balances,
        maker_fee=account.paper.maker_fee,
        taker_fee=account.paper.taker_fee,
        seed=account.paper.seed,
    )

"""Gateways: builds each account's ExchangeGateway from the settings."""

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

# Added to the receive window, after which a request that is on its way cannot arrive any more.
NOT_FOUND_MARGIN_SECONDS = 5.0
PAPER_ACCEPTANCE_SECONDS = 10.0


class Gateways:
    """Builds one gateway per account; accounts at the same exchange share its market list."""

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
        """The account's gateway. Raises SettingsError if its settings do not allow opening it."""
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
        """A connected gateway for reading only; it fills no paper orders."""
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
        """The ccxt gateway; a paper account takes only its prices from it."""
        terms = self._terms(self._settings.accounts[name])
        problems = problems_of(terms)
        if problems:
            raise SettingsError(tuple(f"accounts.{name}: {words}" for words in problems))
        return CcxtExchange(terms, self._clock, self._market_cache)

    def answer_seconds(self, name: str) -> float:
        """How long the exchange may take to answer; ccxt's own timeout setting takes precedence."""
        account = self._settings.accounts[name]
        if account.is_simulated:
            return self._settings.exchange_timeout_seconds
        return self._terms(account).answer_seconds

    def not_found_seconds(self, name: str) -> float:
        """After how long an order that the exchange does not know has certainly not arrived."""
        account, configured = self._settings.accounts[name], self._settings.not_found_seconds
        if configured is not None:
            return configured
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
    """Every account's gateway. Raises SettingsError with the problems of all accounts."""
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

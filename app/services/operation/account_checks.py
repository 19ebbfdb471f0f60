"""Checks of an account: whether its exchange is reached, and what its keys may do."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from app.domain.account_checks import AccountCheck
from app.domain.accounts import AccountMode, Connection, Connectivity
from app.domain.findings import Finding, fault, ok, warning
from app.errors import OrderdeckError, SettingsError
from app.ports import Clock, ExchangeGateway

# A first connection imports ccxt and loads all markets.
ANSWER_SECONDS = 30.0
GLANCE_SECONDS = 0.1
SKEW_TOLERANCE_SECONDS = 1.0
SKEW_LIMIT_SECONDS = 30.0

_LOOK = "look at the network and at the exchange's own status page"


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountCandidate:
    """A configured account, and how to open its gateway without changing anything."""

    name: str
    exchange: str
    mode: AccountMode
    has_keys: bool
    open: Callable[[], AbstractAsyncContextManager[ExchangeGateway]]

    @property
    def title(self) -> str:
        return f"account {self.name}"

    @property
    def words(self) -> str:
        return f"{self.mode} on {self.exchange}"


async def examine_account(account: AccountCandidate, clock: Clock) -> list[Finding]:
    """Ask the exchange about the account; places no order."""
    try:
        async with clock.timeout(ANSWER_SECONDS), account.open() as gateway:
            return [finding async for finding in _examine(account, gateway, clock)]
    except SettingsError as error:
        words = f"{account.words}: it cannot be used: {error}"
        return [fault(account.title, words, "mend its settings")]
    except TimeoutError:
        words = f"{account.words}: the exchange does not answer within {ANSWER_SECONDS:g} s"
        return [fault(account.title, words, _LOOK)]
    except OrderdeckError as error:
        words = f"{account.words}: {error}"
        return [fault(account.title, words, "look at the exchange and at its keys")]


async def _examine(
    account: AccountCandidate, gateway: ExchangeGateway, clock: Clock
) -> AsyncIterator[Finding]:
    while gateway.connection.connectivity is Connectivity.CONNECTING:
        await clock.sleep(GLANCE_SECONDS)
    if gateway.connection.connectivity is Connectivity.DISCONNECTED:
        yield _of_connection(account, account.words, gateway.connection)
        return
    markets = await gateway.markets()
    yield _of_connection(account, f"{account.words}, {len(markets)} markets", gateway.connection)
    for finding in _of_examination(account, await gateway.examine()):
        yield finding


def _of_connection(account: AccountCandidate, what: str, connection: Connection) -> Finding:
    detail = f": {connection.detail}" if connection.detail else ""
    words = f"{what}, {connection.connectivity.lower()}{detail}"
    match connection.connectivity:
        case Connectivity.CONNECTED | Connectivity.CONNECTING:
            return ok(account.title, words)
        case Connectivity.DEGRADED:
            advice = "look at the exchange: a part of it does not work"
            return warning(account.title, words, advice)
        case Connectivity.DISCONNECTED:
            return fault(account.title, words, _LOOK)


def _of_examination(account: AccountCandidate, check: AccountCheck) -> Iterator[Finding]:
    if account.has_keys:
        yield from _of_keys(account, check)
    if check.clock_skew_seconds is not None:
        yield _of_skew(account, check.clock_skew_seconds)
    if check.requests_per_second is not None:
        words = f"it is asked {check.requests_per_second:g} times a second at most"
        yield ok(f"{account.title}, pace", words)
    for words in check.problems:
        yield fault(account.title, words, "look at the exchange's own pages, and again here")


def _of_keys(account: AccountCandidate, check: AccountCheck) -> Iterator[Finding]:
    title = f"{account.title}, keys"
    match check.can_trade:
        case True:
            yield ok(title, "they may trade")
        case False:
            advice = "give the key the permission to trade on the spot market, at the exchange"
            yield fault(title, "they may not trade", advice)
        case None:
            yield ok(title, "the exchange takes them, and does not say whether they may trade")
    if check.can_withdraw:
        advice = "make a key without that permission: nothing here ever withdraws"
        yield warning(title, "they may withdraw money", advice)
    if check.key_is_ip_bound is False:
        advice = "bind the key to the address of this machine, at the exchange"
        yield warning(title, "they work from every address", advice)


def _of_skew(account: AccountCandidate, seconds: float) -> Finding:
    title = f"{account.title}, clock"
    way = "behind" if seconds > 0 else "ahead of"
    words = f"this machine's clock is {abs(seconds):.1f} s {way} the exchange's"
    if abs(seconds) > SKEW_LIMIT_SECONDS:
        return fault(title, words, "set the clock of this machine, best by NTP")
    if abs(seconds) > SKEW_TOLERANCE_SECONDS:
        return warning(title, words, "set the clock of this machine, best by NTP")
    return ok(title, words)

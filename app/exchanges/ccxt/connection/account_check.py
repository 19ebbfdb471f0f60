"""AccountExaminer: checks an account's key and clock without placing an order."""

from dataclasses import replace
from typing import Any

from app.domain.account_checks import AccountCheck
from app.errors import ExchangeUnavailable
from app.exchanges.ccxt.connection.calls import Call
from app.exchanges.ccxt.connection.sessions import CcxtSession
from app.exchanges.ccxt.parsing.failures import failure_of_read, is_unsupported, key_words
from app.exchanges.ccxt.parsing.numbers import exact, milliseconds
from app.exchanges.ccxt.rows.quirks import spending_words
from app.ports import Clock
from app.primitives.priorities import Priority


class AccountExaminer:
    """Queries an account's permissions and clock, and collects the problems in words."""

    def __init__(self, session: CcxtSession, clock: Clock, *, has_keys: bool) -> None:
        self._session = session
        self._clock = clock
        self._has_keys = has_keys
        self._problems: list[str] = []

    async def examine(self) -> AccountCheck:
        try:
            client = self._session.client
        except ExchangeUnavailable as error:
            return AccountCheck(problems=(str(error),))
        if not self._session.buys_in_base:
            self._problems.append(spending_words(self._session.quirks))
        check = replace(
            await self._permissions(),
            clock_skew_seconds=await self._clock_skew_seconds(),
            requests_per_second=1000 / client.rateLimit if client.rateLimit else None,
        )
        return replace(check, problems=tuple(self._problems))

    async def _permissions(self) -> AccountCheck:
        if not self._has_keys:
            return AccountCheck()
        money = await self._ask("fetch_balance")
        permissions = self._session.quirks.permissions
        if permissions is None:
            return AccountCheck()
        answer = await self._ask(permissions.method)
        return AccountCheck(
            can_trade=permissions.may_trade(answer, money),
            can_withdraw=permissions.may_withdraw(answer),
            key_is_ip_bound=permissions.is_ip_bound(answer),
        )

    async def _clock_skew_seconds(self) -> float | None:
        """The exchange's time minus the midpoint of our times before and after the request."""
        if self._session.client.has.get("fetchTime") is not True:
            return None
        before = milliseconds(self._clock.now())
        fetched = exact(await self._ask("fetch_time"))
        after = milliseconds(self._clock.now())
        return None if fetched is None else (int(fetched) - (before + after) / 2) / 1000

    async def _ask(self, method: str) -> Any:
        """The response; None if it failed, a problem unless ccxt does not support the call."""
        try:
            return await self._session.ask(Priority.LOOKUP, Call(method=method, arguments=()))
        except Exception as error:  # noqa: BLE001 - the check exists to report failures
            words = key_words(error) or str(failure_of_read(error))
            if not is_unsupported(error) and words not in self._problems:
                self._problems.append(words)
            return None

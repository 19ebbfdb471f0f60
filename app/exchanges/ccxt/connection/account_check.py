"""An account's key and clock, asked after without placing anything."""

from dataclasses import replace
from typing import Any

from app.domain.account_checks import AccountCheck
from app.errors import ExchangeUnavailable
from app.exchanges.ccxt.connection.calls import Call
from app.exchanges.ccxt.connection.request_queue import Priority
from app.exchanges.ccxt.connection.sessions import CcxtSession
from app.exchanges.ccxt.parsing.failures import failure_of_read, is_unsupported, key_words
from app.exchanges.ccxt.parsing.numbers import exact, milliseconds
from app.ports import Clock


class Examiner:
    """Asks, and says in words what is not as it should be."""

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
        found = replace(
            await self._permissions(),
            clock_skew_seconds=await self._clock_skew_seconds(),
            requests_per_second=1000 / client.rateLimit if client.rateLimit else None,
        )
        return replace(found, problems=tuple(self._problems))

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
        """Their time against the middle of ours before the question and after the answer."""
        if self._session.client.has.get("fetchTime") is not True:
            return None
        before = milliseconds(self._clock.now())
        told = exact(await self._ask("fetch_time"))
        after = milliseconds(self._clock.now())
        return None if told is None else (int(told) - (before + after) / 2) / 1000

    async def _ask(self, method: str) -> Any:
        """None where there is no answer, which is a problem unless there cannot be one."""
        try:
            return await self._session.ask(Priority.LOOKUP, Call(method=method, arguments=()))
        except Exception as error:  # noqa: BLE001 - to tell what does not work is what this is for
            words = key_words(error) or str(failure_of_read(error))
            if not is_unsupported(error) and words not in self._problems:
                self._problems.append(words)
            return None

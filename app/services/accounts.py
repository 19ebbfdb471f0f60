"""The configured accounts, their gateways, and whether each was compared with its exchange."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.bus import Topic
from app.domain.access.tokens import Token
from app.domain.accounts import Account, AccountMode
from app.domain.portfolio.exposures import Exposure
from app.errors import BadInput, Denied, Duplicate, Refusal, RefusalCode, SettingsError
from app.ports import Clock, ExchangeGateway
from app.storage.database import Database

DEFAULT = "default"


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountEntry:
    """One configured account."""

    name: str
    exchange: str
    mode: AccountMode
    max_open_orders: int | None
    # How long the account's exchange may take to answer.
    answer_seconds: float
    gateway: ExchangeGateway

    async def exposures(self) -> Sequence[Exposure] | None:
        """Returns None if the exchange keeps no positions: then they follow from fills alone."""
        gateway = self.gateway
        return await gateway.exposures() if gateway.capabilities.positions else None


class AccountService:
    """Finds accounts by name, among those that a token may see."""

    def __init__(self, database: Database, clock: Clock, entries: Sequence[AccountEntry]) -> None:
        self._database = database
        self._clock = clock
        self._entries = {entry.name: entry for entry in entries}
        self._reconciled_at: dict[str, datetime] = {}
        self._in_step: set[str] = set()

    @property
    def entries(self) -> Mapping[str, AccountEntry]:
        return self._entries

    async def register(self) -> None:
        """Store what each name stands for; a name never changes from paper to real money."""
        try:
            await self._register_once()
        except Duplicate:
            # Another process started at the same moment and has stored the names by now.
            await self._register_once()

    async def _register_once(self) -> None:
        async with self._database.transaction() as tx:
            for entry in self._entries.values():
                known = await tx.accounts.find(entry.name)
                if known is None:
                    at = self._clock.now()
                    await tx.accounts.insert(entry.name, entry.exchange, entry.mode, at)
                elif (known["exchange"], known["mode"]) != (entry.exchange, str(entry.mode)):
                    raise SettingsError((_renamed(entry, known["exchange"], known["mode"]),))
                elif known["last_reconciled_at"] is not None:
                    self._reconciled_at[entry.name] = known["last_reconciled_at"]

    def visible(self, viewer: Token) -> list[AccountEntry]:
        return [entry for entry in self._entries.values() if viewer.sees(entry.name)]

    def names_visible(self, viewer: Token) -> frozenset[str]:
        return frozenset(entry.name for entry in self.visible(viewer))

    def get(self, name: str) -> AccountEntry:
        return self._entries[name]

    def find(self, name: str, viewer: Token) -> AccountEntry | None:
        entry = self._entries.get(name)
        return entry if entry is not None and viewer.sees(name) else None

    def resolve(self, name: str | None, viewer: Token) -> AccountEntry:
        """The account of this name; without a name the only one, or else the one named default."""
        visible = {entry.name: entry for entry in self.visible(viewer)}
        if name is not None:
            if name not in visible:
                raise Denied(_unknown(sorted(visible)))
            return visible[name]
        if len(visible) == 1:
            return next(iter(visible.values()))
        if DEFAULT not in visible:
            raise BadInput(f"name the account: {', '.join(sorted(visible))}", field=("account",))
        return visible[DEFAULT]

    def first(self, viewer: Token) -> AccountEntry:
        """The visible account named default, or else the first by name."""
        visible = {entry.name: entry for entry in self.visible(viewer)}
        if not visible:
            raise Denied(_unknown([]))
        return visible[DEFAULT] if DEFAULT in visible else visible[min(visible)]

    def describe(self, entry: AccountEntry) -> Account:
        return Account(
            name=entry.name,
            exchange=entry.exchange,
            mode=entry.mode,
            connection=entry.gateway.connection,
            last_reconciled_at=self._reconciled_at.get(entry.name),
            capabilities=entry.gateway.capabilities,
        )

    async def set_reconciled(self, name: str) -> None:
        at = self._clock.now()
        async with self._database.transaction() as tx:
            await tx.accounts.set_reconciled(name, at)
            # Wakes those who wait until the account is in step, like the bot.
            tx.announce(Topic.FEED)
        self._reconciled_at[name] = at
        self._in_step.add(name)

    def is_in_step(self, name: str) -> bool:
        """Whether the account was compared since the start; until then it takes no orders."""
        return name in self._in_step


def _renamed(entry: AccountEntry, exchange: str, mode: str) -> str:
    return (
        f"accounts.{entry.name} is {entry.mode} on {entry.exchange}, but this database knows the"
        f" name as {mode} on {exchange}: give the new account a name of its own"
    )


def _unknown(names: Sequence[str]) -> Refusal:
    known = f"the accounts are {', '.join(names)}" if names else "this token may use none"
    return Refusal(
        code=RefusalCode.UNKNOWN_ACCOUNT,
        message=f"there is no account of this name; {known}",
        field=("account",),
    )

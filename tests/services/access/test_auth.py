import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update
from structlog.testing import capture_logs

from app.domain.access.tokens import Scope, Token, TokenOrigin
from app.errors import Denied, RateLimited, RefusalCode, Unauthenticated
from app.services.access import auth as auth_module
from app.services.access.auth import AuthService
from app.services.access.login_throttle import MOST_WAITING, LoginThrottle
from app.storage import tables
from app.storage.database import Database, Snapshot
from app.storage.tokens import TokenStore
from tests.conftest import on_each_database
from tests.support.callers import begin_elsewhere
from tests.support.clock import ManualClock
from tests.support.services.authorizing import HERE, is_let_in

MINUTE = 60.0


@asynccontextmanager
async def running(auth: AuthService, clock: ManualClock) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(auth.run())
        await clock.until_asleep()
        yield
        task.cancel()


async def refusal_of(auth: AuthService, **changes: object) -> tuple[RefusalCode, object, str]:
    given: dict[str, object] = {"name": "a bot", "scopes": [Scope.READ], **changes}
    with pytest.raises(Denied) as caught:
        await auth.create(**given)  # type: ignore[arg-type]
    return caught.value.refusal.code, caught.value.refusal.field, caught.value.refusal.message


async def test_a_new_token_lets_in_whoever_has_its_secret(
    auth: AuthService, clock: ManualClock
) -> None:
    token, secret = await auth.create(
        name="a bot",
        scopes=[Scope.TRADE, Scope.READ, Scope.TRADE],
        account_names=["paper", "paper"],
        expires_at=clock.now() + timedelta(days=1),
    )
    assert await auth.authenticate(secret, HERE) == token
    assert token.scopes == (Scope.READ, Scope.TRADE)
    assert token.account_names == ("paper",)
    assert token.origin is TokenOrigin.CREATED
    assert secret.startswith("odk_")
    assert len(secret) == 47


@on_each_database
async def test_the_secret_is_kept_nowhere(auth: AuthService, database: Database) -> None:
    _, secret = await auth.create(name="a bot", scopes=[Scope.READ])
    async with database.snapshot() as view:
        stored = str(await view.sql.all(select(tables.tokens)))
    assert "a bot" in stored
    assert secret.removeprefix("odk_") not in stored


@pytest.mark.parametrize("secret", ["", "odk_guess", "x" * 10_000, "\ud800", "odk_\0"])
async def test_a_secret_of_no_token_lets_nobody_in(auth: AuthService, secret: str) -> None:
    with pytest.raises(Unauthenticated):
        await auth.authenticate(secret, HERE)


@on_each_database
async def test_a_secret_that_is_almost_right_lets_nobody_in(
    auth: AuthService, database: Database
) -> None:
    """The digests differ in the last character only."""
    _, secret = await auth.create(name="a bot", scopes=[Scope.READ])
    async with database.transaction() as tx:
        digest = (await tx.sql.all(select(tables.tokens.c.digest)))[0]["digest"]
        other = digest[:-1] + ("0" if digest[-1] != "0" else "1")
        await tx.sql.run(update(tables.tokens).values(digest=other))
    assert not await is_let_in(auth, secret)


async def test_whoever_came_in_before_comes_in_past_those_who_try(
    database: Database, clock: ManualClock
) -> None:
    login_throttle = LoginThrottle(clock)
    auth = AuthService(
        database=database, clock=clock, account_names=("paper",), login_throttle=login_throttle
    )
    known, secret = await auth.create(name="a bot", scopes=[Scope.READ])
    _, unknown = await auth.create(name="a stranger", scopes=[Scope.READ])
    await auth.authenticate(secret, HERE)
    wrong = [asyncio.create_task(auth.authenticate("wrong", HERE)) for _ in range(MOST_WAITING)]
    await clock.until_asleep(MOST_WAITING)
    assert await auth.authenticate(secret, HERE) == known
    with pytest.raises(RateLimited):
        await auth.authenticate(unknown, HERE)
    assert await auth.authenticate(unknown, "198.51.100.9")
    await clock.advance(1)
    told = await asyncio.gather(*wrong, return_exceptions=True)
    assert {type(one) for one in told} == {Unauthenticated}


async def test_an_expired_token_says_so(auth: AuthService, clock: ManualClock) -> None:
    expires_at = clock.now() + timedelta(minutes=1)
    _, secret = await auth.create(name="a bot", scopes=[Scope.READ], expires_at=expires_at)
    await clock.advance(MINUTE - 0.1)
    await auth.authenticate(secret, HERE)
    await clock.advance(0.1)
    with capture_logs() as logs, pytest.raises(Unauthenticated, match="expired"):
        await auth.authenticate(secret, HERE)
    assert logs[0]["how"] == "has expired"
    assert (logs[0]["name"], logs[0]["address"]) == ("a bot", HERE)


async def test_a_revocation_here_counts_at_once(auth: AuthService, admin: Token) -> None:
    token, secret = await auth.create(name="a bot", scopes=[Scope.READ])
    await auth.authenticate(secret, HERE)
    revoked = await auth.revoke(token.id)
    assert revoked.revoked_at is not None
    with pytest.raises(Unauthenticated, match="revoked"):
        await auth.authenticate(secret, HERE)


@on_each_database
async def test_a_revocation_by_another_process_counts_within_a_second(
    auth: AuthService, start: Callable[[], AuthService], clock: ManualClock, admin: Token
) -> None:
    token, secret = await auth.create(name="a bot", scopes=[Scope.READ])
    await auth.authenticate(secret, HERE)
    await start().revoke(token.id)
    await clock.advance(0.9)
    assert not await is_let_in(auth, secret)


async def test_a_token_is_not_read_again_for_every_request(
    auth: AuthService, database: Database
) -> None:
    _, secret = await auth.create(name="a bot", scopes=[Scope.READ])
    token = await auth.authenticate(secret, HERE)
    async with database.transaction() as tx:
        await tx.tokens.revoke(token.id, at=token.created_at)
    assert await auth.authenticate(secret, HERE) == token


async def test_a_crowd_with_one_token_reads_it_once(
    auth: AuthService, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, secret = await auth.create(name="a bot", scopes=[Scope.READ])
    await auth.authenticate(secret, HERE)
    await clock.advance(1)
    opened: list[Database] = []
    snapshot = Database.snapshot

    def counted(database: Database) -> AbstractAsyncContextManager[Snapshot]:
        opened.append(database)
        return snapshot(database)

    monkeypatch.setattr(Database, "snapshot", counted)
    first, *others = [asyncio.create_task(auth.authenticate(secret, HERE)) for _ in range(200)]
    await asyncio.sleep(0)
    first.cancel()
    assert len(set(await asyncio.gather(*others))) == 1
    # The first was reading when it was gone, so that one of the others had to.
    assert len(opened) == 2


async def test_who_comes_after_a_revocation_is_not_told_what_was_read_before(
    auth: AuthService, clock: ManualClock, admin: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, secret = await auth.create(name="a bot", scopes=[Scope.READ])
    find = TokenStore.find_by_digest
    was_read, may_go = asyncio.Event(), asyncio.Event()

    async def slow(table: TokenStore, digest: str) -> Token | None:
        found = await find(table, digest)
        was_read.set()
        await may_go.wait()
        return found

    monkeypatch.setattr(TokenStore, "find_by_digest", slow)
    before = begin_elsewhere(auth.authenticate(secret, HERE))
    await was_read.wait()
    await auth.revoke(token.id)
    after = begin_elsewhere(auth.authenticate(secret, HERE))
    await asyncio.sleep(0)
    may_go.set()
    assert (await before).id == token.id
    with pytest.raises(Unauthenticated, match="revoked"):
        await after


async def test_the_cache_is_bounded(auth: AuthService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth_module, "CACHE_SIZE", 2)
    made = [await auth.create(name=str(number), scopes=[Scope.READ]) for number in range(4)]
    for _, secret in made:
        await auth.authenticate(secret, HERE)
    assert len(auth._cache) == 2


async def test_a_socket_ends_when_its_token_is_revoked_here(
    auth: AuthService, admin: Token
) -> None:
    token, _ = await auth.create(name="a bot", scopes=[Scope.READ])
    sockets = [asyncio.create_task(auth.ended(token)) for _ in range(3)]
    await asyncio.sleep(0)
    await auth.revoke(token.id)
    async with asyncio.timeout(1):
        await asyncio.gather(*sockets)


@on_each_database
async def test_a_socket_ends_within_a_second_when_another_process_revokes_its_token(
    auth: AuthService, start: Callable[[], AuthService], clock: ManualClock, admin: Token
) -> None:
    token, _ = await auth.create(name="a bot", scopes=[Scope.READ])
    spared = asyncio.create_task(auth.ended(admin))
    socket = asyncio.create_task(auth.ended(token))
    async with running(auth, clock):
        await start().revoke(token.id)
        await clock.advance(0.9)
        assert socket.done()
        assert not spared.done()
    spared.cancel()


async def test_a_socket_that_began_after_the_revocation_ends_too(
    auth: AuthService, start: Callable[[], AuthService], clock: ManualClock, admin: Token
) -> None:
    token, secret = await auth.create(name="a bot", scopes=[Scope.READ])
    seen = await auth.authenticate(secret, HERE)
    await start().revoke(token.id)
    socket = asyncio.create_task(auth.ended(seen))
    async with running(auth, clock):
        await clock.advance(0.9)
        assert socket.done()


async def test_a_socket_ends_when_its_token_expires(auth: AuthService, clock: ManualClock) -> None:
    expires_at = clock.now() + timedelta(seconds=5)
    token, _ = await auth.create(name="a bot", scopes=[Scope.READ], expires_at=expires_at)
    socket = asyncio.create_task(auth.ended(token))
    async with running(auth, clock):
        await clock.advance(4.9)
        assert not socket.done()
        await clock.advance(0.9)
        assert socket.done()


async def test_a_token_that_ended_before_is_not_waited_for(auth: AuthService, admin: Token) -> None:
    token, _ = await auth.create(name="a bot", scopes=[Scope.READ])
    async with asyncio.timeout(1):
        await auth.ended(await auth.revoke(token.id))


async def test_a_socket_that_left_leaves_nothing_behind(auth: AuthService, admin: Token) -> None:
    sockets = [asyncio.create_task(auth.ended(admin)) for _ in range(2)]
    await asyncio.sleep(0)
    for socket in sockets:
        socket.cancel()
    await asyncio.gather(*sockets, return_exceptions=True)
    assert not auth._watches


@on_each_database
async def test_use_is_noted_once_a_minute(auth: AuthService, clock: ManualClock) -> None:
    _, secret = await auth.create(name="a bot", scopes=[Scope.READ])
    first = clock.now()
    noted = []
    async with running(auth, clock):
        for _ in range(4):
            await auth.authenticate(secret, HERE)
            await clock.advance(20)
            noted.append((await auth.list())[0].last_used_at)
    assert noted == [first, first, first, first + timedelta(seconds=60)]


@on_each_database
async def test_a_database_out_of_order_does_not_end_the_loop(
    auth: AuthService,
    start: Callable[[], AuthService],
    clock: ManualClock,
    admin: Token,
    database: Database,
) -> None:
    token, _ = await auth.create(name="a bot", scopes=[Scope.READ])
    socket = asyncio.create_task(auth.ended(token))
    async with running(auth, clock):
        async with database.transaction() as tx:
            await tx.sql.run(text("ALTER TABLE tokens RENAME TO elsewhere"))
        with capture_logs() as logs:
            await clock.advance(2)
        assert "tokens.not_kept" in {log["event"] for log in logs}
        async with database.transaction() as tx:
            await tx.sql.run(text("ALTER TABLE elsewhere RENAME TO tokens"))
        await start().revoke(token.id)
        await clock.advance(0.9)
        assert socket.done()


@pytest.mark.parametrize("name", ["", "   ", "two\nlines", "x" * 101, "\x00"])
async def test_a_name_must_be_readable(auth: AuthService, name: str) -> None:
    code, field, _ = await refusal_of(auth, name=name)
    assert (code, field) == (RefusalCode.INVALID_INPUT, ("name",))


async def test_a_token_needs_a_scope(auth: AuthService) -> None:
    code, field, _ = await refusal_of(auth, scopes=[])
    assert (code, field) == (RefusalCode.INVALID_INPUT, ("scopes",))


async def test_an_expiry_must_lie_ahead(auth: AuthService, clock: ManualClock) -> None:
    code, field, _ = await refusal_of(auth, expires_at=clock.now())
    assert (code, field) == (RefusalCode.INVALID_INPUT, ("expiresAt",))


@pytest.mark.parametrize("names", [["nowhere"], ["paper", "nowhere"], []])
async def test_accounts_must_be_known_and_are_listed(auth: AuthService, names: list[str]) -> None:
    code, field, message = await refusal_of(auth, account_names=names)
    assert (code, field) == (RefusalCode.INVALID_INPUT, ("accountNames",))
    assert "main, paper" in message


@pytest.mark.parametrize("names", [None, ["main"], ["main", "paper"]])
async def test_nobody_grants_more_accounts_than_he_sees(
    auth: AuthService, names: list[str] | None
) -> None:
    granter, _ = await auth.create(name="limited", scopes=[Scope.ADMIN], account_names=["paper"])
    code, field, message = await refusal_of(auth, account_names=names, granter=granter)
    assert (code, field) == (RefusalCode.INVALID_INPUT, ("accountNames",))
    assert "there is main" not in message
    token, _ = await auth.create(
        name="fine", scopes=[Scope.READ], account_names=["paper"], granter=granter
    )
    assert token.account_names == ("paper",)


async def test_scopes_include_those_before_them(auth: AuthService) -> None:
    token, _ = await auth.create(name="a bot", scopes=[Scope.CONTROL])
    assert [scope for scope in Scope if token.allows(scope)] == [
        Scope.READ,
        Scope.TRADE,
        Scope.CONTROL,
    ]


@on_each_database
async def test_the_last_valid_admin_token_cannot_be_revoked(
    auth: AuthService, admin: Token, clock: ManualClock
) -> None:
    soon = clock.now() + timedelta(seconds=1)
    await auth.create(name="expires", scopes=[Scope.ADMIN], expires_at=soon)
    other, _ = await auth.create(name="revoked", scopes=[Scope.ADMIN])
    await auth.revoke(other.id)
    await clock.advance(1)
    with pytest.raises(Denied) as caught:
        await auth.revoke(admin.id)
    assert caught.value.refusal.code is RefusalCode.INVALID_STATE


@on_each_database
async def test_of_two_last_admin_tokens_revoked_at_once_one_stays(
    auth: AuthService, database: Database, clock: ManualClock
) -> None:
    (one, _), (two, _) = [
        await auth.create(name=name, scopes=[Scope.ADMIN]) for name in ("one", "two")
    ]
    async with database.transaction() as tx:
        await tx.tokens.hold()
        await tx.tokens.revoke(one.id, at=clock.now())
        late = begin_elsewhere(auth.revoke(two.id))
        # A revocation that did not wait for the lock would be done by then.
        await asyncio.wait([late], timeout=0.3)
    with pytest.raises(Denied):
        await late


@on_each_database
async def test_revoking_twice_is_one_revocation(
    auth: AuthService, admin: Token, clock: ManualClock
) -> None:
    token, _ = await auth.create(name="a bot", scopes=[Scope.READ])
    first = await auth.revoke(token.id)
    await clock.advance(5)
    assert await auth.revoke(token.id) == first


async def test_revoking_an_unknown_token_is_not_found(auth: AuthService) -> None:
    with pytest.raises(Denied) as caught:
        await auth.revoke("nothing")
    assert caught.value.refusal.code is RefusalCode.NOT_FOUND


@on_each_database
async def test_tokens_are_listed_newest_first(auth: AuthService, clock: ManualClock) -> None:
    for name in ("one", "two", "three"):
        await auth.create(name=name, scopes=[Scope.READ])
        await clock.advance(1)
    assert [token.name for token in await auth.list()] == ["three", "two", "one"]

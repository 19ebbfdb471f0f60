import asyncio
from collections.abc import Callable
from pathlib import Path

from pydantic import SecretStr

from app.domain.access.tokens import ADMIN_FILE, Scope, Token
from app.services.access.auth import AuthService
from tests.conftest import on_each_database
from tests.support.services.authorizing import HERE, is_let_in

CONFIGURED = SecretStr("configured-" + "x" * 32)


async def test_the_first_start_writes_a_token_that_only_its_owner_can_read(
    auth: AuthService, tmp_path: Path
) -> None:
    await auth.ensure_admin(tmp_path / "data", None)
    file = tmp_path / "data" / ADMIN_FILE
    content = file.read_text()
    assert content.endswith("\n")
    assert file.stat().st_mode & 0o777 == 0o600
    token = await auth.authenticate(content.strip(), HERE)
    assert token.scopes == (Scope.ADMIN,)
    assert token.account_names is None
    assert [path.name for path in file.parent.iterdir()] == [ADMIN_FILE]


@on_each_database
async def test_later_starts_leave_the_token_as_it_is(
    auth: AuthService, start: Callable[[], AuthService], tmp_path: Path
) -> None:
    await auth.ensure_admin(tmp_path, None)
    content = (tmp_path / ADMIN_FILE).read_text()
    await start().ensure_admin(tmp_path, None)
    assert (tmp_path / ADMIN_FILE).read_text() == content
    assert len(await auth.list()) == 1


async def test_a_file_that_was_put_away_is_not_written_again(
    auth: AuthService, tmp_path: Path
) -> None:
    await auth.ensure_admin(tmp_path, None)
    secret = (tmp_path / ADMIN_FILE).read_text().strip()
    (tmp_path / ADMIN_FILE).unlink()
    await auth.ensure_admin(tmp_path, None)
    assert not (tmp_path / ADMIN_FILE).exists()
    assert await is_let_in(auth, secret)


@on_each_database
async def test_a_crash_between_the_file_and_the_row_heals(
    auth: AuthService, tmp_path: Path
) -> None:
    secret = "odk_" + "z" * 43
    (tmp_path / ADMIN_FILE).write_text(f"{secret}\n")
    await auth.ensure_admin(tmp_path, None)
    assert (await auth.authenticate(secret, HERE)).allows(Scope.ADMIN)
    assert (tmp_path / ADMIN_FILE).read_text() == f"{secret}\n"


async def test_a_crash_while_the_file_is_written_heals(auth: AuthService, tmp_path: Path) -> None:
    (tmp_path / f".{ADMIN_FILE}.new").write_text("odk_unfin")
    await auth.ensure_admin(tmp_path, None)
    assert await is_let_in(auth, (tmp_path / ADMIN_FILE).read_text().strip())


async def test_a_damaged_file_is_written_anew_where_nobody_could_come_in(
    auth: AuthService, tmp_path: Path
) -> None:
    (tmp_path / ADMIN_FILE).write_bytes(b"\xff\x00")
    await auth.ensure_admin(tmp_path, None)
    assert await is_let_in(auth, (tmp_path / ADMIN_FILE).read_text().strip())


async def test_a_revoked_file_token_does_not_come_back_with_a_restart(
    auth: AuthService, start: Callable[[], AuthService], admin: Token, tmp_path: Path
) -> None:
    await auth.ensure_admin(tmp_path, None)
    secret = (tmp_path / ADMIN_FILE).read_text().strip()
    await auth.revoke((await auth.authenticate(secret, HERE)).id)
    restarted = start()
    await restarted.ensure_admin(tmp_path, None)
    assert not await is_let_in(restarted, secret)
    assert (tmp_path / ADMIN_FILE).read_text().strip() == secret


async def test_a_configured_token_needs_no_file(auth: AuthService, tmp_path: Path) -> None:
    await auth.ensure_admin(tmp_path, CONFIGURED)
    await auth.ensure_admin(tmp_path, CONFIGURED)
    assert (await auth.authenticate(CONFIGURED.get_secret_value(), HERE)).allows(Scope.ADMIN)
    assert not (tmp_path / ADMIN_FILE).exists()
    assert len(await auth.list()) == 1


@on_each_database
async def test_a_changed_configured_token_replaces_the_former_one(
    auth: AuthService, tmp_path: Path
) -> None:
    changed = SecretStr("changed-" + "y" * 32)
    await auth.ensure_admin(tmp_path, CONFIGURED)
    await auth.ensure_admin(tmp_path, changed)
    assert not await is_let_in(auth, CONFIGURED.get_secret_value())
    assert await is_let_in(auth, changed.get_secret_value())


async def test_a_configured_token_that_is_removed_gives_way_to_the_file(
    auth: AuthService, tmp_path: Path
) -> None:
    await auth.ensure_admin(tmp_path, CONFIGURED)
    await auth.ensure_admin(tmp_path, None)
    assert not await is_let_in(auth, CONFIGURED.get_secret_value())
    assert await is_let_in(auth, (tmp_path / ADMIN_FILE).read_text().strip())


async def test_a_configured_token_is_that_token_on_every_start(
    auth: AuthService, admin: Token, tmp_path: Path
) -> None:
    await auth.ensure_admin(tmp_path, CONFIGURED)
    token = await auth.authenticate(CONFIGURED.get_secret_value(), HERE)
    await auth.revoke(token.id)
    await auth.ensure_admin(tmp_path, CONFIGURED)
    again = await auth.authenticate(CONFIGURED.get_secret_value(), HERE)
    assert again.id == token.id


async def test_a_configured_token_may_be_the_one_of_the_file(
    auth: AuthService, tmp_path: Path
) -> None:
    await auth.ensure_admin(tmp_path, None)
    secret = (tmp_path / ADMIN_FILE).read_text().strip()
    await auth.ensure_admin(tmp_path, SecretStr(secret))
    await auth.ensure_admin(tmp_path, None)
    assert await is_let_in(auth, secret)
    assert len(await auth.list()) == 1


async def test_a_configured_token_of_a_lesser_token_makes_it_an_admin(
    auth: AuthService, tmp_path: Path
) -> None:
    _, secret = await auth.create(name="a bot", scopes=[Scope.READ], account_names=["paper"])
    await auth.ensure_admin(tmp_path, SecretStr(secret))
    token = await auth.authenticate(secret, HERE)
    assert token.allows(Scope.ADMIN)
    assert token.account_names is None


@on_each_database
async def test_two_processes_that_start_together_make_one_token(
    auth: AuthService, start: Callable[[], AuthService], tmp_path: Path
) -> None:
    await asyncio.gather(auth.ensure_admin(tmp_path, None), start().ensure_admin(tmp_path, None))
    assert len(await auth.list()) == 1
    assert await is_let_in(auth, (tmp_path / ADMIN_FILE).read_text().strip())

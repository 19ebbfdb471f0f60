import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.programs import run


def made_token(*arguments: str) -> tuple[str, str]:
    """The id and the secret of a new token."""
    result = run("token", "create", *arguments)
    assert result.exit_code == 0, result.stderr
    return result.stderr.split()[1], result.stdout.strip()


def test_a_token_is_made_listed_and_revoked() -> None:
    made_token("the first", "--scope", "ADMIN")
    token_id, secret = made_token(
        "a bot", "--scope", "read", "--scope", "TRADE", "--account", "paper", "--expires-in", "30d"
    )
    assert secret.startswith("odk_")
    assert run("token", "revoke", token_id).exit_code == 0
    headings, newest, oldest = run("token", "list").stdout.splitlines()
    assert headings.split()[:4] == ["ID", "NAME", "SCOPES", "ACCOUNTS"]
    assert newest.startswith(token_id)
    assert "READ,TRADE  paper" in newest
    assert newest.endswith("revoked")
    assert oldest.endswith("valid")
    assert secret not in f"{newest}{oldest}"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["token", "revoke", "nothing"], "no token with this id"),
        (["token", "create", "a\nbot", "--scope", "READ"], "name must"),
        (["token", "create", "a bot", "--scope", "READ", "--account", "x"], "there is paper"),
    ],
)
def test_a_denial_is_told_in_words(arguments: list[str], words: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert words in result.stderr
    assert "Traceback" not in result.output


def test_the_last_admin_token_is_kept() -> None:
    token_id, _ = made_token("the only one", "--scope", "ADMIN")
    result = run("token", "revoke", token_id)
    assert result.exit_code == 1
    assert "last valid ADMIN token" in result.stderr


def test_the_audit_tells_what_was_done_at_the_machine_itself(folder: Path) -> None:
    token_id, _ = made_token("the only one", "--scope", "ADMIN")
    run("token", "revoke", token_id)
    with closing(sqlite3.connect(folder / "data" / "orderdeck.db")) as database:
        found = database.execute(
            "SELECT actor, actor_id, action, subject_key, outcome, code FROM audit ORDER BY id"
        ).fetchall()
    assert found == [
        ("command line", None, "createToken", token_id, "DONE", None),
        ("command line", None, "revokeToken", None, "REFUSED", "INVALID_STATE"),
    ]

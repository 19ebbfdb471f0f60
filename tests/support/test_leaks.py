"""Secrets are found in whatever a test has written."""

import hashlib

import pytest

from app.services.access.admin_tokens import new_secret
from tests.support.leaks import lines_with_secrets


@pytest.mark.parametrize(
    "secret",
    [new_secret(), "admin-" + "a" * 32, hashlib.sha256(b"a key").hexdigest()],
    ids=["a token", "a token of the settings", "a key"],
)
def test_a_secret_is_found_wherever_it_stands(secret: str) -> None:
    line = f"2026-01-05 [warning] token.wrong secret={secret} address=127.0.0.1"
    assert lines_with_secrets([f"all is well\n{line}\n"]) == [line]


def test_what_only_looks_like_one_is_let_be() -> None:
    assert lines_with_secrets(["odk_wrong", "0" * 65, "01M7YQZSSRYNK1V0VAAQ8M6GHS"]) == []

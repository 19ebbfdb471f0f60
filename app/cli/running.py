"""Asks the server that runs where the settings say, if one does, how it is."""

# Imported where it is used, so that --help and --version answer at once.
# ruff: noqa: PLC0415

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from app.cli.serving import base_url
from app.domain.findings import Finding, fault, ok, warning
from app.domain.tokens import ADMIN_FILE

if TYPE_CHECKING:
    from app.settings import Settings

ANSWER_SECONDS = 3.0
_OK = 200
_ADVICE = "look at its log: it says so whenever that changes"
_WORDS = {
    "database": "the database does not answer",
    "schema": "the database has another schema than it needs",
    "accounts": "not yet compared with the exchange",
    "loop": "something held its event loop up",
}


async def is_orderdeck(settings: "Settings") -> bool:
    """Whether one answers there."""
    return await _told(settings, "/healthz") == (_OK, "alive")


async def check_readiness(settings: "Settings") -> list[Finding]:
    """Nothing where none runs; why it is not ready only whoever has the ADMIN token is told."""
    if not await is_orderdeck(settings):
        return []
    answer = await _told(settings, "/readyz")
    if answer is None:
        return [fault("server", "it runs, and does not say whether it is ready", _ADVICE)]
    status, word = answer
    if status == _OK:
        return [ok("server", "it runs, and is ready")]
    reasons = "; ".join(await _reasons(settings))
    words = f"it runs, and is {word}{f': {reasons}' if reasons else ''}"
    return [(warning if word == "starting" else fault)("server", words, _ADVICE)]


async def _reasons(settings: "Settings") -> list[str]:
    token = _admin_token(settings)
    told = await _told(settings, "/metrics", f"Bearer {token}") if token else None
    if told is None or told[0] != _OK:
        return []
    behind = ", ".join(_zeros(told[1], "orderdeck_account_in_step", "account"))
    words = {**_WORDS, "accounts": f"{_WORDS['accounts']}: {behind}"}
    return [words[check] for check in _zeros(told[1], "orderdeck_ready", "check")]


def _zeros(metrics: str, name: str, label: str) -> Iterator[str]:
    """What stands at 0, of those that ought to stand at 1."""
    from prometheus_client.parser import text_string_to_metric_families

    for family in text_string_to_metric_families(metrics):
        if family.name == name:
            yield from (each.labels[label] for each in family.samples if not each.value)


def _admin_token(settings: "Settings") -> str | None:
    if settings.admin_token is not None:
        return settings.admin_token.get_secret_value()
    try:
        return (settings.data_dir / ADMIN_FILE).read_text(encoding="ascii").strip()
    except (OSError, UnicodeError):
        return None


async def _told(
    settings: "Settings", path: str, authorization: str | None = None
) -> tuple[int, str] | None:
    """What it answers; None where nothing does."""
    import httpx

    headers = {"Host": settings.allowed_hosts[0]}
    if authorization is not None:
        headers["Authorization"] = authorization
    url = f"{base_url(settings.host, settings.port)}{path}"
    try:
        async with asyncio.timeout(ANSWER_SECONDS), httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(url, headers=headers)
    except (httpx.HTTPError, TimeoutError):
        return None
    return answer.status_code, answer.text

"""Asks a running server, at the address in the settings and without a token, for its health."""

# Heavy modules are imported in functions, so that --help and --version answer at once.
# ruff: noqa: PLC0415

import asyncio
from typing import TYPE_CHECKING

from app.domain.findings import Finding, fault, ok, warning
from app.server.listening import base_url

if TYPE_CHECKING:
    from app.settings import Settings

ANSWER_SECONDS = 3.0
_LOG = "look at its log: it says why whenever that changes"


async def is_orderdeck(settings: "Settings") -> bool:
    """Whether an orderdeck server answers at the address in the settings."""
    return await _get(settings, "/healthz") == "alive"


async def check_readiness(settings: "Settings") -> list[Finding]:
    """The finding on a running server, or none if none runs."""
    if not await is_orderdeck(settings):
        return []
    match await _get(settings, "/readyz"):
        case "ready":
            return [ok("server", "it runs, and is ready")]
        case "starting":
            words = "it runs, and is starting: an account was not yet compared with its exchange"
            return [warning("server", words, f"look at the accounts above; {_LOG}")]
        case "unready":
            words = "it runs, and is unready: its database does not answer or has another schema,"
            words += " or its event loop was held up"
            return [fault("server", words, f"look at the database above; {_LOG}")]
        case _:
            return [fault("server", "it runs, and does not say whether it is ready", _LOG)]


async def _get(settings: "Settings", path: str) -> str | None:
    """The text of the response, or None if nothing answers."""
    import httpx

    is_tls = settings.tls_cert is not None
    url = f"{base_url(settings.host, settings.port, is_tls=is_tls)}{path}"
    headers = {"Host": settings.allowed_hosts[0]}
    # The request carries no token, and the certificate names another host than this address.
    client = httpx.AsyncClient(trust_env=False, verify=False)  # noqa: S501
    try:
        async with asyncio.timeout(ANSWER_SECONDS), client as http:
            return (await http.get(url, headers=headers)).text
    except (httpx.HTTPError, TimeoutError):
        return None

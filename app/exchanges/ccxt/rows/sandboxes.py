"""How to recognise an exchange's testnet, and the proof that a client is on it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class SandboxMark:
    """How to recognise an exchange's testnet."""

    # Every URL must be on a host that begins with one of these.
    hosts: tuple[str, ...] = ()
    header: tuple[str, str] | None = None


def no_sandbox_words(mark: SandboxMark | None, live: Any, client: Any) -> str | None:
    """Why this client may not be on a testnet; None if it is proved to be on one."""
    proof = mark or SandboxMark()
    if proof.header is not None:
        name, value = proof.header
        is_shown = (client.headers or {}).get(name) == value
        return None if is_shown else f"{client.id} does not send {name}: {value}"
    shared = addresses(live) & addresses(client.urls["api"])
    if shared:
        return f"{client.id}'s sandbox shares addresses with its live exchange"
    return None


def no_testnet_words(mark: SandboxMark | None, client: Any) -> str | None:
    """Why these URLs are not the testnet's; None if they are, or if its hosts are not known."""
    hosts = mark.hosts if mark else ()
    if not hosts:
        return None
    found = (address.split("://")[-1] for address in addresses(client.urls["api"]))
    other = next((address for address in found if not address.startswith(hosts)), None)
    return None if other is None else f"{client.id}'s sandbox is at {other.split('/')[0]}"


def addresses(urls: Any) -> frozenset[str]:
    """Every URL in ccxt's tree of URLs."""
    return frozenset(_leaves(urls))


def _leaves(urls: Any) -> Iterator[str]:
    if isinstance(urls, str):
        yield urls
    elif isinstance(urls, Mapping):
        for branch in urls.values():
            yield from _leaves(branch)

"""Finds the URL of the API and the token for a client command."""

import ipaddress
import os
import ssl
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import SplitResult, urlsplit, urlunsplit

import typer

from app.cli.environment import TOKEN_VARIABLE, URL_VARIABLE, read_settings
from app.domain.access.tokens import ADMIN_FILE, is_usable_secret
from app.errors import OrderdeckError
from app.server.listening import base_url

_PATH = "/graphql"
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


class NoToken(OrderdeckError):
    """No token was found: bring one."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """The URL of an API and a token for it."""

    url: str
    token: str = field(repr=False)

    @property
    def socket_url(self) -> str:
        """The URL with ws for http, and wss for https."""
        return f"ws{self.url.removeprefix('http')}"

    @property
    def bearer(self) -> str:
        return f"Bearer {self.token}"

    @property
    def is_here(self) -> bool:
        """Whether the API is on this machine, where no proxy may be used."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    @cached_property
    def tls(self) -> ssl.SSLContext | None:
        """The context for https, with the certificates of this machine or of SSL_CERT_FILE."""
        return ssl.create_default_context() if self.url.startswith("https:") else None


def find_endpoint(url: str | None, token_file: Path | None) -> Endpoint:
    """From the options, else from the environment, else from the settings."""
    given = url or os.environ.get(URL_VARIABLE) or _own_url()
    return Endpoint(url=normal_url(given), token=_find_token(token_file))


def normal_url(given: str) -> str:
    """The http URL of /graphql, completed from a base URL or a ws URL."""
    try:
        parts = urlsplit(given)
        is_usable = parts.scheme in _SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable or not given.isprintable():
        raise typer.BadParameter(f"{given!r} is no address such as http://127.0.0.1:8000")
    if "@" in parts.netloc:
        raise typer.BadParameter("the address must name no user and no password")
    path = parts.path.rstrip("/")
    if not path.endswith(_PATH):
        path += _PATH
    return urlunsplit(SplitResult(_SCHEMES[parts.scheme], parts.netloc, path, "", ""))


def _own_url() -> str:
    settings = read_settings()
    if settings.port == 0:
        raise typer.BadParameter(f"the settings name no port: give --url, or {URL_VARIABLE}")
    return base_url(settings.host, settings.port, is_tls=settings.tls_cert is not None)


def _find_token(token_file: Path | None) -> str:
    if token := os.environ.get(TOKEN_VARIABLE, "").strip():
        return _usable(token, TOKEN_VARIABLE)
    path = token_file or read_settings().data_dir / ADMIN_FILE
    try:
        return _usable(path.read_text(encoding="ascii", errors="replace").strip(), str(path))
    except OSError as error:
        words = f"there is no token: {path} cannot be read ({error.strerror})"
        advice = f"set {TOKEN_VARIABLE}, or name a file with --token-file"
        raise NoToken(f"{words}; {advice}") from None


def _usable(token: str, source: str) -> str:
    if not is_usable_secret(token):
        raise NoToken(f"{source} holds no token")
    return token

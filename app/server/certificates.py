"""Loads the TLS certificate and key, and reloads them when the files are renewed."""

import ssl
from pathlib import Path

import structlog

from app.errors import OrderdeckError

_logger = structlog.get_logger(__name__)


class NoCertificate(OrderdeckError):
    """TLS cannot be served with these files: bring others."""


class Certificates:
    """The TLS context of two files; after a renewal, new connections use the new certificate."""

    def __init__(self, cert: Path, key: Path) -> None:
        self._cert, self._key = cert, key
        self._seen = self._times()
        self.context = self._loaded()

    def renew(self) -> None:
        """Reload the files if they have changed; keep the old certificate if they are unusable."""
        times = self._times()
        if times == self._seen:
            return
        self._seen = times
        try:
            # Try in a new context first: half of a new pair must not replace a working pair.
            self._loaded()
            self._load(self.context)
        except NoCertificate as error:
            _logger.error("tls.not_renewed", reason=str(error))
            return
        _logger.info("tls.renewed", cert=str(self._cert))

    def _loaded(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        self._load(context)
        return context

    def _load(self, context: ssl.SSLContext) -> None:
        try:
            context.load_cert_chain(self._cert, self._key, password=self._refuse_password)
        except ssl.SSLError as error:
            words = f"tls_cert {self._cert} and tls_key {self._key} cannot be used"
            raise NoCertificate(f"{words}: {_why(error)}") from error
        except OSError as error:
            words = f"tls_cert {self._cert} or tls_key {self._key} cannot be read"
            raise NoCertificate(f"{words}: {error.strerror}") from error

    def _refuse_password(self) -> str:
        """Without a callback, OpenSSL would ask for the password on the terminal."""
        raise NoCertificate(f"tls_key {self._key} has a password, which must be taken off")

    def _times(self) -> tuple[int | None, ...]:
        return tuple(_changed(path) for path in (self._cert, self._key))


def _changed(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def _why(error: ssl.SSLError) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return "the key belongs to another certificate"
    return "they must be PEM files, the certificate of the server first"

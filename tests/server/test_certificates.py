import asyncio
import os
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from structlog.testing import capture_logs

from app.server.certificates import Certificates, NoCertificate
from tests.support.certificates import Pair, make_pair


async def met(certificates: Certificates) -> int:
    """The serial number of the certificate that a new connection meets."""
    server = await asyncio.start_server(
        lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=certificates.context
    )
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    async with server:
        address = server.sockets[0].getsockname()
        _, writer = await asyncio.open_connection(*address, ssl=trusting)
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
    return x509.load_der_x509_certificate(shown).serial_number


def touch(pair: Pair, seconds: float) -> None:
    """Files that are written within one tick of the clock are told apart by it."""
    for path in (pair.cert, pair.key):
        now = path.stat().st_mtime
        os.utime(path, (now + seconds, now + seconds))


async def test_a_renewed_certificate_is_met_by_the_next_connection(tmp_path: Path) -> None:
    first = make_pair(tmp_path)
    certificates = Certificates(first.cert, first.key)
    assert await met(certificates) == first.serial
    second = make_pair(tmp_path)
    touch(second, 1)
    assert await met(certificates) == first.serial
    certificates.renew()
    assert await met(certificates) == second.serial


async def test_what_cannot_be_used_is_told_once_and_changes_nothing(tmp_path: Path) -> None:
    first = make_pair(tmp_path)
    certificates = Certificates(first.cert, first.key)
    key = first.key.read_bytes()
    second = make_pair(tmp_path)
    second.key.write_bytes(key)
    touch(second, 1)
    with capture_logs() as logs:
        certificates.renew()
        certificates.renew()
    assert [log["event"] for log in logs] == ["tls.not_renewed"]
    assert "the key belongs to another certificate" in logs[0]["reason"]
    assert await met(certificates) == first.serial
    second.cert.unlink()
    with capture_logs() as logs:
        certificates.renew()
    assert [log["event"] for log in logs] == ["tls.not_renewed"]
    assert await met(certificates) == first.serial


def test_files_that_cannot_be_used_are_told_in_words(tmp_path: Path) -> None:
    pair = make_pair(tmp_path, encryption=BestAvailableEncryption(b"a password"))
    with pytest.raises(NoCertificate, match="has a password, which must be taken off"):
        Certificates(pair.cert, pair.key)
    with pytest.raises(NoCertificate, match="must be PEM files"):
        Certificates(pair.key, pair.cert)
    with pytest.raises(NoCertificate, match="cannot be read: No such file"):
        Certificates(tmp_path / "none", pair.key)


def test_nothing_older_than_tls_1_2_is_spoken(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    assert Certificates(pair.cert, pair.key).context.minimum_version is ssl.TLSVersion.TLSv1_2

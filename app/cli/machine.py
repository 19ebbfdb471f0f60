"""The doctor's checks of the machine: folders, key files, disk space, file limit, port and TLS."""

# Heavy modules are imported in functions, so that --help and --version answer at once.
# ruff: noqa: PLC0415

import asyncio
import errno
import ipaddress
import os
import resource
import shutil
import socket
import stat
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.running import is_orderdeck
from app.domain.access.tokens import ADMIN_FILE, is_usable_secret
from app.domain.findings import Finding, fault, ok, warning

if TYPE_CHECKING:
    from app.settings import Settings

MEBIBYTE = 1 << 20
LEAST_ROOM = 100 * MEBIBYTE
ENOUGH_ROOM = 1024 * MEBIBYTE
LEAST_FILES = 256
ENOUGH_FILES = 4096
RENEWAL = timedelta(days=14)

# What a server imports when it first needs it; others have a check of their own.
LATE_LIBRARIES = ("alembic", "numpy")

_OTHERS = 0o077


def check_libraries() -> Finding:
    """Import what a server does not import at its start, so that nothing is missed only later."""
    for name in LATE_LIBRARIES:
        try:
            import_module(name)
        except ImportError as error:
            words = f"{name} cannot be imported: {error}"
            return fault("libraries", words, "install orderdeck again, as its README says")
    return ok("libraries", "all that is needed later can be imported")


def check_folder(folder: Path) -> Finding:
    """Check the data folder, or the folder that it will be created in."""
    there = _nearest(folder)
    if not there.is_dir():
        advice = "move it away, or choose another data_dir"
        return fault("data folder", f"{there} is no folder", advice)
    if not os.access(there, os.W_OK | os.X_OK):
        advice = "give this user the right to write there, or choose another data_dir"
        return fault("data folder", f"{there} cannot be written by this user", advice)
    if there != folder:
        return ok("data folder", f"{folder} does not exist yet: it is made at the first start")
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & _OTHERS:
        words = f"{folder} has mode {mode:04o}: other users may look into it"
        return warning("data folder", words, f"run `chmod 700 {folder}`")
    return ok("data folder", f"{folder} can be written, by this user alone")


def check_key_files(settings: "Settings", accounts: Iterable[str]) -> Iterator[Finding]:
    """Warn about key files that other users can read: they could trade with them."""
    for name in accounts:
        account = settings.accounts[name]
        for path in (account.api_key_file, account.secret_file, account.password_file):
            mode = 0 if path is None else stat.S_IMODE(path.stat().st_mode)
            if mode & _OTHERS:
                words = f"{path} has mode {mode:04o}: other users may read it"
                yield warning(f"account {name}, keys", words, f"run `chmod 600 {path}`")


def check_room(folder: Path) -> Finding:
    """Check the free space on the disk of the data folder."""
    try:
        free = shutil.disk_usage(_nearest(folder)).free
    except OSError as error:
        advice = "look at the disk and at data_dir in the settings"
        return fault("disk", f"{folder} cannot be looked at: {error.strerror}", advice)
    words = f"{free // MEBIBYTE} MiB are free for {folder}"
    if free < LEAST_ROOM:
        return fault("disk", words, "make room: without any, no order can be written down")
    if free < ENOUGH_ROOM:
        return warning("disk", words, "make room before it runs out")
    return ok("disk", words)


def check_file_limit() -> Finding:
    """Check the hard limit of open files and sockets, to which the server raises its own."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY:
        return ok("open files", "a server may open as many as it likes")
    words = f"a server may open {most}, and every connection is one"
    advice = "raise the hard limit: `ulimit -Hn`, or LimitNOFILE in a systemd unit"
    if most < LEAST_FILES:
        return fault("open files", words, advice)
    return warning("open files", words, advice) if most < ENOUGH_FILES else ok("open files", words)


def check_admin_file(folder: Path) -> Finding | None:
    """Check the file that holds the ADMIN token; returns None if there is no such file."""
    path = folder / ADMIN_FILE
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        secret = path.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        advice = "give this user the right to read it"
        return fault("admin token", f"{path} cannot be read: {error.strerror}", advice)
    if mode & _OTHERS:
        words = f"{path} has mode {mode:04o}: other users may read what opens every door"
        advice = f"run `chmod 600 {path}`, and make a new token where others had access"
        return fault("admin token", words, advice)
    if not is_usable_secret(secret):
        advice = "delete the file: the next start writes another"
        return fault("admin token", f"{path} holds no token", advice)
    return ok("admin token", f"{path} is there, for this user alone")


async def check_port(settings: "Settings") -> Finding:
    """Check whether the port is free, or taken by an orderdeck or another program."""
    where = f"{settings.host}, port {settings.port}"
    if settings.port == 0:
        return ok("port", "any free one is taken")
    error = await asyncio.to_thread(_bind, settings.host, settings.port)
    if error is None:
        return ok("port", f"{where}, is free")
    if error.errno != errno.EADDRINUSE:
        is_unknown = isinstance(error, socket.gaierror)
        reason = "this host name is not known" if is_unknown else error.strerror
        advice = "choose another host or port in the settings"
        return fault("port", f"{where}, cannot be listened on: {reason}", advice)
    if await is_orderdeck(settings):
        return ok("port", f"{where}, is where an orderdeck is running")
    advice = "end that program, or choose another port in the settings"
    return fault("port", f"{where}, is taken by another program", advice)


def check_privacy(settings: "Settings", now: datetime) -> Finding:
    """Check whether tokens could be read on their way to the server."""
    if settings.tls_cert is not None and settings.tls_key is not None:
        return _check_certificate(settings.tls_cert, settings.tls_key, now)
    if settings.behind_proxy:
        return ok("privacy", f"a proxy does TLS; trusted are {', '.join(settings.trusted_proxies)}")
    if _is_loopback(settings.host):
        return ok("privacy", "it listens on this machine alone")
    words = f"without TLS it does not listen on {settings.host}"
    advice = "set tls_cert and tls_key, or behind_proxy where a proxy does TLS"
    return fault("privacy", words, advice)


def _check_certificate(cert: Path, key: Path, now: datetime) -> Finding:
    from cryptography import x509

    from app.server.certificates import Certificates, NoCertificate

    try:
        Certificates(cert, key)
    except NoCertificate as error:
        return fault("privacy", str(error), "bring the two files that belong together")
    ends_at = x509.load_pem_x509_certificate(cert.read_bytes()).not_valid_after_utc
    words = f"TLS with {cert}, which stands until {ends_at:%Y-%m-%d}"
    if ends_at <= now:
        return fault("privacy", words, "renew it: a running server takes the new files by itself")
    if ends_at - now < RENEWAL:
        return warning("privacy", words, "renew it soon")
    if stat.S_IMODE(key.stat().st_mode) & _OTHERS:
        return warning("privacy", f"{key} can be read by other users", f"run `chmod 600 {key}`")
    return ok("privacy", words)


def _is_loopback(host: str) -> bool:
    """An unknown host name counts as loopback: nothing can listen there, as check_port reports."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return True
    return ipaddress.ip_address(found[0][4][0]).is_loopback


def is_there(path: Path) -> bool:
    """Whether the path exists, as far as this user may see."""
    return os.path.lexists(path)


def _nearest(folder: Path) -> Path:
    """The path itself, or its nearest parent that exists."""
    return next(path for path in (folder, *folder.parents) if is_there(path))


def _bind(host: str, port: int) -> OSError | None:
    """Bind the port and give it back; returns the error if that fails. It never listens."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        with socket.socket(family, socket.SOCK_STREAM) as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(address)
    except OSError as error:
        return error
    return None

"""Drops clients that stop reading what is sent; clients that read slowly but steadily stay."""

import fcntl
import socket
import struct
import termios
from asyncio import AbstractEventLoop, TimerHandle, Transport

STALL_SECONDS = 20.0
_CHECKS = 4
# The offset of tcpi_bytes_acked in struct tcp_info of linux/tcp.h.
_BYTES_ACKED = struct.Struct("=120xQ")
_QUEUED = struct.Struct("=i")
_NO_LINGER = struct.pack("ii", 1, 0)


class SlowReaderGuard:
    """Checks one connection every few seconds, and aborts it if its client has stopped reading.

    TCP_USER_TIMEOUT would not do: it also ends a client with a small window that reads steadily.
    """

    def __init__(self, transport: Transport, loop: AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._bytes_acked = 0
        self._stalled_checks = 0
        self._timer: TimerHandle | None = None
        self.has_dropped = False
        if hasattr(socket, "TCP_INFO"):
            self._schedule()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _schedule(self) -> None:
        self._timer = self._loop.call_later(STALL_SECONDS / _CHECKS, self._check)

    def _check(self) -> None:
        # A real socket object for the descriptor: the event loop's offers no TCP_INFO.
        with socket.socket(fileno=self._transport.get_extra_info("socket").fileno()) as system:
            try:
                self._check_progress(system)
            finally:
                system.detach()

    def _check_progress(self, system: socket.socket) -> None:
        acked = _bytes_acked(system)
        waiting = self._transport.get_write_buffer_size() + _unacked(system)
        # Checks are counted, not seconds: a blocked event loop must not look like a slow reader.
        is_stalled = waiting and acked == self._bytes_acked
        self._stalled_checks = self._stalled_checks + 1 if is_stalled else 0
        self._bytes_acked = acked
        if self._stalled_checks < _CHECKS:
            self._schedule()
            return
        self.has_dropped = True
        system.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self._transport.abort()


def _bytes_acked(system: socket.socket) -> int:
    info = system.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_ACKED.size)
    (acked,) = _BYTES_ACKED.unpack(info)
    return int(acked)


def _unacked(system: socket.socket) -> int:
    """Bytes in the kernel's send queue, not yet sent or not yet acknowledged."""
    queued = fcntl.ioctl(system.fileno(), termios.TIOCOUTQ, bytes(_QUEUED.size))
    (unacked,) = _QUEUED.unpack(queued)
    return int(unacked)

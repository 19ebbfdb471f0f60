"""Drops whoever no longer takes what is sent; whoever takes it slowly is left alone."""

import fcntl
import socket
import struct
import termios
from asyncio import AbstractEventLoop, TimerHandle, Transport

STALL_SECONDS = 20.0
_LOOKS = 4
# Where Linux keeps how many bytes the other side has taken: see struct tcp_info of linux/tcp.h.
_TAKEN = struct.Struct("=120xQ")
_UNSENT = struct.Struct("=i")
_AT_ONCE = struct.pack("ii", 1, 0)


class SlowReaderGuard:
    """Looks at one connection, as long as it lasts.

    TCP_USER_TIMEOUT would not do: it ends whoever has a small window, however steadily it is used.
    """

    def __init__(self, transport: Transport, loop: AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._taken = 0
        self._looks = 0
        self._timer: TimerHandle | None = None
        self.has_dropped = False
        if hasattr(socket, "TCP_INFO"):
            self._schedule()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _schedule(self) -> None:
        self._timer = self._loop.call_later(STALL_SECONDS / _LOOKS, self._look)

    def _look(self) -> None:
        # The system's own view of it: an event loop offers less than a socket.
        with socket.socket(fileno=self._transport.get_extra_info("socket").fileno()) as system:
            try:
                self._judge(system)
            finally:
                system.detach()

    def _judge(self, system: socket.socket) -> None:
        taken = _taken(system)
        waiting = self._transport.get_write_buffer_size() + _unsent(system)
        # Counted and not timed: while the loop is held up, nobody can be seen to take anything.
        self._looks = self._looks + 1 if waiting and taken == self._taken else 0
        self._taken = taken
        if self._looks < _LOOKS:
            self._schedule()
            return
        self.has_dropped = True
        system.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self._transport.abort()


def _taken(system: socket.socket) -> int:
    told = system.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TAKEN.size)
    (taken,) = _TAKEN.unpack(told)
    return int(taken)


def _unsent(system: socket.socket) -> int:
    """What lies in the system, not yet sent or not yet taken."""
    told = fcntl.ioctl(system.fileno(), termios.TIOCOUTQ, bytes(_UNSENT.size))
    (unsent,) = _UNSENT.unpack(told)
    return int(unsent)

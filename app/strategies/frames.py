"""Message framing between the server and a strategy worker: length-prefixed JSON."""

import struct
from typing import Any, BinaryIO

import orjson

# The largest message from a worker; messages to it may be larger.
MOST_BYTES = 1 << 20
_HEAD = struct.Struct(">I")


def pack(message: object) -> bytes:
    body = orjson.dumps(message, option=orjson.OPT_SERIALIZE_NUMPY)
    return _HEAD.pack(len(body)) + body


def receive(stream: BinaryIO) -> Any:
    """The next message. Raises EOFError if the other side has closed the stream."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        raise EOFError
    (length,) = _HEAD.unpack(head)
    return orjson.loads(stream.read(length))


class FrameBuffer:
    """Assembles messages from chunks of bytes."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def add(self, data: bytes) -> Any:
        """The message if it is complete now, else None. Raises ValueError if it is not valid."""
        self._bytes += data
        if len(self._bytes) < _HEAD.size:
            return None
        (length,) = _HEAD.unpack_from(self._bytes)
        if length > MOST_BYTES:
            raise ValueError(f"a message of {length} bytes")
        end = _HEAD.size + length
        if len(self._bytes) < end:
            return None
        message = orjson.loads(self._bytes[_HEAD.size : end])
        del self._bytes[:end]
        return message

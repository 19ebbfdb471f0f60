"""Messages between the server and a worker: JSON behind its length."""

import struct
from typing import Any, BinaryIO

import orjson

# What a worker may say at once; what it is told may be longer.
MOST_BYTES = 1 << 20
_HEAD = struct.Struct(">I")


def pack(message: object) -> bytes:
    body = orjson.dumps(message, option=orjson.OPT_SERIALIZE_NUMPY)
    return _HEAD.pack(len(body)) + body


def receive(stream: BinaryIO) -> Any:
    """The next message; EOFError where nobody is left to send one."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        raise EOFError
    (length,) = _HEAD.unpack(head)
    return orjson.loads(stream.read(length))


class FrameBuffer:
    """Makes messages of what comes in pieces."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def add(self, data: bytes) -> Any:
        """The message that is whole by now, or None; ValueError where it is none."""
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

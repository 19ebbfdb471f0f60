"""What public and private sockets of KuCoin have in common: welcome, acknowledgements and pongs."""

from tests.support.venues.kucoin.api.stream_tokens import StreamTokens
from tests.support.venues.serving.sockets import Message, Socket

_GREETED = "is greeted"


def greet(socket: Socket) -> None:
    """Welcome a socket before the first answer on it."""
    if _GREETED not in socket.topics:
        socket.topics[_GREETED] = ""
        socket.say({"id": socket.query.get("connectId", ""), "type": "welcome"})


def topics_of(socket: Socket) -> list[str]:
    return [topic for topic in socket.topics if topic != _GREETED]


def answer(socket: Socket, message: Message, kind: str) -> None:
    socket.say({"id": str(message.get("id")), "type": kind})


def fail(socket: Socket, message: Message, code: int, words: str) -> None:
    socket.say({"id": str(message.get("id")), "type": "error", "code": code, "data": words})


def is_expired(socket: Socket, tokens: StreamTokens) -> bool:
    return not tokens.knows(socket.query.get("token"))

"""Takes what is not the exchange's own answer, such as the page of a proxy, for no answer."""

from collections.abc import Mapping
from typing import Any

_MOST_WORDS = 200


def require_whole_answers(
    client: Any,
    unavailable: type[Exception],
    fields: tuple[str, ...],
    one_of: tuple[str, ...] = (),
) -> None:
    """Make this ccxt client raise `unavailable` for anything but JSON with these fields.

    Of `one_of` it has one, if there are any.

    ccxt reads a list without orders out of whatever else arrives with status 200, and that would
    prove that an order does not exist.
    """
    send = client.fetch

    async def fetch(url: str, *others: Any, **named: Any) -> Any:
        answer = await send(url, *others, **named)
        if _is_whole(answer, fields) and _has_one(answer, one_of):
            return answer
        raise unavailable(f"{client.id} {url} {str(answer)[:_MOST_WORDS]}")

    client.fetch = fetch


def _is_whole(answer: object, fields: tuple[str, ...]) -> bool:
    if isinstance(answer, Mapping):
        return bool(answer) and all(field in answer for field in fields)
    return isinstance(answer, list) and not fields


def _has_one(answer: object, one_of: tuple[str, ...]) -> bool:
    if not one_of:
        return True
    return isinstance(answer, Mapping) and any(field in answer for field in one_of)

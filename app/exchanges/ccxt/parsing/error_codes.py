"""ErrorCodes: what an exchange's own codes prove of an order, beyond ccxt's classes."""

from dataclasses import dataclass

import orjson

from app.exchanges.ccxt.parsing.key_permissions import at

_NONE = frozenset({"", "0", "None"})


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorCodes:
    """A row's table of codes; a code in none of them means what ccxt takes it for."""

    # Where the code is in an answer; the first path that leads to one.
    paths: tuple[tuple[str | int, ...], ...] = ()
    # The order may exist all the same.
    prove_nothing: frozenset[str] = frozenset()
    # There is no order, because there were too many requests.
    slow_down: frozenset[str] = frozenset()
    # There is no order.
    refuse: frozenset[str] = frozenset()
    # There is no order, for want of money.
    lack_money: frozenset[str] = frozenset()
    # There is no order, because it is too small.
    too_small: frozenset[str] = frozenset()
    # Whether a wrong clock is answered as a wrong key is, so that another try may succeed.
    clock_looks_like_key: bool = False
    # These stand where there is no code; the code is on another path.
    say_nothing: frozenset[str] = frozenset()

    def told_by(self, error: BaseException, *, most: int) -> str | None:
        """The code in the answer that ccxt has put into the error's text."""
        words = str(error)[:most]
        start = words.find("{")
        if not self.paths or start < 0:
            return None
        try:
            body = orjson.loads(words[start : words.rfind("}") + 1])
        except orjson.JSONDecodeError:
            return None
        codes = (str(at(body, path)) for path in self.paths)
        return next((code for code in codes if code not in _NONE | self.say_nothing), None)


NO_CODES = ErrorCodes()

"""The worker process that runs the strategies of one file, one request after another."""

import ctypes
import importlib.util
import inspect
import io
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from app.domain.signals import Signal
from app.strategies.catalog import InvalidStrategy, candles_needed, info_of
from app.strategies.frames import pack, receive
from app.strategies.interface import Advice, Candles, Held, Parameters, Strategy
from app.strategies.parameters import BadParameter, read

MOST_WORDS = 200
# How many characters of its output are let through per request.
MOST_PRINTED = 10_000
_NICENESS = 5
_PR_SET_PDEATHSIG = 1
_MIB = 1 << 20

Answer = dict[str, Any]


class OutputLimiter(io.TextIOBase):
    """Passes on what a strategy prints, up to a limit, so that it cannot flood the log."""

    def __init__(self, through: Callable[[str], object]) -> None:
        self._through = through
        self.left = MOST_PRINTED

    def write(self, text: str) -> int:
        let, self.left = text[: self.left], max(self.left - len(text), 0)
        if let:
            self._through(let)
        return len(text)


class ServerPipe:
    """The messages to and from the server; the strategy gets other standard streams."""

    def __init__(self) -> None:
        self._in = os.fdopen(os.dup(0), "rb")
        self._out = os.dup(1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(2, 1)
        errors = sys.stderr
        self._printer = OutputLimiter(errors.write)
        sys.stdout = sys.stderr = self._printer

    def receive(self) -> Any:
        question = receive(self._in)
        self._printer.left = MOST_PRINTED
        return question

    def send(self, frame: bytes) -> None:
        while frame:
            frame = frame[os.write(self._out, frame) :]


def main(file: Path, most_bytes: int, parent: int) -> None:
    _die_with(parent)
    os.nice(_NICENESS)
    channel = ServerPipe()
    resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
    # Built while there is memory for it. It is the last answer: the state is unknown after that.
    words = f"needed more than {most_bytes // _MIB} MiB of memory"
    too_much = pack({"failed": words, "is_last": True})
    strategies: dict[str, Strategy] = {}

    def load() -> list[Mapping[str, Any]]:
        found = [(info_of(strategy), strategy) for strategy in _load(file)]
        strategies.update({info.name: strategy for info, strategy in found})
        return [asdict(info) for info, _ in found]

    def answer(ask: Callable[[], object]) -> None:
        channel.send(_answered(ask) or too_much)

    answer(load)
    while True:
        answer(partial(_ask, strategies, channel.receive()))


def _die_with(parent: int) -> None:
    """Die when the server is killed: an endless loop in a strategy would never notice."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def _answered(ask: Callable[[], object]) -> bytes | None:
    """The framed answer or error; None if there is no memory left to build it."""
    try:
        return pack({"is": ask()})
    except MemoryError:
        return None
    except BadParameter as bad:
        return pack({"bad": [bad.path, bad.words]})
    except InvalidStrategy as nonsense:
        return pack({"failed": _bounded(str(nonsense))})
    except BaseException as error:  # noqa: BLE001 - anything a strategy raises is its answer
        return pack({"failed": _bounded(f"{type(error).__name__}: {error}")})


def _bounded(text: str) -> str:
    words = " ".join(text.split())
    return "".join(char if char.isprintable() else "?" for char in words)[:MOST_WORDS]


def _load(file: Path) -> list[Strategy]:
    sys.path.append(str(file.parent))
    spec = importlib.util.spec_from_file_location(f"strategy_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise InvalidStrategy("is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    own = {value for value in vars(module).values() if inspect.isclass(value)}
    kinds = [kind for kind in own if issubclass(kind, Strategy) and kind.__module__ == spec.name]
    if not kinds:
        raise InvalidStrategy("defines no strategy")
    return [kind() for kind in sorted(kinds, key=lambda kind: kind.__qualname__)]


def _ask(strategies: Mapping[str, Strategy], question: Mapping[str, Any]) -> object:
    strategy = strategies.get(question["name"])
    if strategy is None:
        raise InvalidStrategy("is not in its file any more")
    parameters = read(type(strategy).Parameters, question["parameters"])
    match question["ask"]:
        case "candles_needed":
            return candles_needed(strategy, parameters)
        case "decide":
            return _decide(strategy, parameters, question)
        case other:
            raise InvalidStrategy(f"cannot be asked to {other}")


def _decide(strategy: Strategy, parameters: Parameters, question: Mapping[str, Any]) -> object:
    arrays: dict[str, Any] = {
        name: np.array(given, np.int64 if name == "at" else np.float64)
        for name, given in question["candles"].items()
    }
    candles = Candles(**arrays)
    advice = strategy.decide(candles, Held(**question["held"]), parameters)
    if not isinstance(advice, Advice):
        raise InvalidStrategy(f"answered {type(advice).__name__} instead of an Advice")
    signal = Signal(advice.signal)
    return {"signal": signal, "reason": advice.reason, "part": float(advice.part)}


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    except EOFError:
        # os._exit, because a thread that a strategy left behind would keep the process alive.
        os._exit(0)

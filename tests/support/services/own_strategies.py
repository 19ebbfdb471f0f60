"""Source code of user strategies: a good one, one that misbehaves, and files that are refused."""

PLAIN = """
from app.domain.signals import Signal
from app.strategies import interface
from app.strategies.interface import Advice, Strategy, hold

class Above(Strategy):
    name = "above"
    description = "Buys above a level."

    class Parameters(interface.Parameters):
        level: float
        window: int = 3

    def candles_needed(self, parameters):
        return parameters.window

    def decide(self, candles, held, parameters):
        if candles.close[-1] > parameters.level:
            told = f"{candles.close[-1]:g}, {len(candles)} candles since {candles.at[0]}"
            return Advice(signal=Signal.BUY, reason=told, part=0.5)
        return hold(f"held {held.amount:g} at {held.entry_price}")
"""

MISFIT = """
import ctypes, os, subprocess, sys
import numpy as np
from app.domain.signals import Signal
from app.strategies import interface
from app.strategies.interface import Advice, Strategy, hold

KEPT = []

class Misfit(Strategy):
    name = "misfit"
    description = "Does whatever it should not."

    class Parameters(interface.Parameters):
        how: str

    def candles_needed(self, parameters):
        return {"greedy": 1001, "fraction": 2.5}.get(parameters.how, 1)

    def decide(self, candles, held, parameters):
        return getattr(self, parameters.how)()

    def pid(self):
        return hold(str(os.getpid()))

    def environment(self):
        return hold(",".join(sorted(os.environ)))

    def loop(self):
        print("in a loop")
        while True:
            pass

    def throw(self):
        raise KeyError("no\\nsuch thing" + "x" * 500)

    def leave(self):
        sys.exit("bye")

    def vanish(self):
        os._exit(3)

    def crash(self):
        ctypes.string_at(0)

    def nothing(self):
        return None

    def too_large(self):
        return Advice(signal=Signal.BUY, reason="all in", part=2)

    def not_a_number(self):
        return Advice(signal=Signal.BUY, reason="who knows", part=float("nan"))

    def unknown_signal(self):
        return Advice(signal="PANIC", reason="now")

    def wordless(self):
        return Advice(signal=Signal.BUY, reason=7)

    def grow(self):
        while True:
            KEPT.append(list(range(100_000)))

    def huge(self):
        return np.ones(1 << 40)

    def chatter(self):
        for number in range(100_000):
            print("still talking", number)
        return hold("said enough")

    def mutter(self):
        os.write(1, b"between the lines\\n")
        subprocess.run(["echo", "from a child"])
        return hold(sys.stdin.read() + "nothing to read")

    def shout(self):
        for _ in range(1 << 16):
            os.write(1, b"x" * 63 + b"\\n")
        return hold("somebody took all of it")
"""

# File names with their source, and the words with which the file is refused.
REFUSED = {
    "clumsy.py": ("def broken(:", "SyntaxError: "),
    "empty.py": ("from app.strategies.interface import Strategy", "defines no strategy"),
    "rude.py": ("raise RuntimeError('not today')", "RuntimeError: not today"),
    "gone.py": ("import os; os._exit(3)", "its process ended with status 3"),
    "loud.py": (
        PLAIN.replace('"above"', '"Too Loud"'),
        "Above.name must be 1 to 64 of a-z 0-9 _ -",
    ),
    "mute.py": (
        PLAIN.replace('"Buys above a level."', '""'),
        "Above.description must have 1 to 500 characters",
    ),
    "odd.py": (
        PLAIN.replace("class Parameters(interface.Parameters)", "class Parameters"),
        "Above.Parameters must be made from interface.Parameters",
    ),
    "greedy.py": (
        PLAIN.replace("level: float", "level: float = 1").replace("int = 3", "int = 0"),
        "candles_needed answered 0 instead of 1 to 1000",
    ),
    "thief.py": (
        PLAIN.replace('"above"', '"rsi-reversion"'),
        "a strategy called rsi-reversion exists already",
    ),
}  # fmt: skip

"""Pauses between attempts that grow while attempts fail."""


class Backoff:
    """The pause doubles from `first` up to `longest`; a success sets it back."""

    def __init__(self, *, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self.seconds = first

    def next(self) -> float:
        """The pause to make now; the next one is longer."""
        seconds = self.seconds
        self.seconds = min(seconds * 2, self._longest)
        return seconds

    def reset(self) -> None:
        self.seconds = self._first

"""Secrets of the tests, by their looks: nothing that the product writes may hold one."""

import re
from collections.abc import Iterable

# Tokens that are made here or given by settings; keys to exchanges, digests and signatures.
_SECRET = re.compile(
    r"odk_[A-Za-z0-9_-]{40,43}|(?:admin|configured)-(?:a|x){32}|wrong-k{20}"
    r"|(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])"
)


def lines_with_secrets(texts: Iterable[str]) -> list[str]:
    """Whatever of it should have been kept back."""
    return [line for text in texts for line in text.splitlines() if _SECRET.search(line)]

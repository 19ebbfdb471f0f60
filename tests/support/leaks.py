"""Finds secrets of the tests by their pattern: no output of the product may contain one."""

import re
from collections.abc import Iterable

# Tokens, generated or from settings; exchange keys, digests and signatures.
_SECRET = re.compile(
    r"odk_[A-Za-z0-9_-]{40,43}|(?:admin|configured)-(?:a|x){32}|wrong-k{20}"
    r"|(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])"
)


def lines_with_secrets(texts: Iterable[str]) -> list[str]:
    """The lines that contain a secret."""
    return [line for text in texts for line in text.splitlines() if _SECRET.search(line)]

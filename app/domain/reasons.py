"""The rule for reasons that a user gives in words: 1 to 200 printable characters."""

MOST = 200
REASON = f"a reason has 1 to {MOST} printable characters"


def is_reason(text: str) -> bool:
    return len(text.strip()) >= 1 and len(text) <= MOST and text.isprintable()

"""Why somebody does something, in words of their own."""

MOST = 200
REASON = f"a reason has 1 to {MOST} printable characters"


def is_reason(text: str) -> bool:
    return len(text.strip()) >= 1 and len(text) <= MOST and text.isprintable()

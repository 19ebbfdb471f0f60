"""Foreign text with every character that could move a cursor or end a line spelled out."""


def visible(text: str) -> str:
    return "".join(
        character if character.isprintable() else _spelled(character) for character in text
    )


def _spelled(character: str) -> str:
    return character.encode("unicode_escape").decode()

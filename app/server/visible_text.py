"""Escapes control characters in foreign text, so that it cannot manipulate a terminal or log."""


def visible(text: str) -> str:
    return "".join(
        character if character.isprintable() else _spelled(character) for character in text
    )


def _spelled(character: str) -> str:
    return character.encode("unicode_escape").decode()

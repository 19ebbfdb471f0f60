"""Validation of a strategy's parameters as a client sent them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from app.strategies.interface import Parameters

P = TypeVar("P", bound=Parameters)


class BadParameter(Exception):
    """A parameter that is missing, unknown or not allowed."""

    def __init__(self, path: tuple[str, ...], words: str) -> None:
        super().__init__(words)
        self.path = path
        self.words = words


def as_text(raw: Mapping[str, Any]) -> str:
    return json.dumps(raw, default=dict)


def read(model: type[P], text: str) -> P:
    """Validate strictly, without converting types. Raises BadParameter for the first bad one."""
    try:
        return model.model_validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    path = tuple(str(part) for part in first["loc"])
    raise BadParameter(path, f"{'.'.join(path) or 'parameters'} {_words(model, first)}")


def _words(model: type[Parameters], error: ErrorDetails) -> str:
    properties = model.model_json_schema()["properties"] if model.model_fields else {}
    match error["type"]:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return f"is not a parameter: known are {', '.join(properties) or 'none'}"
        case "value_error":
            return str(error["ctx"]["error"])
    path = error["loc"]
    allowed = properties.get(str(path[0]), {}) if path else {}
    return f"must be {_allowed(allowed)}"


def _allowed(schema: Mapping[str, Any]) -> str:
    """What a JSON Schema of one value allows, in words."""
    if "enum" in schema:
        return f"one of {', '.join(str(choice) for choice in schema['enum'])}"
    kinds = {
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
        "string": "a text",
        "array": "a list",
        "object": "an object",
    }
    kind = kinds.get(schema.get("type", ""), "as the strategy's JSON Schema says")
    return f"{kind} {' and '.join(_bounds(schema))}".rstrip()


def _bounds(schema: Mapping[str, Any]) -> Iterator[str]:
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "exclusiveMaximum": "below",
    }
    for key, phrase in words.items():
        if key in schema:
            yield f"{phrase} {schema[key]:g}"

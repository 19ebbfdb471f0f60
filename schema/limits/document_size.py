"""How large a document is: every limit that needs no types, told before it is validated."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from app.errors import TooComplex

MAX_SOURCE = 64 * 1024
MAX_TOKENS = 2500
MAX_COMMENTS = 500
MAX_DEFINITIONS = 100
MAX_ROOT_FIELDS = 50
MAX_FIELDS = 1500
MAX_ALIASES = 500
MAX_DEPTH = 20
MAX_NESTING = 50
MAX_DIRECTIVES = 10
MAX_VALUES = 12_000
MAX_VALUE_DEPTH = 50
# An object is read field by field, those that are left out too.
_OBJECT_VALUES = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentSize:
    """Of a selection, its fragments written out: its own fields, all below them, and how deep."""

    width: int = 0
    fields: int = 0
    aliases: int = 0
    depth: int = 0

    def __add__(self, other: "DocumentSize") -> "DocumentSize":
        return DocumentSize(
            width=self.width + other.width,
            fields=self.fields + other.fields,
            aliases=self.aliases + other.aliases,
            depth=max(self.depth, other.depth),
        )


_NOTHING = DocumentSize()


class SizeCheck:
    """One pass over a document; a fragment is measured once, however often it is spread."""

    def __init__(self, document: DocumentNode) -> None:
        self._document = document
        self._fragments = fragments_of(document)
        self._known: dict[str, DocumentSize] = {}
        self._nesting = 0
        self.visits = 0

    def check(self) -> None:
        """Raise TooComplex with the first limit that is passed."""
        check("definitions", len(self._document.definitions), MAX_DEFINITIONS)
        for definition in self._document.definitions:
            if isinstance(definition, OperationDefinitionNode):
                self._check_directives(definition)
                self._check_extent(definition)
            elif isinstance(definition, FragmentDefinitionNode):
                self._check_directives(definition)
                self._of_fragment(definition.name.value)

    def of_operation(self, operation: OperationDefinitionNode) -> DocumentSize:
        return self._of(operation.selection_set)

    def _check_extent(self, operation: OperationDefinitionNode) -> None:
        extent = self.of_operation(operation)
        check("root fields", extent.width, MAX_ROOT_FIELDS)
        check("depth", extent.depth, MAX_DEPTH)
        check("aliases", extent.aliases, MAX_ALIASES)
        check("fields", extent.fields, MAX_FIELDS)

    def _of(self, selected: SelectionSetNode | None) -> DocumentSize:
        if selected is None:
            return _NOTHING
        self._nesting += 1
        check("nesting", self._nesting, MAX_NESTING)
        found = _NOTHING
        for selection in selected.selections:
            found += self._of_selection(selection)
        self._nesting -= 1
        return found

    def _of_selection(self, selection: SelectionNode) -> DocumentSize:
        self.visits += 1
        self._check_directives(selection)
        if isinstance(selection, FragmentSpreadNode):
            return self._of_fragment(selection.name.value)
        below = self._of(getattr(selection, "selection_set", None))
        if not isinstance(selection, FieldNode):
            return below
        return DocumentSize(
            width=1,
            fields=below.fields + 1,
            aliases=below.aliases + (selection.alias is not None),
            depth=below.depth + 1,
        )

    def _of_fragment(self, name: str) -> DocumentSize:
        if name in self._known or name not in self._fragments:
            return self._known.get(name, _NOTHING)
        # Whoever comes back here has gone in a circle, which is told by the validation.
        self._known[name] = _NOTHING
        self._known[name] = self._of(self._fragments[name].selection_set)
        return self._known[name]

    def _check_directives(
        self, node: OperationDefinitionNode | FragmentDefinitionNode | SelectionNode
    ) -> None:
        check("directives in one place", len(node.directives or ()), MAX_DIRECTIVES)


def fragments_of(document: DocumentNode) -> Mapping[str, FragmentDefinitionNode]:
    return {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }


def root_fields(document: DocumentNode, operation: OperationDefinitionNode) -> Iterator[FieldNode]:
    """Each where it is written, whichever fragment that is in."""
    fragments, seen = fragments_of(document), set[str]()
    waiting = list(operation.selection_set.selections)
    while waiting:
        one = waiting.pop()
        if isinstance(one, FieldNode):
            yield one
        elif isinstance(one, InlineFragmentNode):
            waiting += one.selection_set.selections
        elif isinstance(one, FragmentSpreadNode) and one.name.value not in seen:
            seen.add(one.name.value)
            waiting += fragments[one.name.value].selection_set.selections


def check(name: str, found: int, most: int) -> None:
    if found > most:
        raise TooComplex(name, found=found, most=most)


def check_values(variables: Mapping[str, object] | None) -> None:
    """What is counted is cut short at the limit: the rest would be for nothing."""
    level: Sequence[object] = list((variables or {}).values())
    count, depth = 0, 0
    while level:
        objects = sum(isinstance(value, dict) for value in level)
        count, depth = count + len(level) + _OBJECT_VALUES * objects, depth + 1
        check("values in variables", count, MAX_VALUES)
        check("depth of variables", depth, MAX_VALUE_DEPTH)
        level = [below for value in level for below in _parts(value)]


def _parts(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()

"""Size limits on documents and variables: all those that can be checked before validation."""

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
# An object counts as this many: graphql-core looks at every field of its type, also absent ones.
_OBJECT_VALUES = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentSize:
    """The size of a selection with its fragments expanded.

    The width is its own fields; fields, aliases and depth include all levels below.
    """

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


_EMPTY = DocumentSize()


class SizeCheck:
    """Measures a document in one pass; a fragment is visited once, however often it is spread."""

    def __init__(self, document: DocumentNode) -> None:
        self._document = document
        self._fragments = fragments_of(document)
        self._known: dict[str, DocumentSize] = {}
        self._nesting = 0
        self.visits = 0

    def check(self) -> None:
        """Raise TooComplex for the first limit that is exceeded."""
        check("definitions", len(self._document.definitions), MAX_DEFINITIONS)
        for definition in self._document.definitions:
            if isinstance(definition, OperationDefinitionNode):
                self._check_directives(definition)
                self._check_size(definition)
            elif isinstance(definition, FragmentDefinitionNode):
                self._check_directives(definition)
                self._of_fragment(definition.name.value)

    def of_operation(self, operation: OperationDefinitionNode) -> DocumentSize:
        return self._of(operation.selection_set)

    def _check_size(self, operation: OperationDefinitionNode) -> None:
        size = self.of_operation(operation)
        check("root fields", size.width, MAX_ROOT_FIELDS)
        check("depth", size.depth, MAX_DEPTH)
        check("aliases", size.aliases, MAX_ALIASES)
        check("fields", size.fields, MAX_FIELDS)

    def _of(self, selected: SelectionSetNode | None) -> DocumentSize:
        if selected is None:
            return _EMPTY
        self._nesting += 1
        check("nesting", self._nesting, MAX_NESTING)
        size = _EMPTY
        for selection in selected.selections:
            size += self._of_selection(selection)
        self._nesting -= 1
        return size

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
            return self._known.get(name, _EMPTY)
        # A fragment that spreads itself finds this entry; validation reports the cycle later.
        self._known[name] = _EMPTY
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
    """The root fields, including those in fragments; a fragment spread twice yields them once."""
    fragments, seen = fragments_of(document), set[str]()
    waiting = list(operation.selection_set.selections)
    while waiting:
        node = waiting.pop()
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            waiting += node.selection_set.selections
        elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
            seen.add(node.name.value)
            waiting += fragments[node.name.value].selection_set.selections


def check(name: str, found: int, most: int) -> None:
    if found > most:
        raise TooComplex(name, found=found, most=most)


def check_values(variables: Mapping[str, object] | None) -> None:
    """Raise TooComplex for too many or too deep values; counting stops at the limit."""
    level: Sequence[object] = list((variables or {}).values())
    count, depth = 0, 0
    while level:
        objects = sum(isinstance(value, dict) for value in level)
        count, depth = count + len(level) + _OBJECT_VALUES * objects, depth + 1
        check("values in variables", count, MAX_VALUES)
        check("depth of variables", depth, MAX_VALUE_DEPTH)
        level = [below for value in level for below in _children(value)]


def _children(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()

"""What a document costs: every field one, as often as its lists may answer it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
)

from app.domain.pages import DEFAULT_SIZE, MAX_SIZE
from schema.limits.document_size import fragments_of

MAX_COST = 100_000
# A field that looks something up: one of the roots, or one that takes arguments.
LOOK_UP = 10
# How many a list is taken to hold where nothing says how many.
LISTED = 10
_LONGEST_NUMBER = 9


@dataclass(frozen=True, kw_only=True, slots=True)
class ListSize:
    """How long a list gets: a number, or what a variable says."""

    number: int
    most: int
    variable: str | None = None

    def told(self, variables: Mapping[str, object]) -> int:
        if self.variable is None:
            return self.number
        value = variables.get(self.variable)
        if isinstance(value, list):
            return min(len(value), self.most)
        return min(max(value, 0), self.most) if isinstance(value, int) else self.number


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What is known before the variables are, and what is multiplied with what they say."""

    fixed: int = 0
    parts: tuple[tuple[ListSize, "Cost"], ...] = ()

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(fixed=self.fixed + other.fixed, parts=self.parts + other.parts)

    def times(self, size: ListSize) -> "Cost":
        if size.variable is None and not self.parts:
            return Cost(fixed=self.fixed * size.number)
        return Cost(parts=((size, self),))

    def total(self, variables: Mapping[str, object], known: dict[int, int] | None = None) -> int:
        """With these variables; what several share is worked out once."""
        if not self.parts:
            return self.fixed
        known = {} if known is None else known
        if id(self) not in known:
            known[id(self)] = self.fixed + sum(
                size.told(variables) * part.total(variables, known) for size, part in self.parts
            )
        return known[id(self)]


@dataclass(frozen=True, kw_only=True, slots=True)
class SelectionCost:
    """What a selection costs once, and what more for each item of the list around it."""

    once: Cost = Cost()
    each: Cost = Cost()

    def __add__(self, other: "SelectionCost") -> "SelectionCost":
        return SelectionCost(once=self.once + other.once, each=self.each + other.each)

    def in_list_of(self, size: ListSize) -> Cost:
        return self.once + self.each.times(size)


_ONE = ListSize(number=1, most=1)
_UNTOLD = ListSize(number=LISTED, most=LISTED)
# The arguments that say how long a list gets: their defaults, and what is refused beyond.
_SIZES = {
    "first": ListSize(number=DEFAULT_SIZE, most=MAX_SIZE),
    "last": ListSize(number=DEFAULT_SIZE, most=MAX_SIZE),
    "limit": ListSize(number=200, most=1000),
    "points": ListSize(number=200, most=1000),
    "depth": ListSize(number=20, most=100),
    "inputs": ListSize(number=1, most=100),
    "symbols": ListSize(number=MAX_SIZE, most=MAX_SIZE),
}


class CostCalculator:
    """One pass over a valid document; a fragment is counted once, however often it is spread."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._fragments = fragments_of(document)
        self._known: dict[str, SelectionCost] = {}
        self.visits = 0

    def of_operation(self, operation: OperationDefinitionNode) -> Cost:
        root = self._schema.get_root_type(operation.operation)
        return self._of(operation.selection_set, root).in_list_of(_UNTOLD)

    def _of(
        self, selected: SelectionSetNode | None, parent: GraphQLNamedType | None
    ) -> SelectionCost:
        found = SelectionCost()
        if selected is not None and parent is not None:
            for selection in selected.selections:
                found += self._of_selection(selection, parent)
        return found

    def _of_selection(self, selection: SelectionNode, parent: GraphQLNamedType) -> SelectionCost:
        self.visits += 1
        match selection:
            case FieldNode():
                return self._of_field(selection, parent)
            case FragmentSpreadNode():
                return self._of_fragment(selection.name.value)
            case InlineFragmentNode(type_condition=condition):
                kind = parent if condition is None else self._schema.type_map[condition.name.value]
                return self._of(selection.selection_set, kind)
        raise TypeError(f"no selection: {selection.kind}")

    def _of_fragment(self, name: str) -> SelectionCost:
        if name not in self._known:
            fragment = self._fragments[name]
            kind = self._schema.type_map[fragment.type_condition.name.value]
            found = self._of(fragment.selection_set, kind)
            # Kept as one part each: written out, they would double with every spread.
            self._known[name] = SelectionCost(
                once=found.once.times(_ONE), each=found.each.times(_ONE)
            )
        return self._known[name]

    def _of_field(self, node: FieldNode, parent: GraphQLNamedType) -> SelectionCost:
        definition = self._schema.get_field(parent, node.name.value)  # type: ignore[arg-type]
        if definition is None:
            return SelectionCost()
        is_look_up = bool(definition.args) or parent in _roots(self._schema)
        own = Cost(fixed=LOOK_UP if is_look_up else 1)
        below = self._of(node.selection_set, get_named_type(definition.type))
        size = _size(definition, node)
        if not is_list_type(get_nullable_type(definition.type)):
            return SelectionCost(once=own + below.in_list_of(size or _UNTOLD))
        items = below.in_list_of(_UNTOLD)
        if size is None:
            return SelectionCost(once=own, each=items)
        return SelectionCost(once=own + items.times(size))


def _roots(schema: GraphQLSchema) -> tuple[GraphQLNamedType | None, ...]:
    return (schema.query_type, schema.mutation_type, schema.subscription_type)


def _size(definition: GraphQLField, node: FieldNode) -> ListSize | None:
    """What the arguments say, or their defaults; None where there are none of that kind."""
    usual = [size for name, size in _SIZES.items() if name in definition.args]
    for given in node.arguments or ():
        size = _SIZES.get(given.name.value)
        if size is not None and not isinstance(given.value, NullValueNode):
            return _given(given.value, size)
    return usual[0] if usual else None


def _given(value: ValueNode, usual: ListSize) -> ListSize:
    match value:
        case VariableNode():
            return ListSize(number=usual.number, most=usual.most, variable=value.name.value)
        case IntValueNode(value=digits) if len(digits) <= _LONGEST_NUMBER:
            number = min(max(int(digits), 0), usual.most)
        case ListValueNode(values=values):
            number = min(len(values), usual.most)
        case _:
            number = usual.number
    return ListSize(number=number, most=usual.most)


def size_of_list(node: FieldNode, name: str, variables: Mapping[str, object]) -> int:
    """How many a list holds that is given as an argument."""
    given = [one.value for one in node.arguments or () if one.name.value == name]
    return sum(_given(value, _SIZES[name]).told(variables) for value in given)


def given_variables(
    operation: OperationDefinitionNode, variables: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    """The variables that say how long lists get, with the defaults that the document gives."""
    defaults = {
        one.variable.name.value: _literal(one.default_value)
        for one in operation.variable_definitions or ()
        if one.default_value is not None
    }
    return {**defaults, **(variables or {})}


def _literal(value: ValueNode) -> object:
    match value:
        case IntValueNode(value=digits) if len(digits) <= _LONGEST_NUMBER:
            return int(digits)
        case ListValueNode(values=values):
            return list(values)
    return None

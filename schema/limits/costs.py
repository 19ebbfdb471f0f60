"""The cost of a document: each field counts as often as the lists around it may hold items."""

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
# The cost of a field that looks something up: a root field, or one that takes arguments.
LOOK_UP = 10
# The length assumed for a list if no argument limits it.
LISTED = 10
_LONGEST_NUMBER = 9


@dataclass(frozen=True, kw_only=True, slots=True)
class ListSize:
    """The length of a list: a number, or the value of a variable."""

    number: int
    most: int
    variable: str | None = None

    def value(self, variables: Mapping[str, object]) -> int:
        if self.variable is None:
            return self.number
        value = variables.get(self.variable)
        if isinstance(value, list):
            return min(len(value), self.most)
        return min(max(value, 0), self.most) if isinstance(value, int) else self.number


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """A cost: a fixed number, plus parts to be multiplied by list sizes that variables may set."""

    fixed: int = 0
    parts: tuple[tuple[ListSize, "Cost"], ...] = ()

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(fixed=self.fixed + other.fixed, parts=self.parts + other.parts)

    def times(self, size: ListSize) -> "Cost":
        if size.variable is None and not self.parts:
            return Cost(fixed=self.fixed * size.number)
        return Cost(parts=((size, self),))

    def total(self, variables: Mapping[str, object], known: dict[int, int] | None = None) -> int:
        """The cost with these variables; a part that is shared is computed once."""
        if not self.parts:
            return self.fixed
        known = {} if known is None else known
        if id(self) not in known:
            known[id(self)] = self.fixed + sum(
                size.value(variables) * part.total(variables, known) for size, part in self.parts
            )
        return known[id(self)]


@dataclass(frozen=True, kw_only=True, slots=True)
class SelectionCost:
    """The cost of a selection: once, and in addition for each item of the list around it."""

    once: Cost = Cost()
    each: Cost = Cost()

    def __add__(self, other: "SelectionCost") -> "SelectionCost":
        return SelectionCost(once=self.once + other.once, each=self.each + other.each)

    def in_list_of(self, size: ListSize) -> Cost:
        return self.once + self.each.times(size)


_ONE = ListSize(number=1, most=1)
_UNLIMITED = ListSize(number=LISTED, most=LISTED)
# The arguments that limit lists: their defaults, and the most that resolvers accept.
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
    """Computes costs in one pass over a valid document; a fragment is visited only once."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._fragments = fragments_of(document)
        self._known: dict[str, SelectionCost] = {}
        self.visits = 0

    def of_operation(self, operation: OperationDefinitionNode) -> Cost:
        root = self._schema.get_root_type(operation.operation)
        return self._of(operation.selection_set, root).in_list_of(_UNLIMITED)

    def _of(
        self, selected: SelectionSetNode | None, parent: GraphQLNamedType | None
    ) -> SelectionCost:
        total = SelectionCost()
        if selected is not None and parent is not None:
            for selection in selected.selections:
                total += self._of_selection(selection, parent)
        return total

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
            cost = self._of(fragment.selection_set, kind)
            # One part each: if the parts were copied, nested spreads would double them every time.
            self._known[name] = SelectionCost(
                once=cost.once.times(_ONE), each=cost.each.times(_ONE)
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
            return SelectionCost(once=own + below.in_list_of(size or _UNLIMITED))
        items = below.in_list_of(_UNLIMITED)
        if size is None:
            return SelectionCost(once=own, each=items)
        return SelectionCost(once=own + items.times(size))


def _roots(schema: GraphQLSchema) -> tuple[GraphQLNamedType | None, ...]:
    return (schema.query_type, schema.mutation_type, schema.subscription_type)


def _size(definition: GraphQLField, node: FieldNode) -> ListSize | None:
    """The list size that the arguments give, or their default; None if no argument limits it."""
    defaults = [size for name, size in _SIZES.items() if name in definition.args]
    for given in node.arguments or ():
        size = _SIZES.get(given.name.value)
        if size is not None and not isinstance(given.value, NullValueNode):
            return _size_of_value(given.value, size)
    return defaults[0] if defaults else None


def _size_of_value(value: ValueNode, default: ListSize) -> ListSize:
    match value:
        case VariableNode():
            return ListSize(number=default.number, most=default.most, variable=value.name.value)
        case IntValueNode(value=digits) if len(digits) <= _LONGEST_NUMBER:
            number = min(max(int(digits), 0), default.most)
        case ListValueNode(values=values):
            number = min(len(values), default.most)
        case _:
            number = default.number
    return ListSize(number=number, most=default.most)


def size_of_list(node: FieldNode, name: str, variables: Mapping[str, object]) -> int:
    """The length of a list that is given as the argument name."""
    given = [argument.value for argument in node.arguments or () if argument.name.value == name]
    return sum(_size_of_value(value, _SIZES[name]).value(variables) for value in given)


def given_variables(
    operation: OperationDefinitionNode, variables: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    """The variables, with the defaults of the document, as far as they can set list sizes."""
    defaults = {
        definition.variable.name.value: _literal(definition.default_value)
        for definition in operation.variable_definitions or ()
        if definition.default_value is not None
    }
    return {**defaults, **(variables or {})}


def _literal(value: ValueNode) -> object:
    match value:
        case IntValueNode(value=digits) if len(digits) <= _LONGEST_NUMBER:
            return int(digits)
        case ListValueNode(values=values):
            return list(values)
    return None

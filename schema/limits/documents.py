"""Compiles documents (parse, check size, validate) and caches them up to a number of tokens."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakValueDictionary

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OverlappingFieldsCanBeMergedRule,
    ValidationContext,
    parse,
    specified_rules,
    validate,
)
from graphql.validation.validate import ValidationAbortedError
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from app.errors import TooComplex
from app.primitives.fair_scheduler import FairScheduler
from schema.limits import document_size
from schema.limits.costs import Cost, CostCalculator, given_variables
from schema.limits.document_size import SizeCheck

KEPT_TOKENS = 200_000
URGENT = frozenset({"cancelOrder", "cancelAllOrders", "haltTrading", "reduceTrading"})
# If there are more, the last one says so.
MAX_ERRORS = 5
MAX_COMPARISONS = 10_000


class OverlappingFields(OverlappingFieldsCanBeMergedRule):
    """Bounds the rule that compares every field with every other one of the same name."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self.rule_context.remaining_complexity_budget = MAX_COMPARISONS


_RULES: tuple[type[ASTValidationRule], ...] = (
    *(rule for rule in specified_rules if rule is not OverlappingFieldsCanBeMergedRule),
    MaybeNullValidationRule,
    OneOfInputValidationRule,
    OverlappingFields,
)
# A text up to this length is compiled without waiting for a turn: a cancel must not wait.
_SHORT_TEXT = 500
# Validation runs this many rules in a row, so that each part is short.
_RULES_AT_ONCE = 6
# Up to this many tokens all rules together are short enough for one part.
_SHORT_TOKENS = 500


@dataclass(kw_only=True, slots=True)
class Document:
    """A parsed and validated document with its errors, and the costs of its operations."""

    schema: GraphQLSchema
    document: DocumentNode
    errors: Sequence[GraphQLError]
    _costs: dict[int, Cost] = field(default_factory=dict)
    _root_fields: dict[int, Sequence[FieldNode]] = field(default_factory=dict)

    @property
    def tokens(self) -> int:
        return self.document.token_count

    @property
    def operations(self) -> Sequence[OperationDefinitionNode]:
        definitions = self.document.definitions
        return [node for node in definitions if isinstance(node, OperationDefinitionNode)]

    @property
    def is_urgent(self) -> bool:
        return all(
            field.name.value in URGENT
            for operation in self.operations
            for field in self.root_fields(operation)
        )

    def cost(self, operation: OperationDefinitionNode, variables: Mapping[str, Any] | None) -> int:
        if id(operation) not in self._costs:
            calculator = CostCalculator(self.schema, self.document)
            self._costs[id(operation)] = calculator.of_operation(operation)
        return self._costs[id(operation)].total(given_variables(operation, variables))

    def root_fields(self, operation: OperationDefinitionNode) -> Sequence[FieldNode]:
        if id(operation) not in self._root_fields:
            fields = document_size.root_fields(self.document, operation)
            self._root_fields[id(operation)] = list(fields)
        return self._root_fields[id(operation)]


class DocumentCache:
    """The most recently used documents by their text, bounded by their weight in tokens."""

    def __init__(self, room: int = KEPT_TOKENS) -> None:
        self._room = room
        self._free = room
        self._kept: OrderedDict[str, Document] = OrderedDict()

    def find(self, text: str) -> Document | None:
        if text in self._kept:
            self._kept.move_to_end(text)
        return self._kept.get(text)

    def keep(self, text: str, document: Document) -> None:
        if text in self._kept:
            return
        self._kept[text] = document
        self._free -= _weight(text, document)
        while self._free < 0:
            oldest, evicted = self._kept.popitem(last=False)
            self._free += _weight(oldest, evicted)


def _weight(text: str, document: Document) -> int:
    """In tokens, each of which takes a few hundred bytes; 400 characters of text count as one."""
    return document.tokens + len(text) // 400 + 1


class DocumentCompiler:
    """Finds or makes the Document of a text, taking turns with all other long work."""

    def __init__(self, schema: GraphQLSchema, cache: DocumentCache) -> None:
        self._schema = schema
        self._cache = cache
        # A lock lives as long as somebody compiles this text or waits for it.
        self._compiling: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def is_urgent(self, text: str) -> bool:
        """Whether it is a known document that only takes risk away: it need not wait its turn."""
        document = self._cache.find(text)
        return document is not None and document.is_urgent

    async def find(self, text: str, work: FairScheduler) -> Document:
        """The document of a text; a crowd that comes with the same new text compiles it once."""
        document = self._cache.find(text)
        if document is not None:
            return document
        async with self._compiling.setdefault(text, asyncio.Lock()):
            document = self._cache.find(text)
            if document is None:
                document = await self._compile(text, work)
                self._cache.keep(text, document)
        return document

    async def _compile(self, text: str, work: FairScheduler) -> Document:
        document_size.check("characters", len(text), document_size.MAX_SOURCE)
        if len(text) > _SHORT_TEXT:
            await work.turn()
        document = _parse(text)
        SizeCheck(document).check()
        return Document(
            schema=self._schema,
            document=document,
            errors=await self._validate(document, work),
        )

    async def _validate(self, document: DocumentNode, work: FairScheduler) -> list[GraphQLError]:
        errors: list[GraphQLError] = []
        for rules in _rule_groups(document):
            if rules is not _RULES:
                await work.turn()
            errors += validate(self._schema, document, rules, MAX_ERRORS - len(errors))
            if errors and isinstance(errors[-1], ValidationAbortedError):
                break
        return [_explained(error) for error in _first(errors)]


def _rule_groups(document: DocumentNode) -> Iterator[tuple[type[ASTValidationRule], ...]]:
    if document.token_count <= _SHORT_TOKENS:
        yield _RULES
        return
    for at in range(0, len(_RULES), _RULES_AT_ONCE):
        yield _RULES[at : at + _RULES_AT_ONCE]


def _parse(text: str) -> DocumentNode:
    try:
        return parse(
            text,
            max_lexical_tokens=document_size.MAX_TOKENS,
            max_comments=document_size.MAX_COMMENTS,
        )
    except GraphQLSyntaxError as error:
        for name, most in _PARSER_LIMITS.items():
            if error.description.startswith(f"Document contains more than {most} {name}"):
                raise TooComplex(name, found=most + 1, most=most) from None
        raise


_PARSER_LIMITS = {"tokens": document_size.MAX_TOKENS, "comments": document_size.MAX_COMMENTS}


def _first(errors: list[GraphQLError]) -> list[GraphQLError]:
    """The first errors, and the one that ended the validation."""
    return errors if len(errors) <= MAX_ERRORS else [*errors[: MAX_ERRORS - 1], errors[-1]]


def _explained(error: GraphQLError) -> GraphQLError:
    """Replace graphql-core's bare "Validation aborted." by the limit that was exceeded."""
    if error.message != "Validation aborted.":
        return error
    reason = TooComplex("comparisons of fields", found=MAX_COMPARISONS + 1, most=MAX_COMPARISONS)
    return GraphQLError(str(reason), original_error=reason)

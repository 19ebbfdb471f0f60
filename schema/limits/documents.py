"""Documents made ready to run: read, measured and validated once, and kept within bounds."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

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
# Where there are more, the last one says so.
MAX_ERRORS = 5
MAX_COMPARISONS = 10_000


class OverlappingFields(OverlappingFieldsCanBeMergedRule):
    """Compares every field with every other of the same name: only so many of them."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self.rule_context.remaining_complexity_budget = MAX_COMPARISONS


_RULES: tuple[type[ASTValidationRule], ...] = (
    *(rule for rule in specified_rules if rule is not OverlappingFieldsCanBeMergedRule),
    MaybeNullValidationRule,
    OneOfInputValidationRule,
    OverlappingFields,
)
# What is no longer than this waits for nobody: a cancel must not.
_SHORT_TEXT = 500
# Few enough at a time that each part is short.
_RULES_AT_ONCE = 6
# Below so many tokens one part is short enough for all rules.
_SHORT_TOKENS = 500


@dataclass(kw_only=True, slots=True)
class Document:
    """A document that has been looked at from all sides, and what was found."""

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
        return [one for one in definitions if isinstance(one, OperationDefinitionNode)]

    def cost(self, operation: OperationDefinitionNode, variables: Mapping[str, Any] | None) -> int:
        if id(operation) not in self._costs:
            costing = CostCalculator(self.schema, self.document)
            self._costs[id(operation)] = costing.of_operation(operation)
        return self._costs[id(operation)].total(given_variables(operation, variables))

    def root_fields(self, operation: OperationDefinitionNode) -> Sequence[FieldNode]:
        if id(operation) not in self._root_fields:
            found = document_size.root_fields(self.document, operation)
            self._root_fields[id(operation)] = list(found)
        return self._root_fields[id(operation)]


class DocumentCache:
    """The documents of late, by their text, as many as there is room for."""

    def __init__(self, room: int = KEPT_TOKENS) -> None:
        self._room = room
        self._free = room
        self._kept: OrderedDict[str, Document] = OrderedDict()

    def find(self, text: str) -> Document | None:
        if text in self._kept:
            self._kept.move_to_end(text)
        return self._kept.get(text)

    def keep(self, text: str, ready: Document) -> None:
        if text in self._kept:
            return
        self._kept[text] = ready
        self._free -= _weight(text, ready)
        while self._free < 0:
            oldest, gone = self._kept.popitem(last=False)
            self._free += _weight(oldest, gone)


def _weight(text: str, ready: Document) -> int:
    """In tokens, each of which takes some hundred bytes; the text counts too."""
    return ready.tokens + len(text) // 400 + 1


class DocumentCompiler:
    """Makes documents ready, in turns with all other long work."""

    def __init__(self, schema: GraphQLSchema, cache: DocumentCache) -> None:
        self._schema = schema
        self._cache = cache

    async def find(self, text: str, work: FairScheduler) -> Document:
        found = self._cache.find(text)
        if found is None:
            found = await self._make(text, work)
            self._cache.keep(text, found)
        return found

    async def _make(self, text: str, work: FairScheduler) -> Document:
        document_size.check("characters", len(text), document_size.MAX_SOURCE)
        if len(text) > _SHORT_TEXT:
            await work.turn()
        document = _read(text)
        SizeCheck(document).check()
        return Document(
            schema=self._schema,
            document=document,
            errors=await self._validate(document, work),
        )

    async def _validate(self, document: DocumentNode, work: FairScheduler) -> list[GraphQLError]:
        errors: list[GraphQLError] = []
        for part in _parts(document):
            if part is not _RULES:
                await work.turn()
            errors += validate(self._schema, document, part, MAX_ERRORS - len(errors))
            if errors and isinstance(errors[-1], ValidationAbortedError):
                break
        return [_told(error) for error in _few(errors)]


def _parts(document: DocumentNode) -> Iterator[tuple[type[ASTValidationRule], ...]]:
    if document.token_count <= _SHORT_TOKENS:
        yield _RULES
        return
    for at in range(0, len(_RULES), _RULES_AT_ONCE):
        yield _RULES[at : at + _RULES_AT_ONCE]


def _read(text: str) -> DocumentNode:
    try:
        return parse(
            text,
            max_lexical_tokens=document_size.MAX_TOKENS,
            max_comments=document_size.MAX_COMMENTS,
        )
    except GraphQLSyntaxError as error:
        for name, most in _READ.items():
            if error.description.startswith(f"Document contains more than {most} {name}"):
                raise TooComplex(name, found=most + 1, most=most) from None
        raise


_READ = {"tokens": document_size.MAX_TOKENS, "comments": document_size.MAX_COMMENTS}


def _few(errors: list[GraphQLError]) -> list[GraphQLError]:
    """The first ones, and what ended the validation."""
    return errors if len(errors) <= MAX_ERRORS else [*errors[: MAX_ERRORS - 1], errors[-1]]


def _told(error: GraphQLError) -> GraphQLError:
    """Where the comparing of fields was given up, that it was too much."""
    if error.message != "Validation aborted.":
        return error
    reason = TooComplex("comparisons of fields", found=MAX_COMPARISONS + 1, most=MAX_COMPARISONS)
    return GraphQLError(str(reason), original_error=reason)

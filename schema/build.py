"""The schema, put together."""

from collections.abc import AsyncIterator, Iterator
from functools import cache
from typing import Any, cast

import strawberry
from graphql import GraphQLEnumType, GraphQLError, OperationDefinitionNode
from strawberry.extensions import SchemaExtension
from strawberry.extensions.parser_cache import ParserCache
from strawberry.extensions.validation_cache import ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.execution import ExecutionContext, ExecutionResult
from strawberry.types.graphql import OperationType

from schema.accounts import Account
from schema.bad_values import NO_SUCH_VALUE
from schema.context import Context
from schema.descriptions import describe
from schema.errors import expose
from schema.fills import Fill
from schema.mutations import Mutation
from schema.orders import Order
from schema.queries import Query
from schema.scalars import SCALARS
from schema.subscriptions import Subscription
from schema.tokens import ApiToken

CACHED_DOCUMENTS = 1000
_ANSWERED_ONCE = {OperationType.QUERY, OperationType.MUTATION}


class OneInstant(SchemaExtension):
    """Gives the instant that a query was read at back to the database."""

    async def on_execute(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await cast("Context", self.execution_context.context).close()


class OneOperation(SchemaExtension):
    """Refuses to guess which operation of a document is meant, where Strawberry takes the first."""

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        definitions = context.graphql_document.definitions if context.graphql_document else ()
        operations = [one for one in definitions if isinstance(one, OperationDefinitionNode)]
        is_named = context._provided_operation_name is not None  # noqa: SLF001  not told elsewhere
        if len(operations) > 1 and not is_named:
            words = f"operationName must say which of the {len(operations)} operations to run"
            context.pre_execution_errors = [GraphQLError(words)]
        yield


class EventExecutor(StrawberryGraphQLCoreExecutionContext):
    """Runs one event of a subscription, and keeps nothing of it for the next.

    graphql-core gives all events of a subscription one cache, whose keys are new for each event.
    """

    def build_per_event_executor(self, payload: Any) -> Any:
        executor = super().build_per_event_executor(payload)
        executor._relevant_sub_fields = {}  # noqa: SLF001  there is no other way to it
        return executor


class Schema(strawberry.Schema):
    """Strawberry's schema, whose errors say a code and nothing of the inside."""

    async def execute(self, *args: Any, **options: Any) -> ExecutionResult:
        """Answer once: a subscription is streamed, or refused where nothing can be."""
        asked = options.get("allowed_operation_types")
        allowed = _ANSWERED_ONCE if asked is None else _ANSWERED_ONCE & set(asked)
        return await super().execute(*args, **{**options, "allowed_operation_types": allowed})

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        context = None if execution_context is None else execution_context.context
        for error in errors:
            expose(error, context)
            self._tell_values(error)

    def _tell_values(self, error: GraphQLError) -> None:
        """Whoever names no value of an enum is told which there are."""
        found = NO_SUCH_VALUE.search(error.message)
        kind = None if found is None else self._schema.type_map.get(found[1])
        if found is not None and isinstance(kind, GraphQLEnumType):
            told = f"{found[0]}: it has {', '.join(kind.values)}"
            error.message = error.message.replace(f"{found[0]}.", found[0]).replace(found[0], told)


@cache
def build_schema() -> Schema:
    """The one schema of this process, which never changes."""
    schema = Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[Account, Order, Fill, ApiToken],
        execution_context_class=EventExecutor,
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
        extensions=[
            OneInstant,
            lambda: ParserCache(maxsize=CACHED_DOCUMENTS),
            lambda: ValidationCache(maxsize=CACHED_DOCUMENTS),
            OneOperation,
        ],
    )
    describe(schema)
    return schema


def print_sdl() -> str:
    return f"{build_schema().as_str()}\n"

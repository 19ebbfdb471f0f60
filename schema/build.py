"""The schema, put together."""

from collections.abc import AsyncIterator
from functools import cache
from typing import Any, cast

import strawberry
from graphql import GraphQLEnumType, GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.types.execution import ExecutionContext, ExecutionResult
from strawberry.types.graphql import OperationType

from schema.bad_values import NO_SUCH_VALUE
from schema.context import Context
from schema.descriptions import describe
from schema.errors import expose
from schema.limits.documents import DocumentCache, DocumentCompiler
from schema.limits.execution import SlicedExecutor
from schema.limits.operation_guard import OperationGuard
from schema.mutations import Mutation
from schema.queries import Query
from schema.scalars import SCALARS
from schema.subscriptions import Subscription
from schema.types.accounts import Account
from schema.types.orders import Fill, Order
from schema.types.tokens import ApiToken

_ANSWERED_ONCE = {OperationType.QUERY, OperationType.MUTATION}


class ReleaseSnapshot(SchemaExtension):
    """Gives the instant that a query was read at back to the database."""

    async def on_execute(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await cast("Context", self.execution_context.context).close()


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
        execution_context_class=SlicedExecutor,
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
        extensions=[lambda: OperationGuard(library), ReleaseSnapshot],
    )
    library = DocumentCompiler(schema._schema, DocumentCache())  # noqa: SLF001  Strawberry's own has no other name
    describe(schema)
    return schema


def print_sdl() -> str:
    return f"{build_schema().as_str()}\n"

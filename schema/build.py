"""Builds the GraphQL schema, with its extensions, scalars and descriptions, and prints its SDL."""

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
    """Returns the snapshot that a query read from to the database."""

    async def on_execute(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await cast("Context", self.execution_context.context).close()


class Schema(strawberry.Schema):
    """Strawberry's schema; its errors carry a code and no internals."""

    async def execute(self, *args: Any, **options: Any) -> ExecutionResult:
        """Execute a query or mutation; a subscription is refused, and must be streamed instead."""
        given = options.get("allowed_operation_types")
        allowed = _ANSWERED_ONCE if given is None else _ANSWERED_ONCE & set(given)
        return await super().execute(*args, **{**options, "allowed_operation_types": allowed})

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        context = None if execution_context is None else execution_context.context
        for error in errors:
            expose(error, context)
            self._list_values(error)

    def _list_values(self, error: GraphQLError) -> None:
        """Add the values of the enum to an error about a value that it does not have."""
        match = NO_SUCH_VALUE.search(error.message)
        kind = None if match is None else self._schema.type_map.get(match[1])
        if match is not None and isinstance(kind, GraphQLEnumType):
            words = f"{match[0]}: it has {', '.join(kind.values)}"
            error.message = error.message.replace(f"{match[0]}.", match[0]).replace(match[0], words)


@cache
def build_schema() -> Schema:
    """The schema of this process, built once."""
    schema = Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[Account, Order, Fill, ApiToken],
        execution_context_class=SlicedExecutor,
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
        extensions=[lambda: OperationGuard(compiler), ReleaseSnapshot],
    )
    compiler = DocumentCompiler(schema._schema, DocumentCache())  # noqa: SLF001  graphql-core's schema has no public name
    describe(schema)
    return schema


def print_sdl(schema: Schema) -> str:
    return f"{schema.as_str()}\n"

"""The schema, put together."""

from collections.abc import AsyncIterator
from typing import cast

import strawberry
from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.extensions.parser_cache import ParserCache
from strawberry.extensions.validation_cache import ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.types.execution import ExecutionContext

from schema.accounts import Account
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


class OneInstant(SchemaExtension):
    """Gives the instant that a query was read at back to the database."""

    async def on_execute(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await cast("Context", self.execution_context.context).close()


class Schema(strawberry.Schema):
    """Strawberry's schema, whose errors say a code and nothing of the inside."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        context = None if execution_context is None else execution_context.context
        for error in errors:
            expose(error, context)


def build_schema() -> Schema:
    schema = Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[Account, Order, Fill, ApiToken],
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
        extensions=[
            OneInstant,
            lambda: ParserCache(maxsize=CACHED_DOCUMENTS),
            lambda: ValidationCache(maxsize=CACHED_DOCUMENTS),
        ],
    )
    describe(schema)
    return schema


def print_sdl() -> str:
    return f"{build_schema().as_str()}\n"

"""The Strawberry extension that checks an operation's limits and budgets before it is executed."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack
from typing import cast

from graphql import GraphQLError, OperationDefinitionNode
from strawberry.extensions import SchemaExtension
from strawberry.types.graphql import OperationType

from app.errors import OrderdeckError, TooComplex
from app.primitives.fair_line import current_party, work_for
from schema.context import Context
from schema.limits import document_size
from schema.limits.budgets import BudgetCharge
from schema.limits.costs import MAX_COST
from schema.limits.documents import Document, DocumentCompiler

# Queries that cost more than this are long work, of which only a few run at once.
LONG = 5000


class OperationGuard(SchemaExtension):
    """Refuses operations beyond limits or budgets, and runs only a few expensive ones at once."""

    def __init__(self, compiler: DocumentCompiler) -> None:
        super().__init__()
        self._compiler = compiler
        self._compiled: Document | None = None
        self._held = ExitStack()

    def on_operation(self) -> Iterator[None]:
        if self._context.token is not None:
            work_for(self._context.token.id)
        with self._held:
            yield

    async def on_parse(self) -> AsyncIterator[None]:
        text = self.execution_context.query or ""
        if not self._compiler.is_urgent(text):
            await self._context.services.starts.turn(current_party())
        try:
            self._compiled = await self._compiler.find(text, self._context.services.long_work)
        except TooComplex as error:
            raise _as_graphql_error(error) from error
        self.execution_context.graphql_document = self._compiled.document
        yield

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        try:
            context.pre_execution_errors = [*self._document.errors] or self._ambiguity()
            if not context.pre_execution_errors:
                self._check()
        except OrderdeckError as error:
            context.pre_execution_errors = [_as_graphql_error(error)]
        yield

    async def on_execute(self) -> AsyncIterator[None]:
        is_query = self.execution_context.operation_type is OperationType.QUERY
        async with AsyncExitStack() as stack:
            if is_query and self._context.cost > LONG:
                await stack.enter_async_context(self._context.services.costly_documents)
            yield

    @property
    def _context(self) -> Context:
        return cast("Context", self.execution_context.context)

    @property
    def _document(self) -> Document:
        if self._compiled is None:
            raise LookupError("a document is validated only after it was parsed")
        return self._compiled

    def _ambiguity(self) -> list[GraphQLError]:
        """Refuse to guess which operation to execute: Strawberry would take the first."""
        count = len(self._document.operations)
        is_named = self.execution_context._provided_operation_name is not None  # noqa: SLF001  it has no public name
        if count < 2 or is_named:
            return []
        return [GraphQLError(f"operationName must say which of the {count} operations to run")]

    def _check(self) -> None:
        variables = self.execution_context.variables
        document_size.check_values(variables)
        operation = self._operation()
        cost = self._document.cost(operation, variables)
        document_size.check("cost", cost, MAX_COST)
        self._context.cost = cost
        kind = self.execution_context.operation_type
        self._context.is_subscription = kind is OperationType.SUBSCRIPTION
        BudgetCharge(self._context, self._document, self._held).take(operation, variables)

    def _operation(self) -> OperationDefinitionNode:
        name = self.execution_context.operation_name
        operations = self._document.operations
        named = {operation.name and operation.name.value: operation for operation in operations}
        return named[name] if name in named else operations[0]


def _as_graphql_error(error: OrderdeckError) -> GraphQLError:
    return GraphQLError(str(error), original_error=error)

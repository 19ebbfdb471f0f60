"""Charges an operation to its token's budgets, and reports them in headers and as GraphQL types."""

import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from typing import Any

import strawberry
from graphql import (
    FieldNode,
    OperationDefinitionNode,
    OperationType,
)
from starlette.responses import Response

from app.errors import RateLimited
from app.services.access.rate_limits import Budget as Kind
from app.services.access.rate_limits import BudgetStatus
from schema.context import Context, Info
from schema.limits import document_size
from schema.limits.costs import MAX_COST, given_variables, size_of_list
from schema.limits.documents import Document

TOO_MANY_REQUESTS = 429
_ORDERS = {"placeOrder", "placeOrders"}


@strawberry.type
class Budget:
    per_second: int
    left: int
    resets_at: datetime

    @classmethod
    def of(cls, status: BudgetStatus | None, now: datetime) -> "Budget | None":
        if status is None:
            return None
        rest = timedelta(seconds=status.resets_in_seconds)
        return cls(per_second=status.per_second, left=status.left, resets_at=now + rest)


@strawberry.type
class DocumentLimits:
    cost: int = MAX_COST
    characters: int = document_size.MAX_SOURCE
    tokens: int = document_size.MAX_TOKENS
    definitions: int = document_size.MAX_DEFINITIONS
    root_fields: int = document_size.MAX_ROOT_FIELDS
    fields: int = document_size.MAX_FIELDS
    aliases: int = document_size.MAX_ALIASES
    depth: int = document_size.MAX_DEPTH
    directives: int = document_size.MAX_DIRECTIVES
    variable_values: int = document_size.MAX_VALUES
    variable_depth: int = document_size.MAX_VALUE_DEPTH


@strawberry.type
class Limits:
    cost: Budget | None
    orders: Budget | None
    subscriptions: Budget | None
    open_subscriptions: int
    max_open_subscriptions: int | None
    document: DocumentLimits


def read_limits(info: Info) -> Limits:
    budgets, token_id = info.context.services.budgets, info.context.viewer.id
    now = info.context.services.auth.now()
    return Limits(
        cost=Budget.of(budgets.standing(token_id, Kind.COST), now),
        orders=Budget.of(budgets.standing(token_id, Kind.ORDERS), now),
        subscriptions=Budget.of(budgets.standing(token_id, Kind.SUBSCRIPTIONS), now),
        open_subscriptions=budgets.open_of(token_id),
        max_open_subscriptions=budgets.most_open or None,
        document=DocumentLimits(),
    )


class BudgetCharge:
    """Charges one operation to the budgets before it is executed."""

    def __init__(self, context: Context, document: Document, held: ExitStack) -> None:
        self._context = context
        self._document = document
        self._held = held

    def take(self, operation: OperationDefinitionNode, variables: Mapping[str, Any] | None) -> None:
        """Raise RateLimited if the whole operation must be refused."""
        try:
            match operation.operation:
                case OperationType.QUERY:
                    self._take(Kind.COST, self._context.cost)
                case OperationType.MUTATION:
                    self._take_orders(operation, variables)
                case OperationType.SUBSCRIPTION:
                    self._open()
        except RateLimited as error:
            self._set_refusal_headers(error)
            raise

    def _take_orders(
        self, operation: OperationDefinitionNode, variables: Mapping[str, Any] | None
    ) -> None:
        """Refuse only the fields that place orders if the operation has other mutations too."""
        fields = self._document.root_fields(operation)
        placing = [field for field in fields if field.name.value in _ORDERS]
        if not placing:
            return
        given = given_variables(operation, variables)
        try:
            self._take(Kind.ORDERS, sum(_count(field, given) for field in placing))
        except RateLimited as error:
            if {field.name.value for field in fields} <= _ORDERS | {"__typename"}:
                raise
            self._context.orders_refused = error

    def _open(self) -> None:
        budgets, token_id = self._context.services.budgets, self._context.viewer.id
        with self._counted(Kind.SUBSCRIPTIONS):
            self._held.enter_context(budgets.subscription(token_id))

    def _take(self, kind: Kind, amount: int) -> None:
        budgets, token_id = self._context.services.budgets, self._context.viewer.id
        try:
            with self._counted(kind):
                budgets.take(token_id, kind, amount)
        finally:
            if self._context.response is not None:
                _set_headers(budgets.standing(token_id, kind), self._context.response)

    @contextmanager
    def _counted(self, kind: Kind) -> Iterator[None]:
        try:
            yield
        except RateLimited:
            self._context.services.metrics.over_budget(kind)
            raise

    def _set_refusal_headers(self, error: RateLimited) -> None:
        response = self._context.response
        if response is not None:
            response.status_code = TOO_MANY_REQUESTS
            response.headers["Retry-After"] = str(math.ceil(error.retry_after_seconds))


def _count(field: FieldNode, variables: Mapping[str, Any]) -> int:
    return 1 if field.name.value == "placeOrder" else size_of_list(field, "inputs", variables)


def _set_headers(status: BudgetStatus | None, response: Response) -> None:
    if status is None:
        return
    name, seconds = f'"{status.budget}"', math.ceil(status.resets_in_seconds)
    response.headers["RateLimit-Policy"] = f"{name};q={status.per_second};w=1"
    response.headers["RateLimit"] = f"{name};r={status.left};t={seconds}"

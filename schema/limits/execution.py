"""Executes a document in slices, so that a large query does not block the event loop."""

from collections.abc import Collection, Iterable
from functools import partial
from typing import Any
from weakref import proxy

from graphql import (
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLResolveInfoHelpers,
    get_named_type,
    is_leaf_type,
)
from graphql.pyutils import AwaitableOrValue, Path, gather_with_cancel
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

# Fields executed without a pause: a few milliseconds.
SLICE = 500
# A list up to this length is completed without a pause, however large its items are.
SHORT = 20
# Items of a list that are awaited at the same time; without a cap all would start at once.
TOGETHER = 16


class SlicedExecutor(StrawberryGraphQLCoreExecutionContext):
    """Counts the fields that it executes, and yields to others after each slice of them."""

    _done = 0

    def __init__(self, *parts: Any, **more: Any) -> None:
        """graphql-core's helpers hold the executor that holds them: garbage for the collector."""
        super().__init__(*parts, **more)
        cls, me = type(self), proxy(self)
        self.async_helpers = GraphQLResolveInfoHelpers(
            gather=partial(cls.gather_async_work, me), track=partial(cls.track_async_work, me)
        )

    def build_per_event_executor(self, payload: Any) -> Any:
        """Give each event of a subscription a cache of its own.

        graphql-core shares one among all events, with keys that are new for each: it only grows.
        """
        executor = super().build_per_event_executor(payload)
        executor._relevant_sub_fields = {}  # noqa: SLF001  it has no public name
        return executor

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: Any,
        position_context: Any,
    ) -> AwaitableOrValue[dict[str, Any]]:
        self._done += len(grouped_field_set)
        return super().execute_fields(
            parent_type, source_value, path, grouped_field_set, position_context
        )

    def complete_iterable_value(
        self,
        item_type: GraphQLOutputType,
        field_details_list: Any,
        info: GraphQLResolveInfo[Any],
        path: Path,
        items: Iterable[Any],
        position_context: Any,
    ) -> AwaitableOrValue[list[Any]]:
        is_long = isinstance(items, Collection) and len(items) > SHORT
        if not is_long or is_leaf_type(get_named_type(item_type)):
            return super().complete_iterable_value(
                item_type, field_details_list, info, path, items, position_context
            )
        return self._in_slices(items, path, (item_type, field_details_list, info), position_context)

    async def _in_slices(
        self, items: Iterable[Any], path: Path, field: tuple[Any, Any, Any], position: Any
    ) -> list[Any]:
        item_type, details, info = field
        results: list[Any] = []
        waiting: list[int] = []
        for index, item in enumerate(items):
            if self._done >= SLICE or len(waiting) >= TOGETHER:
                await _fill_in(results, waiting)
            if self._done >= SLICE:
                await self._next_slice()
            place = path.add_key(index, None)
            try:
                if self.complete_list_item_value(
                    item, results, item_type, details, info, place, position
                ):
                    waiting.append(index)
            except Exception:
                self.settle_in_background([results[index] for index in waiting])
                raise
        await _fill_in(results, waiting)
        return results

    async def _next_slice(self) -> None:
        await self.context_value.services.long_work.turn()
        self._done = 0


async def _fill_in(results: list[Any], waiting: list[int]) -> None:
    """Await the results at the waiting indexes, put them in place, and clear the indexes."""
    awaited = await gather_with_cancel(*(results[index] for index in waiting))
    for index, result in zip(waiting, awaited, strict=True):
        results[index] = result
    waiting.clear()

"""The realized profit of positions at the start of a day, to subtract for the day's own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.domain.portfolio.positions import Position, PositionKey, booked
from app.services.reads import View
from app.storage.fills import FillState

# Small, so that adding up a batch does not hold up the event loop for long.
BATCH = 250


@dataclass(frozen=True, kw_only=True, slots=True)
class _Opening:
    state: FillState
    realized: Decimal


class RealizedToday:
    """Adds up the fills before the day, and remembers the sum until one of them changes."""

    def __init__(self) -> None:
        self._known: dict[PositionKey, _Opening] = {}

    async def realized(
        self, view: View, positions: Iterable[Position], began: datetime
    ) -> Mapping[PositionKey, Decimal]:
        return {held.key: await self._realized(view, held, began) for held in positions}

    async def _realized(self, view: View, position: Position, began: datetime) -> Decimal:
        if position.updated_at < began:
            return position.holding.realized
        state = await view.state_behind(position.key, began)
        known = self._known.get(position.key)
        if known is None or known.state != state:
            realized = await _realized_until(view, position.key, began)
            known = _Opening(state=state, realized=realized)
            self._known[position.key] = known
        return known.realized


async def _realized_until(view: View, key: PositionKey, until: datetime) -> Decimal:
    position = Position(key=key, updated_at=until)
    async for fills in view.fills_behind(key, until, size=BATCH):
        position = booked(position, fills).position
    return position.holding.realized

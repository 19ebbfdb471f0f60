"""What positions had realized when a day began."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.domain.portfolio.positions import Position, PositionKey, booked
from app.services.reads import View
from app.storage.fills import FillState

# So few that nobody else waits long while they are added up.
BATCH = 250


@dataclass(frozen=True, kw_only=True, slots=True)
class _Opening:
    state: FillState
    realized: Decimal


class RealizedToday:
    """Added up from the fills before the day, once, as long as nothing changes in them."""

    def __init__(self) -> None:
        self._known: dict[PositionKey, _Opening] = {}

    async def realized(
        self, view: View, positions: Iterable[Position], began: datetime
    ) -> Mapping[PositionKey, Decimal]:
        return {one.key: await self._realized(view, one, began) for one in positions}

    async def _realized(self, view: View, position: Position, began: datetime) -> Decimal:
        if position.updated_at < began:
            return position.holding.realized
        state = await view.state_behind(position.key, began)
        known = self._known.get(position.key)
        if known is None or known.state != state:
            realized = await _added_up(view, position.key, began)
            known = _Opening(state=state, realized=realized)
            self._known[position.key] = known
        return known.realized


async def _added_up(view: View, key: PositionKey, until: datetime) -> Decimal:
    position = Position(key=key, updated_at=until)
    async for fills in view.fills_behind(key, until, size=BATCH):
        position = booked(position, fills).position
    return position.holding.realized

"""Strategies that the bot can be given."""

from typing import cast

import strawberry

from app.strategies import catalog
from schema.context import Info
from schema.scalars import JSON


@strawberry.type
class StrategyInfo:
    name: str
    description: str
    parameters: JSON

    @classmethod
    def of(cls, info: catalog.StrategyInfo) -> "StrategyInfo":
        return cls(
            name=info.name,
            description=info.description,
            parameters=cast("JSON", dict(info.parameters)),
        )


async def list_strategies(info: Info) -> list[StrategyInfo]:
    return [StrategyInfo.of(one) for one in await info.context.services.strategies.strategies()]

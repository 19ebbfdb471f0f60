"""The strategies that the bot can run, with the JSON Schema of their parameters."""

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
    strategies = await info.context.services.strategies.strategies()
    return [StrategyInfo.of(strategy) for strategy in strategies]

"""The positions that exchanges keep by themselves, asked for where there can be any."""

from collections.abc import Sequence

from app.domain.portfolio.exposures import Exposure
from app.services.accounts import AccountEntry


async def told_exposures(account: AccountEntry) -> Sequence[Exposure] | None:
    """None where the exchange keeps none, and fills are all that can be known."""
    gateway = account.gateway
    return await gateway.exposures() if gateway.capabilities.positions else None

"""What a key of OKX may do, and keys that it refuses."""

import pytest

from app.errors import ExchangeRejected
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.at.okx import trading
from tests.support.exchanges.rigs import an_intent


@pytest.mark.parametrize("can_trade", [True, False])
@pytest.mark.parametrize("can_withdraw", [True, False])
@pytest.mark.parametrize("is_ip_bound", [True, False])
async def test_the_rights_of_a_key_are_told(
    *, can_trade: bool, can_withdraw: bool, is_ip_bound: bool
) -> None:
    async with trading(ManualClock(START)) as desk:
        desk.account.can_trade = can_trade
        desk.account.can_withdraw = can_withdraw
        desk.account.is_ip_bound = is_ip_bound
        check = await desk.gateway.examine()
    assert check.problems == ()
    assert (check.can_trade, check.can_withdraw, check.key_is_ip_bound) == (
        can_trade,
        can_withdraw,
        is_ip_bound,
    )


async def test_a_revoked_key_is_a_plain_no_and_is_told_until_it_works_again() -> None:
    async with trading(ManualClock(START)) as desk:
        desk.account.is_revoked = True
        with pytest.raises(ExchangeRejected, match="refuses the key"):
            await desk.gateway.submit(an_intent())
        assert "refuses the key" in (desk.gateway.connection.detail or "")
        assert desk.venue.orders(desk.account) == []
        desk.account.is_revoked = False
        await desk.gateway.balances()
        assert desk.gateway.connection.detail is None

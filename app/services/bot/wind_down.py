"""The wind-down of a stopped bot: cancels its orders and closes its positions, as asked for."""

from collections.abc import Mapping
from dataclasses import replace

import structlog

from app.domain import money
from app.domain.bot.bot import StopOptions
from app.domain.markets.dust import tradable
from app.domain.markets.markets import Market
from app.domain.order_kinds import OrderSide, OrderSource
from app.domain.orders.closing import closing_order
from app.domain.orders.filters import OrderFilter
from app.domain.orders.order import Order
from app.domain.portfolio.positions import Position
from app.errors import Denied, ExchangeError
from app.primitives.lanes import Lanes, side_by_side
from app.services.accounts import AccountService
from app.services.bot.unsettled import NotSettled, require_settled
from app.services.orders.service import ORDERS_AT_ONCE, OrderService, Placement
from app.storage.database import Database, Transaction

_logger = structlog.get_logger(__name__)


class BotWindDown:
    """Cancels and closes what belongs to the bot, and nothing else."""

    def __init__(self, database: Database, accounts: AccountService, orders: OrderService) -> None:
        self._database = database
        self._accounts = accounts
        self._orders = orders

    async def carry_out(self, wish: StopOptions, account: str | None) -> list[str]:
        """Carry out the stop options; returns in words what could not be done."""
        if account is None:
            return []
        failed: list[str] = []
        if wish.cancel_open_orders:
            failed += await self._cancel(account)
        if wish.close_positions:
            failed += await self._close(account)
        return failed

    async def _cancel(self, account: str) -> list[str]:
        mine = OrderFilter(
            accounts=frozenset({account}), sources=frozenset({OrderSource.BOT}), open=True
        )
        canceled, failed = await self._orders.cancel_all(mine)
        _logger.info("bot.canceled", orders=len(canceled), failed=len(failed))
        return [denied.refusal.message for denied in failed]

    async def _close(self, account: str) -> list[str]:
        async with self._database.snapshot() as view:
            held = await view.bots.holdings(account)
        try:
            markets = await self._accounts.get(account).gateway.markets()
        except ExchangeError as error:
            return [str(error)]
        lanes = Lanes(ORDERS_AT_ONCE)
        failures = await side_by_side(
            self._sell(lanes, markets, strategy, position) for strategy, position in held
        )
        return [failure for failure in failures if failure is not None]

    async def _sell(
        self, lanes: Lanes, markets: Mapping[str, Market], strategy: str, position: Position
    ) -> str | None:
        """Sell what a strategy holds of a market; returns why it could not be sold, or None."""
        symbol = position.key.symbol
        amount = tradable(position.holding.amount, markets.get(symbol))
        if amount <= money.ZERO:
            return None
        name = self._orders.new_client_order_id()
        closing = closing_order(position.key, OrderSide.SELL, amount, name)
        request = replace(closing, source=OrderSource.BOT, strategy=strategy)

        async def check(tx: Transaction, placed: Order) -> None:
            await require_settled(tx, placed, position.holding)

        placement = Placement(is_closing=True, alongside=check)
        try:
            async with lanes.turn(symbol):
                await self._orders.place(request, placement=placement)
        except NotSettled as error:
            return f"{symbol} of {strategy} was not sold: {error}"
        except Denied as denied:
            return f"{symbol} of {strategy}: {denied.refusal.message}"
        return None

"""What a stop of the bot was wished to do besides: cancel its orders, close its positions."""

from decimal import Decimal

import structlog

from app.domain import money
from app.domain.bot.bot import StopOptions
from app.domain.order_kinds import OrderSide, OrderSource, OrderType, PositionType
from app.domain.orders.filters import OrderFilter
from app.domain.orders.requests import OrderRequest
from app.domain.portfolio.positions import Position
from app.errors import Denied, ExchangeError
from app.services.accounts import AccountService
from app.services.orders.service import OrderService, Placement
from app.storage.database import Database

_logger = structlog.get_logger(__name__)


class BotWindDown:
    """Cancels and closes what is the bot's own, and nobody else's."""

    def __init__(self, database: Database, accounts: AccountService, orders: OrderService) -> None:
        self._database = database
        self._accounts = accounts
        self._orders = orders

    async def carry_out(self, wish: StopOptions, account: str | None) -> list[str]:
        """Why what could not be done was not."""
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
        failed = []
        for strategy, position in held:
            market = markets.get(position.key.symbol)
            step = None if market is None else market.amount_step
            request = _closing(strategy, position, step, self._orders.new_client_order_id())
            if request is None:
                continue
            try:
                await self._orders.place(request, placement=Placement(is_closing=True))
            except Denied as denied:
                failed.append(f"{position.key.symbol} of {strategy}: {denied.refusal.message}")
        return failed


def _closing(
    strategy: str, position: Position, step: Decimal | None, client_order_id: str
) -> OrderRequest | None:
    amount = position.holding.amount
    if step is not None:
        amount = money.floor_to_step(amount, step)
    if amount <= money.ZERO:
        return None
    return OrderRequest(
        account=position.key.account,
        client_order_id=client_order_id,
        symbol=position.key.symbol,
        side=OrderSide.SELL,
        type=OrderType.MARKET,
        amount=amount,
        position_type=PositionType.SPOT,
        source=OrderSource.BOT,
        strategy=strategy,
    )

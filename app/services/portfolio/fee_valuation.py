"""Values fees paid in other currencies, after the fill, and books them into positions once."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import structlog

from app.bus import Bus, Topic
from app.domain import money
from app.domain.fills import Fill
from app.domain.markets.candles import CandleRequest
from app.domain.portfolio.positions import PositionKey, assets_of
from app.errors import ExchangeError
from app.ports import Clock
from app.services.accounts import AccountService
from app.services.orders import position_bookkeeping
from app.storage.database import Database

# Fees of new fills are announced; those that could not be valued are tried again this often.
RETRY_SECONDS = 60.0
BATCH = 50
_TIMEFRAME = "1m"
_MINUTE = timedelta(minutes=1)

_logger = structlog.get_logger(__name__)


class FeeValuer:
    """Values a fee at the candle of its minute, in the market from its currency to the quote."""

    def __init__(
        self, database: Database, accounts: AccountService, bus: Bus, clock: Clock
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._bus = bus
        self._clock = clock

    async def run(self) -> None:
        with self._bus.listen(Topic.FEES) as listener:
            while True:
                await self.value_all()
                try:
                    async with self._clock.timeout(RETRY_SECONDS):
                        await listener.wait()
                except TimeoutError:
                    continue

    async def value_all(self) -> None:
        """Value the fees of each position; a failure is logged and the next position follows."""
        async with self._database.snapshot() as view:
            waiting = await view.positions.unvalued()
        for key in waiting:
            try:
                await self._value(key)
            except (ExchangeError, TimeoutError) as error:
                _logger.info("fees.unvalued", position=key.name, error=repr(error))

    async def _value(self, key: PositionKey) -> None:
        after = ""
        while fills := await self._awaiting(key, after):
            after = fills[-1].id
            values = {
                fill.id: value
                for fill in fills
                if (value := await self._value_of(fill)) is not None
            }
            if values:
                async with self._database.transaction() as tx:
                    await position_bookkeeping.value_fees(tx, key, values)
                    tx.announce(Topic.FEED)

    async def _awaiting(self, key: PositionKey, after: str) -> Sequence[Fill]:
        async with self._database.snapshot() as view:
            return await view.fills.awaiting_value(key, after=after, limit=BATCH)

    async def _value_of(self, fill: Fill) -> Decimal | None:
        """Returns None if no market connects the fee's currency and the quote."""
        assert fill.fee is not None  # noqa: S101 - only fills with a fee get here
        currency, amount = fill.fee.currency, fill.fee.amount
        _, quote = assets_of(fill.symbol)
        price = await self._price(fill, f"{currency}/{quote}")
        if price is not None:
            return money.multiply(amount, price)
        price = await self._price(fill, f"{quote}/{currency}")
        return None if price is None else money.divide(amount, price)

    async def _price(self, fill: Fill, symbol: str) -> Decimal | None:
        """The price in the minute of the fill, or None if the account has no such market."""
        account = self._accounts.get(fill.account)
        if symbol not in await account.gateway.markets():
            return None
        since = fill.at - _MINUTE
        asked = CandleRequest(symbol=symbol, timeframe=_TIMEFRAME, since=since, limit=2)
        async with self._clock.timeout(account.answer_seconds):
            candles = await account.gateway.candles(asked)
        before = [candle for candle in candles if candle.at <= fill.at]
        return before[-1].close if before else None

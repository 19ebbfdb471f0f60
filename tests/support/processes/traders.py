"""Clients that place orders of every kind through the API, and cancel some of them."""

import asyncio
import random
from collections.abc import Callable
from decimal import Decimal

from app.domain import money
from tests.support.processes.clients import ApiClient, Data
from tests.support.processes.kills import Acknowledged
from tests.support.processes.markets import SYMBOLS, Market
from tests.support.venues.engine.tape import Quote

REFUSED_SECONDS = 0.2
_CENT = Decimal("0.01")
_AMOUNTS = {"BTC/USDT": ("0.004", "0.01", "0.03"), "ETH/USDT": ("0.08", "0.2", "0.6")}
_CANCELED_SHARE = 0.5

Kind = Callable[[Quote, str], Data]


class VenueTrader:
    """A client that waits for each answer before it places its next order."""

    def __init__(
        self, api: ApiClient, market: Market, name: str, acknowledged: Acknowledged
    ) -> None:
        self._api = api
        self._market = market
        self._name = name
        self._acknowledged = acknowledged
        self._chance = random.Random(name)

    async def trade(self, until: asyncio.Event) -> None:
        number = 0
        while not until.is_set():
            number += 1
            order = await self._place(f"{self._name}-{number}")
            if order is None:
                # Orders are refused while the exchange cannot be reached.
                await asyncio.sleep(REFUSED_SECONDS)
            elif self._chance.random() < _CANCELED_SHARE:
                await self._cancel(order)

    async def _place(self, client_order_id: str) -> Data | None:
        symbol = self._chance.choice(list(SYMBOLS))
        side = self._chance.choice(("BUY", "SELL"))
        kind = self._chance.choice(KINDS)
        answer = await self._api.place(
            clientOrderId=client_order_id,
            symbol=symbol,
            side=side,
            amount=self._chance.choice(_AMOUNTS[symbol]),
            **kind(self._market.quote(symbol), side),
        )
        if answer.order is None:
            self._acknowledged.denied[client_order_id] = str(answer.refusal)
        else:
            self._acknowledged.orders[client_order_id].append(answer.order)
        return answer.order

    async def _cancel(self, order: Data) -> None:
        result = await self._api.cancel(order["id"])
        acknowledged = result.get("order") or result["existingOrder"]
        self._acknowledged.orders[order["clientOrderId"]].append(acknowledged)


def _away(quote: Quote, side: str, percent: str) -> str:
    """A price that is this far from crossing the market; a negative percentage crosses it."""
    share = Decimal(percent) / 100
    if side == "BUY":
        share = -share
    price = quote.bid if side == "BUY" else quote.ask
    return money.plain(money.floor_to_step(money.multiply(price, 1 + share), _CENT))


def _market(_: Quote, __: str) -> Data:
    return {"type": "MARKET"}


def _limit(percent: str, **terms: str) -> Kind:
    def kind(quote: Quote, side: str) -> Data:
        return {"type": "LIMIT", "price": _away(quote, side, percent), **terms}

    return kind


def _triggered(type: str, percent: str) -> Kind:
    """An order with a trigger; its limit, if it has one, is a little worse than the market."""

    def kind(quote: Quote, side: str) -> Data:
        limits = {"price": _away(quote, side, "-0.2")} if type.endswith("LIMIT") else {}
        return {"type": type, "triggerPrice": _away(quote, side, percent), **limits}

    return kind


KINDS: tuple[Kind, ...] = (
    _market,
    _market,
    _limit("0.02"),
    _limit("0.05"),
    _limit("0.1"),
    _limit("10", timeInForce="POST_ONLY"),
    _limit("-1"),
    _limit("-1", timeInForce="IOC"),
    _limit("-1", timeInForce="FOK"),
    # Refused by the exchange.
    _limit("-1", timeInForce="POST_ONLY"),
    _triggered("STOP_MARKET", "-0.1"),
    _triggered("STOP_LIMIT", "-0.1"),
    _triggered("TAKE_PROFIT_MARKET", "0.1"),
    _triggered("TAKE_PROFIT_LIMIT", "0.1"),
)

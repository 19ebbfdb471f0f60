"""What a real exchange's answers prove of an order, and what they do not."""

from tests.api.orders.test_reconcile import reconcile
from tests.api.real.real_trading import Trading
from tests.support.api.clients import Data
from tests.support.api.trading import CANCEL, WAITING, place
from tests.support.venues.engine.accounts import Commission
from tests.support.venues.engine.orders import NewOrder, Side, Type
from tests.support.venues.serving import faults
from tests.support.venues.serving.deliveries import Delivery
from tests.support.venues.serving.requests import RequestKind

RESTING = {**WAITING, "price": "40000", "amount": "0.001"}
ORDERS = "{ orders { nodes { clientOrderId status source exchangeOrderId } } }"
HELD = "{ positions { nodes { symbol amount } } }"
NOT_FOUND_MILLISECONDS = 15_000


async def orders(trading: Trading) -> list[Data]:
    found: list[Data] = (await trading.client.ask(ORDERS))["orders"]["nodes"]
    return found


async def test_an_order_is_rejected_only_after_it_was_not_found_twice(trading: Trading) -> None:
    trading.venue.faults.on(RequestKind.CREATE_ORDER, faults.CUT)
    placed = await place(trading.client, RESTING, clientOrderId="lost")
    assert placed["status"] == "IN_DOUBT"
    sent_at = trading.venue.now()
    seen = await trading.until_order("lost", "REJECTED")
    assert seen["filled"] == "0"
    late = [
        request
        for request in trading.venue.journal.of(RequestKind.FETCH_ORDER)
        if request.at - sent_at >= NOT_FOUND_MILLISECONDS
    ]
    assert len(late) >= 2


async def test_an_order_of_others_under_our_wire_id_is_not_ours(trading: Trading) -> None:
    """The exchange allows it once ours is closed."""
    mine = await place(trading.client, RESTING, clientOrderId="mine")
    await trading.client.ask(CANCEL, input={"id": mine["id"]})
    [held] = trading.venue.orders(trading.account)
    listing = trading.venue.books.listings["BTCUSDT"]
    copied = NewOrder(
        client_order_id=held.client_order_id,
        side=Side.BUY,
        type=Type.LIMIT,
        amount=listing.step * 200,
        price=listing.price - 10_000,
    )
    theirs = trading.venue.matching.place(copied, trading.account.name, listing)
    await reconcile(trading.client, "main")
    found = {one["source"]: one for one in await orders(trading)}
    assert found["API"]["status"] == "CANCELED"
    assert found["API"]["exchangeOrderId"] == str(held.id)
    assert found["EXTERNAL"]["status"] == "OPEN"
    assert found["EXTERNAL"]["exchangeOrderId"] == str(theirs.id)


async def test_what_an_exchange_shows_late_is_found_by_the_next_look(trading: Trading) -> None:
    """Each look at closed orders goes back a little further than the one before."""
    trading.venue.user_streams.delivery = Delivery.NEVER
    await place(trading.client, RESTING)
    await reconcile(trading.client, "main")
    trading.venue.hide_new_orders(20)
    elsewhere = trading.venue.place_elsewhere(trading.account, "BTCUSDT", "BUY", "1", "20000")
    trading.venue.cancel(elsewhere.id)
    await trading.clock.advance(5)
    await reconcile(trading.client, "main")
    assert len(await orders(trading)) == 1
    await trading.clock.advance(20)
    await reconcile(trading.client, "main")
    assert [one["source"] for one in await orders(trading)] == ["EXTERNAL", "API"]


async def test_a_fee_in_base_leaves_the_position(trading: Trading) -> None:
    trading.account.commission = Commission.BASE
    await place(trading.client, symbol="ETH/USDT", amount="1")
    held = (await trading.client.ask(HELD))["positions"]["nodes"]
    assert {"symbol": "ETH/USDT", "amount": "0.999"} in held

from decimal import Decimal

from app.errors import Refusal, RefusalCode
from app.exchanges.paper.faults import Call, Faults
from tests.conftest import on_each_database
from tests.support.api.clients import Client
from tests.support.api.trading import MARKET, READ, WAITING, answer, names, place, price_of, refusal


@on_each_database
async def test_a_market_order_is_filled_and_read_back_the_same(client: Client) -> None:
    placed = await answer(client, MARKET, clientOrderId="mine", metadata={"why": ["not", 1]})
    assert placed["replayed"] is False
    order = (await client.ask(READ, id=placed["order"]["id"]))["order"]
    assert (
        order.items()
        >= {
            **{key: value for key, value in placed["order"].items() if not isinstance(value, dict)},
            "clientOrderId": "mine",
            "status": "FILLED",
            "isOpen": False,
            "filled": "0.001",
            "remaining": "0",
            "price": None,
            "timeInForce": "GTC",
            "positionType": "SPOT",
            "source": "API",
            "metadata": {"why": ["not", 1]},
            "refusal": None,
        }.items()
    )
    [fill] = order["fills"]["nodes"]
    assert Decimal(order["cost"]) == Decimal(fill["price"]) * Decimal(fill["amount"])
    assert [update["kind"] for update in order["history"]["nodes"]] == [
        "SUBMITTED", "ACCEPTED", "FILL",
    ]  # fmt: skip


async def test_a_limit_away_from_the_market_waits_or_expires(client: Client) -> None:
    for time_in_force, status in {
        "GTC": "OPEN",
        "IOC": "EXPIRED",
        "FOK": "EXPIRED",
        "POST_ONLY": "OPEN",
    }.items():
        order = await place(client, WAITING, timeInForce=time_in_force)
        assert (order["status"], order["timeInForce"]) == (status, time_in_force)
        assert (order["filled"], order["price"]) == ("0", "1000")


async def test_a_limit_through_the_market_fills_at_the_better_price(client: Client) -> None:
    for time_in_force in ("GTC", "IOC", "FOK"):
        wanted = {"type": "LIMIT", "price": "200000", "timeInForce": time_in_force}
        order = await place(client, MARKET, **wanted)
        assert order["status"] == "FILLED"
        assert Decimal(order["averagePrice"]) < Decimal(200_000)


async def test_a_market_order_takes_gtc_and_ioc(client: Client) -> None:
    for time_in_force in ("GTC", "IOC"):
        order = await place(client, MARKET, timeInForce=time_in_force)
        assert (order["status"], order["timeInForce"]) == ("FILLED", time_in_force)


async def test_post_only_through_the_market_is_kept_as_rejected_and_told_the_same_again(
    client: Client,
) -> None:
    wanted = {"type": "LIMIT", "price": "200000", "timeInForce": "POST_ONLY"}
    first = await refusal(client, MARKET, clientOrderId="maker", **wanted)
    assert first["code"] == "REJECTED_BY_EXCHANGE"
    assert first["field"] == ["input", "price"]
    assert first["existingOrder"]["status"] == "REJECTED"
    assert await refusal(client, MARKET, clientOrderId="maker", **wanted) == first


@on_each_database
async def test_a_repeat_gives_back_the_first_order_however_it_is_written(client: Client) -> None:
    first = await place(client, WAITING, clientOrderId="again", metadata={"a": 1, "b": 2})
    repeat = {
        "amount": "0.0100",
        "timeInForce": "GTC",
        "reduceOnly": False,
        "positionType": "SPOT",
        "account": "paper",
        "metadata": {"b": 2, "a": 1},
    }
    again = await answer(client, WAITING, clientOrderId="again", **repeat)
    assert again["replayed"] is True
    assert again["order"]["id"] == first["id"]
    assert await names(client) == {"again"}


OTHER_INPUT: list[dict[str, object]] = [
    {"amount": "0.02"},
    {"price": "1001"},
    {"side": "SELL"},
    {"timeInForce": "POST_ONLY"},
    {"metadata": {"a": 1}},
    {"symbol": "BTC/USD"},
]


async def test_other_input_under_the_same_id_is_a_conflict(client: Client) -> None:
    first = await place(client, WAITING, clientOrderId="same")
    for change in OTHER_INPUT:
        told = await refusal(client, WAITING, clientOrderId="same", **change)
        assert told["code"] == "IDEMPOTENCY_CONFLICT"
        assert told["field"] == ["input", "clientOrderId"]
        assert told["retryable"] is False
        assert told["existingOrder"]["id"] == first["id"]
    assert await names(client) == {"same"}


async def test_without_an_id_each_request_is_an_order_of_its_own(client: Client) -> None:
    made = [await place(client, WAITING) for _ in range(2)]
    assert len({order["clientOrderId"] for order in made}) == 2
    assert len({order["id"] for order in made}) == 2


async def test_amounts_are_exact_to_the_last_place(client: Client) -> None:
    order = await place(client, WAITING, amount="0.10000", price="1000.10")
    assert (order["amount"], order["price"]) == ("0.1", "1000.1")
    told = await refusal(client, WAITING, amount="0.30000000000000004")
    assert told["code"] == "PRECISION"
    assert "0.30000000000000004" in told["message"]


async def test_a_reduction_sells_what_was_bought(client: Client) -> None:
    await place(client)
    sold = await place(client, MARKET, side="SELL", reduceOnly=True)
    assert (sold["status"], sold["reduceOnly"]) == ("FILLED", True)


async def test_a_lost_answer_is_a_success_in_doubt(client: Client, faults: Faults) -> None:
    faults.lost_after = {Call.SUBMIT}
    faults.news_copies = 0
    faults.unavailable = {Call.FIND}
    order = await place(client, clientOrderId="doubt")
    assert (order["status"], order["isOpen"]) == ("IN_DOUBT", True)


async def test_what_the_exchange_refuses_is_kept_as_rejected(
    client: Client, faults: Faults
) -> None:
    faults.refusal = Refusal(
        code=RefusalCode.RATE_LIMITED, message="not so fast", field=("amount",), retryable=True
    )
    told = await refusal(client, clientOrderId="no")
    assert (told["code"], told["message"]) == ("RATE_LIMITED", "not so fast")
    assert (told["field"], told["retryable"]) == (["input", "amount"], True)
    order = (await client.ask(READ, id=told["existingOrder"]["id"]))["order"]
    assert order["status"] == "REJECTED"
    assert (order["refusal"]["code"], order["refusal"]["field"]) == ("RATE_LIMITED", ["amount"])


async def test_an_order_is_found_by_its_clients_id(client: Client) -> None:
    placed = await place(client, WAITING, clientOrderId="mine")
    find = "query ($it: String, $account: String) { order(clientOrderId: $it, account: $account) {"
    for account in (None, "paper"):
        found = await client.ask(f"{find} id }} }}", it="mine", account=account)
        assert found["order"]["id"] == placed["id"]
    assert (await client.ask(f"{find} id }} }}", it="other"))["order"] is None


async def test_the_price_is_that_of_the_ticker(client: Client) -> None:
    price = await price_of(client)
    order = await place(client)
    assert order["averagePrice"] == str(price + Decimal("0.01"))

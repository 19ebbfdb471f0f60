"""What an account is worth, as a client reads and watches it."""

from decimal import Decimal

import pytest

from app.exchanges.paper.faults import Faults
from tests.api.access.test_tokens import make_token
from tests.api.conftest import Api, Serve, on_shared
from tests.support.api.clients import Client, Data, Socket
from tests.support.api.trading import WAITING, place, price_of
from tests.support.clock import ManualClock

FIELDS = """{
  id asOf currency equity cash unrealizedPnl realizedPnl realizedPnlToday drawdownPercent
  account { name } problems { subject code message }
  balances { asset free used total value } allocation { asset value percent }
  equityCurve(points: 10) { at equity }
  performance { trades wins losses winRatePercent profitFactor averageWin averageLoss
    maxDrawdownPercent sharpe fees }
}"""
PORTFOLIO = f"""query ($account: String, $currency: String) {{
  portfolio(account: $account, currency: $currency) {FIELDS}
}}"""
UPDATES = f"""subscription ($account: String, $currency: String) {{
  portfolioUpdates(account: $account, currency: $currency) {FIELDS}
}}"""
MONEY = "{ asOf equity cash unrealizedPnl balances { asset value } allocation { asset percent } }"
HELD = "{ asOf nodes { markPrice markPriceAt notional unrealizedPnl } }"
TOGETHER = """{
  portfolio { asOf realizedPnl unrealizedPnl balances { asset total value } }
  orders { asOf totalCount }
  positions { asOf nodes { amount notional realizedPnl unrealizedPnl } }
}"""


async def portfolio(client: Client, **given: object) -> Data:
    told: Data = (await client.ask(PORTFOLIO, **given))["portfolio"]
    return told


@on_shared
async def test_a_new_account_has_its_cash_and_has_not_traded(shared_client: Client) -> None:
    told = await portfolio(shared_client)
    assert (told["account"], told["currency"]) == ({"name": "paper"}, "USDT")
    assert told["equity"] == told["cash"] == "10000"
    assert told["balances"] == [
        {"asset": "USDT", "free": "10000", "used": "0", "total": "10000", "value": "10000"}
    ]
    assert told["allocation"] == [{"asset": "USDT", "value": "10000", "percent": "100"}]
    assert told["realizedPnl"] == told["unrealizedPnl"] == told["realizedPnlToday"] == "0"
    assert told["problems"] == []
    assert told["performance"] == {
        **dict.fromkeys(["trades", "wins", "losses"], 0),
        **dict.fromkeys(["winRatePercent", "profitFactor", "averageWin", "averageLoss", "sharpe"]),
        **dict.fromkeys(["maxDrawdownPercent", "fees"], "0"),
    }


async def test_what_orders_hold_back_is_still_held(client: Client) -> None:
    await place(client, WAITING)
    [cash] = (await portfolio(client))["balances"]
    assert (cash["total"], cash["used"]) == ("10000", "10.01")
    assert Decimal(cash["free"]) == Decimal(10000) - Decimal(cash["used"])


async def test_all_of_one_document_is_of_one_instant_and_fits_together(client: Client) -> None:
    await place(client, amount="0.02")
    await place(client, amount="0.01", side="SELL")
    told = await client.ask(TOGETHER)
    whole, [held] = told["portfolio"], told["positions"]["nodes"]
    assert whole["asOf"] == told["orders"]["asOf"] == told["positions"]["asOf"]
    assert {one["asset"]: one["total"] for one in whole["balances"]}["BTC"] == held["amount"]
    assert {one["asset"]: one["value"] for one in whole["balances"]}["BTC"] == held["notional"]
    assert whole["realizedPnl"] == held["realizedPnl"]
    assert whole["unrealizedPnl"] == held["unrealizedPnl"]


async def test_a_portfolio_is_told_in_any_currency_that_markets_lead_to(client: Client) -> None:
    await place(client, amount="0.02")
    in_dollars, in_ether = (
        await portfolio(client, currency="USD"),
        await portfolio(client, currency="ETH"),
    )
    price, ether = await price_of(client, "BTC/USD"), await price_of(client, "ETH/USDT")
    values = {one["asset"]: Decimal(one["value"]) for one in in_dollars["balances"]}
    assert values["BTC"] == Decimal("0.02") * price
    assert Decimal(in_dollars["equity"]) == sum(values.values())
    in_usdt = Decimal((await portfolio(client))["equity"])
    assert abs(Decimal(in_ether["equity"]) - in_usdt / ether) < Decimal("1e-15")
    assert [one["code"] for one in in_ether["problems"]] == ["TODAYS_RATE"]
    assert len({in_dollars["id"], in_ether["id"]}) == 2


async def test_each_account_has_its_own_portfolio_and_a_token_sees_its_own(serve: Serve) -> None:
    api = await serve(accounts__one__exchange="paper", accounts__two__exchange="paper")
    client = api.client()
    await place(client, account="one", amount="0.02")
    assert (await portfolio(client, account="two"))["equity"] == "10000"
    assert (await portfolio(client, account="one"))["equity"] != "10000"
    _, nameless = await client.refused(PORTFOLIO)
    assert nameless == {"code": "BAD_USER_INPUT", "field": ["account"]}
    limited = api.client(await make_token(client, scopes=["READ"], accountNames=["two"]))
    assert (await portfolio(limited))["account"] == {"name": "two"}


@on_shared
@pytest.mark.parametrize("currency", ["DOGE", "usdt", "", "x" * 300, "\x00"])
async def test_an_unknown_currency_is_refused_with_those_that_can_be_named(
    shared_client: Client, currency: str
) -> None:
    message, extensions = await shared_client.refused(PORTFOLIO, currency=currency)
    assert (extensions["code"], extensions["field"]) == ("BAD_USER_INPUT", ["currency"])
    if currency.isprintable() and len(currency) < 200:
        assert extensions["reason"] == "INVALID_INPUT"
        assert message.endswith("it may be USDT, USD, BTC, ETH, SOL")
        assert not currency or currency not in message.split()


@on_shared
async def test_an_unknown_account_is_refused(shared_client: Client) -> None:
    _, extensions = await shared_client.refused(PORTFOLIO, account="none")
    assert extensions == {
        "code": "BAD_USER_INPUT", "reason": "UNKNOWN_ACCOUNT", "field": ["account"],
    }  # fmt: skip


@on_shared
@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ('equityCurve(since: "2026-01-06T00:00:00Z") { at }', "since"),
        ('equityCurve(since: "2026-01-05T12:00:00Z", until: "2026-01-05T11:00:00Z") {at}', "until"),
        ("equityCurve(points: 0) { at }", "points"),
        ("equityCurve(points: -1) { at }", "points"),
        ("equityCurve(points: 1000000) { at }", "points"),
        ('performance(since: "2030-01-01T00:00:00Z") { trades }', "since"),
    ],
)  # fmt: skip
async def test_a_part_of_time_that_cannot_be_is_refused(
    shared_client: Client, asked: str, field: str
) -> None:
    _, extensions = await shared_client.refused(f"{{ portfolio {{ {asked} }} }}")
    assert extensions == {
        "code": "BAD_USER_INPUT", "reason": "INVALID_INPUT", "field": [field],
    }  # fmt: skip


@on_shared
async def test_an_explicit_null_is_the_default(shared_client: Client) -> None:
    asked = """{ portfolio(account: null, currency: null) {
      currency equityCurve(since: null, until: null, points: null) { at } performance(since: null)
      { trades }
    } }"""
    assert (await shared_client.ask(asked))["portfolio"]["currency"] == "USDT"


async def test_who_watches_sees_the_present_state_and_then_what_changes(
    client: Client, socket: Socket, clock: ManualClock
) -> None:
    await socket.subscribe("1", UPDATES)
    first = (await socket.hear_data("1"))["portfolioUpdates"]
    assert first["equity"] == "10000"
    order = await place(client, amount="0.02")
    await clock.advance(0.2)
    after = (await socket.hear_data("1"))["portfolioUpdates"]
    paid = Decimal(order["cost"]) * Decimal("1.001")
    assert Decimal(after["cash"]) == Decimal(10000) - paid
    assert after["asOf"] != first["asOf"]


async def test_a_price_that_moves_is_seen_at_once_though_nothing_was_traded(
    client: Client, socket: Socket, clock: ManualClock
) -> None:
    await place(client, amount="0.02")
    await socket.subscribe("money", f"subscription {{ portfolioUpdates {MONEY} }}")
    await socket.subscribe("held", f"subscription {{ positionUpdates {HELD} }}")
    before = await heard_of_both(socket)
    for _ in range(3):
        # One tick of the paper exchange.
        await clock.advance(0.25)
        told = await heard_of_both(socket)
        assert told == await client.ask(f"{{ portfolio {MONEY} positions {HELD} }}")
        assert told["portfolio"]["equity"] != before["portfolio"]["equity"]
        before = told


async def heard_of_both(socket: Socket) -> Data:
    """The next message of each subscription, as a query would have told it."""
    told: Data = {}
    for _ in range(2):
        data = (await socket.hear())["payload"]["data"]
        told |= {name.removesuffix("Updates"): value for name, value in data.items()}
    return {"portfolio": told["portfolio"], "positions": told["position"]}


async def test_what_cannot_be_watched_is_an_error_before_anything_else(socket: Socket) -> None:
    await socket.subscribe("1", UPDATES, currency="DOGE")
    [error] = await socket.hear_error("1")
    assert error["extensions"]["reason"] == "INVALID_INPUT"
    await socket.subscribe("2", UPDATES, account="none")
    [error] = await socket.hear_error("2")
    assert error["extensions"]["reason"] == "UNKNOWN_ACCOUNT"


async def test_an_exchange_out_of_reach_is_said_and_nothing_is_made_up(
    api: Api, client: Client, faults: Faults
) -> None:
    faults.is_disconnected = True
    told = await client.response(PORTFOLIO)
    assert told["data"] == {"portfolio": None}
    assert told["errors"][0]["extensions"]["code"] == "EXCHANGE_UNAVAILABLE"

"""Windows, limits and switches as their users meet them."""

from typing import Any

import pytest

from tests.api.conftest import ADMIN, Api
from tests.support.api.clients import Client, Data
from tests.support.api.documents import everything
from tests.support.api.trading import WAITING, place, refusal
from tests.support.clock import ManualClock

WINDOW = everything("TradingWindow", depth=2)
RISK = everything("Risk", depth=2)
REFUSED = "... on Refusal { code message field }"
CONFIGURE_WINDOW = f"""mutation ($input: TradingWindowInput!) {{
  configureTradingWindow(input: $input) {{
    ... on TradingWindowSuccess {{ tradingWindow {WINDOW} }} {REFUSED}
  }}
}}"""
CONFIGURE_RISK = f"""mutation ($input: RiskLimitsInput!) {{
  configureRisk(input: $input) {{ ... on RiskSuccess {{ risk {RISK} }} {REFUSED} }}
}}"""
HALT = f"""mutation ($reason: String!) {{
  haltTrading(reason: $reason) {{
    risk {RISK} canceled {{ id status }} closing {{ id }} failed {{ code message }}
  }}
}}"""
NINE_TO_FIVE = {"days": ["MONDAY"], "opensAt": "09:00", "closesAt": "17:00"}


async def configured(client: Client, **given: Any) -> Data:
    answer: Data = (await client.ask(CONFIGURE_WINDOW, input=given))["configureTradingWindow"]
    return answer


async def limited(client: Client, **given: Any) -> Data:
    answer: Data = (await client.ask(CONFIGURE_RISK, input=given))["configureRisk"]
    return answer


async def test_what_holds_before_anybody_has_changed_anything(client: Client) -> None:
    told = await client.ask(f"{{ tradingWindow {WINDOW} risk {RISK} }}")
    window, risk = told["tradingWindow"], told["risk"]
    assert {name: window[name] for name in window if name not in {"id", "__typename"}} == {
        "enabled": False,
        "appliesTo": ["API", "BOT"],
        "timezone": "UTC",
        "sessions": [],
        "blackouts": [],
        "maxTradesPerDay": None,
        "maxTradesPerHour": None,
        "cooldownSeconds": 0,
        "dayStartsAt": "00:00",
        "isOpen": True,
        "canTrade": True,
        "reason": None,
        "tradingDay": "2026-01-05",
        "tradesToday": 0,
        "remainingTrades": None,
        "nextOpenAt": None,
        "nextCloseAt": None,
    }
    limits = {name: value for name, value in risk["limits"].items() if name != "__typename"}
    assert set(limits.values()) == {None}
    assert (risk["tradingState"], risk["stateReason"], risk["currency"]) == ("ACTIVE", None, "USDT")
    assert risk["deadManSwitch"] == {
        "__typename": "DeadManSwitch",
        "armed": False,
        "firesAt": None,
    }


async def test_a_field_that_is_left_out_stays_and_null_sets_back(client: Client) -> None:
    """The clock of the test reads noon of a Monday in UTC."""
    given = {"enabled": True, "timezone": "Europe/Berlin", "sessions": [NINE_TO_FIVE]}
    window = (await configured(client, **given, maxTradesPerDay=3))["tradingWindow"]
    assert (window["isOpen"], window["remainingTrades"]) == (True, 3)
    assert window["nextCloseAt"] == "2026-01-05T16:00:00.000Z"
    assert window["nextOpenAt"] == "2026-01-12T08:00:00.000Z"
    window = (await configured(client, maxTradesPerDay=None, timezone=None))["tradingWindow"]
    assert (window["maxTradesPerDay"], window["timezone"]) == (None, "UTC")
    assert [one["opensAt"] for one in window["sessions"]] == ["09:00"]
    risk = (await limited(client, maxOpenOrders=3, allowedSymbols=["BTC/USDT"]))["risk"]
    assert (risk["limits"]["maxOpenOrders"], risk["limits"]["allowedSymbols"]) == (3, ["BTC/USDT"])
    risk = (await limited(client, allowedSymbols=None))["risk"]
    assert (risk["limits"]["maxOpenOrders"], risk["limits"]["allowedSymbols"]) == (3, None)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"timezone": "Mars/Olympus"}, ["input", "timezone"]),
        ({"sessions": [{**NINE_TO_FIVE, "days": []}]}, ["input", "sessions", "0", "days"]),
        ({"sessions": [NINE_TO_FIVE, NINE_TO_FIVE]}, ["input", "sessions", "1"]),
        ({"sessions": [{**NINE_TO_FIVE, "opensAt": "9"}]}, ["input", "sessions", "0", "opensAt"]),
        ({"maxTradesPerDay": -1}, ["input", "maxTradesPerDay"]),
        ({"dayStartsAt": "midnight"}, ["input", "dayStartsAt"]),
    ],
)
async def test_a_window_that_makes_no_sense_is_refused_by_field(
    client: Client, given: Data, field: list[str]
) -> None:
    told = await configured(client, **given)
    assert (told["code"], told["field"]) == ("INVALID_INPUT", field)


async def test_a_limit_below_nothing_is_refused_by_field(client: Client) -> None:
    told = await limited(client, maxOrderNotional="-1")
    assert (told["code"], told["field"]) == ("INVALID_INPUT", ["input", "maxOrderNotional"])


async def test_trades_limits_and_halts_are_told_to_whoever_watches(
    api: Api, client: Client, clock: ManualClock
) -> None:
    async with api.socket() as socket:
        await socket.init(ADMIN)
        await socket.subscribe("w", f"subscription {{ tradingWindowUpdates {WINDOW} }}")
        assert (await socket.hear_data("w"))["tradingWindowUpdates"]["tradesToday"] == 0
        await configured(client, enabled=True, maxTradesPerDay=2)
        await clock.advance(1)
        assert (await socket.hear_data("w"))["tradingWindowUpdates"]["remainingTrades"] == 2
        order = await place(client, WAITING)
        await clock.advance(1)
        assert (await socket.hear_data("w"))["tradingWindowUpdates"]["tradesToday"] == 1
        halted = (await client.ask(HALT, reason="lunch"))["haltTrading"]
    assert [one["id"] for one in halted["canceled"]] == [order["id"]]
    assert (halted["risk"]["tradingState"], halted["risk"]["stateReason"]) == ("HALTED", "lunch")
    told = await refusal(client, WAITING)
    assert (told["code"], told["retryable"]) == ("TRADING_HALTED", True)
    assert "lunch" in told["message"]
    [entry] = (await client.ask("{ auditLog(first: 1) { nodes { action subject actor } } }"))[
        "auditLog"
    ]["nodes"]
    assert entry["action"] == "placeOrder"


async def test_a_halt_without_a_reason_is_bad_input(client: Client) -> None:
    told = await client.response(HALT, reason="")
    [error] = told["errors"]
    assert (error["extensions"]["code"], error["extensions"]["field"]) == (
        "BAD_USER_INPUT",
        ["reason"],
    )

"""Every root field of the schema, asked for everything that it can tell."""

from typing import Any

import pytest

from tests.api.conftest import ADMIN, Api
from tests.support.api.clients import Client, Data
from tests.support.api.documents import calling, every_root_field, root_fields
from tests.support.api.trading import MARKET, WAITING, place

GIVEN: dict[str, dict[str, Any]] = {
    "viewer": {},
    "accounts": {},
    "node": {"id": "$order"},
    "order": {"id": "$order"},
    "orders": {"filter": {"open": False}, "orderBy": "UPDATED_AT_ASC", "first": 5},
    "fills": {"filter": {"symbols": ["BTC/USDT"]}, "first": 5},
    "positions": {"filter": {"symbols": ["BTC/USDT"], "type": "SPOT"}},
    "portfolio": {"account": "paper", "currency": "BTC"},
    "previewOrder": {"input": {**MARKET, "clientOrderId": "new"}},
    "bot": {},
    "risk": {"account": "paper"},
    "strategies": {},
    "tradingWindow": {},
    "auditLog": {"first": 5},
    "tokens": {},
    "markets": {"account": "paper", "search": "btc", "first": 5},
    "ticker": {"symbol": "ETH/USDT", "account": "paper"},
    "tickers": {"symbols": ["ETH/USDT", "BTC/USD"], "account": "paper"},
    "candles": {
        "symbol": "ETH/USDT",
        "timeframe": "5m",
        "since": "2026-01-05T10:00:00Z",
        "limit": 5,
        "account": "paper",
    },
    "orderBook": {"symbol": "ETH/USDT", "depth": 3, "account": "paper"},
    "placeOrder": {"input": {**MARKET, "clientOrderId": "new"}},
    "placeOrders": {"inputs": [{**WAITING, "clientOrderId": "many"}, {**MARKET, "amount": "0"}]},
    "amendOrder": {"input": {"id": "$waiting", "price": "999"}},
    "cancelOrder": {"input": {"clientOrderId": "waiting"}},
    "cancelAllOrders": {"input": {"account": "paper", "sources": ["API"]}},
    "setOrderMetadata": {"id": "$order", "metadata": {"a": 1}},
    "setPositionMetadata": {"id": "$position", "metadata": {"a": 1}},
    "reconcile": {"account": "paper"},
    "startBot": {
        "input": {
            "account": "paper",
            "assignments": [
                {
                    "strategy": "moving-average-cross",
                    "symbol": "BTC/USDT",
                    "timeframe": "1m",
                    "allocation": "100",
                }
            ],
            "cycleSeconds": 60,
        }
    },
    "pauseBot": {},
    "resumeBot": {},
    "stopBot": {"input": {"cancelOpenOrders": True, "closePositions": False}},
    "configureTradingWindow": {
        "input": {
            "timezone": "Europe/Berlin",
            "sessions": [{"days": ["MONDAY"], "opensAt": "09:00", "closesAt": "17:00"}],
            "blackouts": [
                {"from": "2026-12-24T00:00:00Z", "until": "2026-12-27T00:00:00Z", "reason": "rest"}
            ],
        }
    },
    "configureRisk": {"input": {"maxOrderNotional": "1000", "allowedSymbols": ["BTC/USDT"]}},
    "armDeadManSwitch": {"timeoutSeconds": 60},
    "disarmDeadManSwitch": {},
    "reduceTrading": {"reason": "a test"},
    "resumeTrading": {},
    "haltTrading": {"reason": "a test", "closePositions": False},
    "closePosition": {"input": {"id": "$position", "amount": "0.0001"}},
    "createToken": {"input": {"name": "new", "scopes": ["READ"], "accountNames": ["paper"]}},
    "revokeToken": {"id": "$token"},
    "positionUpdates": {"filter": {"account": "paper"}},
    "orderUpdates": {"filter": {"account": "paper"}, "after": "$asOf"},
    "portfolioUpdates": {"account": "paper", "currency": "USDT"},
    "tickerUpdates": {"symbols": ["ETH/USDT"], "account": "paper"},
    "candleUpdates": {"symbol": "ETH/USDT", "timeframe": "1h", "account": "paper"},
    "botUpdates": {},
    "botDecisions": {},
    "riskUpdates": {"account": "paper"},
    "tradingWindowUpdates": {},
    "orderBookUpdates": {"symbol": "ETH/USDT", "depth": 3, "account": "paper"},
}


# What has nothing to tell until something happens: told of where it does.
SILENT = {"botDecisions"}


def test_every_root_field_is_called() -> None:
    assert set(GIVEN) == {name for _, name in every_root_field()}
    for operation, name in every_root_field():
        assert set(GIVEN[name]) <= set(root_fields(operation)[name].args)


async def test_every_root_field_answers_with_all_its_fields(api: Api, client: Client) -> None:
    known = await prepared(client)
    order = list(every_root_field())
    assert order[0][0] == "query"
    for operation, name in order:
        if name in SILENT:
            continue
        variables = {key: filled_in(value, known) for key, value in GIVEN[name].items()}
        document = calling(operation, name)
        if operation == "subscription":
            async with api.socket() as socket:
                await socket.init(ADMIN)
                await socket.subscribe("1", document, **variables)
                data = await socket.hear_data("1")
        else:
            data = await client.ask(document, **variables)
        assert list(data) == [name]
        assert data[name] not in (None, [])
        assert_whole(data[name])


async def prepared(client: Client) -> dict[str, Any]:
    """What there is to be asked for."""
    before = await client.ask("{ orders { asOf } }")
    waiting = await place(client, WAITING, clientOrderId="waiting")
    order = await place(client, clientOrderId="filled")
    made = await client.ask(
        """mutation { createToken(input: {name: "old", scopes: [READ]}) {
          ... on CreateTokenSuccess { token { id } }
        } }"""
    )
    held = (await client.ask("{ positions { nodes { id } } }"))["positions"]
    return {
        "$order": order["id"],
        "$position": held["nodes"][0]["id"],
        "$waiting": waiting["id"],
        "$token": made["createToken"]["token"]["id"],
        "$asOf": before["orders"]["asOf"],
    }


def filled_in(value: Any, known: dict[str, Any]) -> Any:
    """The value, with what there is by now in the place of its names."""
    if isinstance(value, dict):
        return {key: filled_in(one, known) for key, one in value.items()}
    return known[value] if isinstance(value, str) and value in known else value


def assert_whole(value: Data | list[Data]) -> None:
    """Each object says of what type it is, so that nothing was left out."""
    for one in value if isinstance(value, list) else [value]:
        assert one["__typename"]
        for name, below in one.items():
            if isinstance(below, dict) and not name.lower().endswith(("metadata", "parameters")):
                assert_whole(below)


@pytest.mark.parametrize("name", ["orders", "fills", "markets"])
async def test_an_empty_list_is_whole_too(client: Client, name: str) -> None:
    given = {"search": "nothing"} if name == "markets" else {}
    told = (await client.ask(calling("query", name), **given))[name]
    assert (told["edges"], told["nodes"]) == ([], [])
    assert told["pageInfo"] == {
        "__typename": "PageInfo",
        "hasNextPage": False,
        "hasPreviousPage": False,
        "startCursor": None,
        "endCursor": None,
    }

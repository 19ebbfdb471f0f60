"""Arguments for every root field of the schema, and what they name."""

from typing import Any

from tests.support.api.clients import Client
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

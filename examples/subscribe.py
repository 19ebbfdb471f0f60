"""Prints every order update. Started again, it goes on after the last one that it printed."""

import json
import os
import sys
import time
from pathlib import Path

import httpx
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

URL = os.environ.get("ORDERDECK_URL", "http://127.0.0.1:8000") + "/graphql"
TOKEN = os.environ.get("ORDERDECK_TOKEN") or Path("data/admin-token").read_text().strip()
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
NOW = "{ orders { asOf } }"
UPDATES = """subscription ($after: Cursor) {
  orderUpdates(after: $after) { cursor kind order { clientOrderId status filled } }
}"""
CURSOR = Path("subscribe-python.cursor")


def follow() -> None:
    with connect(URL.replace("http", "ws", 1), subprotocols=["graphql-transport-ws"]) as socket:
        socket.send(json.dumps({"type": "connection_init", "payload": HEADERS}))
        for frame in socket:
            message = json.loads(frame)
            if message["type"] == "connection_ack":
                payload = {"query": UPDATES, "variables": {"after": CURSOR.read_text()}}
                socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
            elif message["type"] == "next":
                update = message["payload"]["data"]["orderUpdates"]
                print(json.dumps(update), flush=True)
                keep(update["cursor"])
            elif message["type"] == "error":
                sys.exit(message["payload"][0]["message"])


def keep(cursor: str) -> None:
    new = CURSOR.with_suffix(".new")
    new.write_text(cursor)
    new.replace(CURSOR)


if not CURSOR.exists():
    answer = httpx.post(URL, json={"query": NOW}, headers=HEADERS).raise_for_status()
    keep(answer.json()["data"]["orders"]["asOf"])
while True:
    try:
        follow()
    except (OSError, WebSocketException) as error:
        print(f"{error}; connecting again", file=sys.stderr)
    time.sleep(1)

"""A genuine ccxt client that is answered with an exchange's captured pages."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import ccxt.pro

from app.domain.orders.reports import FillReport, OrderReport
from app.exchanges.ccxt.parsing.order_reports import answered, fill_of
from app.exchanges.ccxt.rows.quirks import ExchangeQuirks

FOLDER = Path(__file__).parents[2] / "exchanges" / "captured"


class Replay:
    """The pages of one exchange, by the method and the path that they answer."""

    def __init__(self, quirks: ExchangeQuirks, paths: Mapping[str, str]) -> None:
        self.quirks = quirks
        self.paths = dict(paths)

    def page(self, name: str) -> Any:
        return json.loads((FOLDER / self.quirks.exchange / f"{name}.json").read_text())

    def unread_in(self, test: str) -> list[str]:
        """The pages that a test file does not name."""
        source = Path(test).read_text()
        pages = (FOLDER / self.quirks.exchange).glob("*.json")
        return [page.stem for page in pages if f'"{page.stem}"' not in source]

    def client(self, **config: Any) -> Any:
        """An instance of the genuine class; a page whose name begins with `error` is a refusal."""
        options = {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}}
        keys = {"apiKey": "key", "secret": "secret"}
        client = getattr(ccxt.pro, self.quirks.exchange)(
            {"number": str, "options": {**options, **self.quirks.options}, **keys, **config}
        )

        async def fetch(
            url: str, method: str = "GET", headers: object = None, body: object = None
        ) -> Any:
            name = self.paths[f"{method} {urlsplit(url).path}"]
            text = json.dumps(self.page(name))
            answer = client.parse_json(text)
            status = 400 if name.startswith("error") else 200
            client.handle_errors(status, "", url, method, {}, text, answer, headers, body)
            return answer

        client.fetch = fetch
        return client

    def reports_of(
        self, rows: Iterable[Mapping[str, Any]], now: datetime
    ) -> dict[str | None, OrderReport]:
        reports = [answered(self.quirks.named(row), now=now) for row in rows]
        return {report.wire_id: report for report in reports}

    def fills_in(self, rows: Iterable[Mapping[str, Any]]) -> list[FillReport]:
        fills = [fill_of(self.quirks.traded(row)) for row in rows]
        return [fill for fill in fills if fill is not None]


class Heard:
    """Stands in for a socket, and keeps what a message resolves."""

    def __init__(self, url: str, subscriptions: Mapping[str, object] | None = None) -> None:
        self.url = url
        self.subscriptions = dict(subscriptions or {})
        self.resolved: dict[str, Any] = {}

    def resolve(self, value: Any, name: str) -> None:
        self.resolved[name] = value

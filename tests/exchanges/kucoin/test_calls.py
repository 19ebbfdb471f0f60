"""How an order is named at KuCoin: by the path of the request, and always with its market."""

from dataclasses import replace

import pytest

from app.domain.orders.reports import OrderKey
from app.exchanges.ccxt.connection.calls import canceling, searching
from app.exchanges.ccxt.rows.table import QUIRKS
from tests.support.exchanges.request_recorders import sent_for

ROW = QUIRKS["kucoin"]
OURS = OrderKey(symbol="BTC/USDT", wire_id="w1", exchange_order_id=None)
THEIRS = replace(OURS, exchange_order_id="28")
PATHS = {"w1": "/api/v1/hf/orders/client-order/w1", "28": "/api/v1/hf/orders/28"}


@pytest.mark.parametrize(("key", "name"), [(OURS, "w1"), (THEIRS, "28")])
async def test_an_order_is_canceled_by_either_id(key: OrderKey, name: str) -> None:
    call = canceling(key, ROW)
    assert call is not None
    (sent,) = await sent_for("kucoin", call)
    assert (sent.method, sent.path, sent.fields) == ("DELETE", PATHS[name], {"symbol": "BTC-USDT"})


@pytest.mark.parametrize(("key", "names"), [(OURS, ["w1"]), (THEIRS, ["28", "w1"])])
async def test_an_order_is_looked_up_by_the_exchanges_id_first_and_by_ours(
    key: OrderKey, names: list[str]
) -> None:
    sent = await sent_for("kucoin", *searching(key, ROW))
    assert [one.path for one in sent] == [PATHS[name] for name in names]
    assert all(one.fields == {"symbol": "BTC-USDT"} for one in sent)

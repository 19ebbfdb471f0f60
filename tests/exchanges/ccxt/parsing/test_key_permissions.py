from typing import Any

import pytest

from app.exchanges.ccxt.parsing.key_permissions import PermissionQuery
from app.exchanges.ccxt.rows.table import QUIRKS
from tests.support.exchanges.request_recorders import recorded

BYBIT: dict[str, Any] = {
    "readOnly": 0,
    "permissions": {"Spot": ["SpotTrade"], "Wallet": ["AccountTransfer"]},
    "ips": ["*"],
}


def rights_of(exchange: str) -> PermissionQuery:
    permissions = QUIRKS[exchange].permissions
    assert permissions is not None
    return permissions


def told(exchange: str, answer: object) -> tuple[bool | None, bool | None, bool | None]:
    permissions = rights_of(exchange)
    return (
        permissions.may_trade(answer, None),
        permissions.may_withdraw(answer),
        permissions.is_ip_bound(answer),
    )


@pytest.mark.parametrize(
    ("exchange", "answer", "wanted"),
    [
        (
            "binance",
            {"enableSpotAndMarginTrading": True, "enableWithdrawals": False, "ipRestrict": True},
            (True, False, True),
        ),
        ("bybit", {"result": BYBIT}, (True, False, False)),
        ("bybit", {"result": BYBIT | {"ips": ["10.0.0.1"]}}, (True, False, True)),
        ("bybit", {"result": BYBIT | {"readOnly": "1"}}, (False, False, False)),
        (
            "bybit",
            {"result": BYBIT | {"permissions": {"Spot": [], "Wallet": ["Withdraw"]}}},
            (False, True, False),
        ),
        ("okx", {"data": [{"perm": "read_only,trade", "ip": ""}]}, (True, False, False)),
        (
            "okx",
            {"data": [{"perm": "read_only,withdraw", "ip": "10.0.0.1,10.0.0.2"}]},
            (False, True, True),
        ),
        (
            "kraken",
            {"result": {"permissions": ["query-funds", "modify-trades"]}},
            (True, False, None),
        ),
        ("kraken", {"result": {"permissions": ["withdraw-funds"]}}, (False, True, None)),
        ("kucoin", {"data": {"permission": "General,Spot"}}, (True, False, None)),
        (
            "kucoin",
            {"data": {"permission": "General,Withdrawal", "ipWhitelist": "10.0.0.1"}},
            (False, True, True),
        ),
        ("kucoin", {"data": {"permission": "General,Transfer"}}, (False, True, None)),
    ],
)
def test_what_a_key_may_do_is_read_from_the_exchanges_own_words(
    exchange: str, answer: object, wanted: tuple[bool | None, ...]
) -> None:
    assert told(exchange, answer) == wanted


@pytest.mark.parametrize("exchange", sorted(QUIRKS))
@pytest.mark.parametrize(
    "answer", [None, {}, [], "no", {"result": None}, {"data": []}, {"data": 1}]
)
def test_what_is_not_told_is_not_known(exchange: str, answer: object) -> None:
    assert told(exchange, answer) == (None, None, None)


@pytest.mark.parametrize(
    ("key", "account", "wanted"),
    [
        (True, True, True),
        (True, False, False),
        (False, True, False),
        (True, None, True),
        (None, True, True),
        (None, None, None),
    ],
)
def test_trading_takes_the_key_and_the_account(
    *, key: bool | None, account: bool | None, wanted: bool | None
) -> None:
    answer = {"enableSpotAndMarginTrading": key}
    assert rights_of("binance").may_trade(answer, {"info": {"canTrade": account}}) is wanted


@pytest.mark.parametrize("exchange", sorted(QUIRKS))
async def test_the_question_after_the_key_is_one_that_ccxt_can_put(exchange: str) -> None:
    async with recorded(exchange, {"*": {"result": {}, "data": [], "error": []}}) as (client, sent):
        await getattr(client, rights_of(exchange).method)()
        assert len(sent.sent) == 1
        assert sent.sent[0].method == ("POST" if exchange == "kraken" else "GET")

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import pytest

from app.errors import ExchangeDoubt, ExchangeRejected, ExchangeUnavailable, RefusalCode
from app.exchanges.ccxt.parsing.failures import (
    MAX_READ,
    MAX_WORDS,
    failure_of_create,
    failure_of_read,
    is_ban,
    is_order_missing,
    is_unanswered,
    words_of,
)
from tests.support.exchanges.ccxt_servers import (
    Answer,
    Server,
    cuts_the_body_short,
    hangs_up,
    says,
    serving,
    shows,
)

errors = import_module("ccxt.base.errors")

ORDER = "/api/v3/order"
_REJECTED = RefusalCode.REJECTED_BY_EXCHANGE


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as server:
        yield server


@asynccontextmanager
async def genuine(server: Server, *, timeout_milliseconds: int = 10_000) -> AsyncIterator[Any]:
    client = import_module("ccxt.pro").binance(
        {"apiKey": "key", "secret": "secret", "number": str, "enableRateLimit": False}
    )
    client.timeout = timeout_milliseconds
    client.timeout_on_exit = 0
    client.options["fetchMarkets"] = {"types": ["spot"]}
    client.has["fetchCurrencies"] = False
    client.options["fetchMargins"] = False
    client.urls["api"]["public"] = client.urls["api"]["private"] = f"{server.address}/api/v3"
    try:
        await client.load_markets()
        yield client
    finally:
        await client.close()


async def what_create_raises(client: Any) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - any, and which is what is asked
        await client.create_order(
            "BTC/USDT", "limit", "buy", "0.1", "100", {"clientOrderId": "a00000000000000001"}
        )
    return caught.value


def coded(code: int, message: str, status: int = 400) -> Answer:
    return says({"code": code, "msg": message}, status)


DOUBTS: dict[str, Answer] = {
    "cut before or after handling": hangs_up,
    "bad gateway": shows("bad gateway", 502),
    "server error": shows("oh no", 500),
    "gateway timeout": shows("timeout", 504),
    "request timeout": shows("timeout", 408),
    "body cut short": cuts_the_body_short,
    "execution status unknown": coded(-1007, "Timeout waiting for response from backend server."),
    "unexpected response": coded(-1006, "An unexpected response was received."),
    "forbidden at the edge": shows("forbidden", 403),
    "unavailable at the edge": shows("unavailable", 503),
    "client id repeated": coded(-2010, "Duplicate order sent."),
    "a code that nobody knows": coded(-9999, "Something else."),
}


@pytest.mark.parametrize("answer", DOUBTS.values(), ids=DOUBTS.keys())
async def test_an_unclear_end_of_an_order_is_doubt(server: Server, answer: Answer) -> None:
    server.on("POST", ORDER, answer)
    async with genuine(server) as client:
        assert type(failure_of_create(await what_create_raises(client))) is ExchangeDoubt
    assert len(server.said("POST", ORDER)) == 1


async def test_no_answer_in_time_is_doubt(server: Server) -> None:
    over = asyncio.Event()

    async def never(request: Any) -> Any:
        await over.wait()

    server.on("POST", ORDER, never)
    async with genuine(server, timeout_milliseconds=200) as client:
        assert type(failure_of_create(await what_create_raises(client))) is ExchangeDoubt
    over.set()


REFUSALS: dict[str, tuple[Answer, RefusalCode]] = {
    "no balance": (
        coded(-2010, "Account has insufficient balance for requested action."),
        RefusalCode.INSUFFICIENT_FUNDS,
    ),
    "too small": (coded(-1013, "Filter failure: NOTIONAL"), RefusalCode.MIN_NOTIONAL),
    "fires at once": (
        coded(-2010, "Order would trigger immediately."),
        RefusalCode.INVALID_INPUT,
    ),
    "off the lot": (coded(-1013, "Filter failure: LOT_SIZE"), _REJECTED),
    "off the tick": (coded(-1013, "Filter failure: PRICE_FILTER"), _REJECTED),
    "too many requests": (coded(-1003, "Too many requests.", 429), RefusalCode.RATE_LIMITED),
    "banned": (coded(-1003, "Way too many requests.", 418), RefusalCode.RATE_LIMITED),
    "maintenance": (
        coded(-1, "System is under maintenance."),
        RefusalCode.EXCHANGE_UNAVAILABLE,
    ),
    "clock off": (
        coded(-1021, "Timestamp for this request is outside of the recvWindow."),
        _REJECTED,
    ),
    "bad signature": (coded(-1022, "Signature for this request is not valid."), _REJECTED),
    "bad symbol": (coded(-1121, "Invalid symbol."), RefusalCode.UNKNOWN_SYMBOL),
}


@pytest.mark.parametrize(("answer", "code"), REFUSALS.values(), ids=REFUSALS.keys())
async def test_a_clear_no_is_a_refusal(server: Server, answer: Answer, code: RefusalCode) -> None:
    server.on("POST", ORDER, answer)
    async with genuine(server) as client:
        failure = failure_of_create(await what_create_raises(client))
    assert isinstance(failure, ExchangeRejected)
    assert failure.refusal.code is code
    assert failure.refusal.message.startswith(("the exchange said no: ", "the exchange refuses"))
    assert "127.0.0.1" not in failure.refusal.message


async def test_a_key_revoked_after_use_is_a_refusal_and_no_ban(server: Server) -> None:
    server.on("POST", ORDER, coded(-2015, "Invalid API-key, IP, or permissions for action.", 401))
    async with genuine(server) as client:
        client.options["hasAlreadyAuthenticatedSuccessfully"] = True
        error = await what_create_raises(client)
    failure = failure_of_create(error)
    assert type(error).__name__ == "DDoSProtection"
    assert not is_ban(error)
    assert isinstance(failure, ExchangeRejected)
    assert (failure.refusal.code, failure.refusal.retryable) == (_REJECTED, False)


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "http://nowhere.invalid"])
async def test_without_a_connection_the_order_was_surely_never_sent(
    server: Server, address: str
) -> None:
    async with genuine(server) as client:
        client.urls["api"]["private"] = address
        failure = failure_of_create(await what_create_raises(client))
    assert type(failure) is ExchangeUnavailable


def every_error_of_ccxt() -> list[str]:
    return [name for name, one in vars(errors).items() if isinstance(one, type)]


SURELY_REFUSED = {
    "AccountNotEnabled", "AccountSuspended", "ArgumentsRequired", "AuthenticationError",
    "BadRequest", "BadSymbol", "ContractUnavailable", "DDoSProtection", "InsufficientFunds",
    "InvalidNonce", "InvalidOrder", "ManualInteractionNeeded", "MarginModeAlreadySet",
    "MarketClosed", "NoChange", "NotSupported", "OnMaintenance", "OperationRejected",
    "OrderImmediatelyFillable", "OrderNotFillable", "PermissionDenied", "RateLimitExceeded",
    "RestrictedLocation",
}  # fmt: skip


@pytest.mark.parametrize("kind", every_error_of_ccxt())
def test_of_all_errors_only_those_on_the_list_are_a_refusal(kind: str) -> None:
    failure = failure_of_create(getattr(errors, kind)("binance something was wrong"))
    wanted = ExchangeRejected if kind in SURELY_REFUSED else ExchangeDoubt
    assert type(failure) is wanted


@pytest.mark.parametrize("kind", sorted(SURELY_REFUSED))
def test_a_no_with_a_cause_behind_it_came_from_no_exchange(kind: str) -> None:
    error = getattr(errors, kind)("binance POST https://api.binance.com/api/v3/order")
    error.__cause__ = ConnectionResetError("cut")
    assert type(failure_of_create(error)) is ExchangeDoubt


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("ExchangeNotAvailable", True),
        ("RequestTimeout", True),
        ("OnMaintenance", True),
        ("InvalidNonce", False),
        ("RateLimitExceeded", False),
        ("InvalidOrder", False),
    ],
)
def test_trouble_with_the_exchange_as_a_whole_is_told_from_an_answer(
    kind: str, wanted: bool
) -> None:
    assert is_unanswered(getattr(errors, kind)("binance")) is wanted


@pytest.mark.parametrize("error", [KeyError("spot"), TimeoutError(), ValueError("no json")])
def test_an_error_that_is_not_of_ccxt_proves_nothing(error: Exception) -> None:
    assert type(failure_of_create(error)) is ExchangeDoubt
    assert type(failure_of_read(error)) is ExchangeDoubt


def test_an_error_that_only_bears_a_name_of_ccxt_proves_nothing() -> None:
    impostor = type("InvalidOrder", (Exception,), {})("no")
    assert type(failure_of_create(impostor)) is ExchangeDoubt


def test_a_failure_of_ours_stays_what_it_is() -> None:
    ours = ExchangeUnavailable("being left alone")
    assert failure_of_create(ours) is ours
    assert failure_of_read(ours) is ours


def test_a_missing_order_is_known_by_its_class_and_only_from_an_answer() -> None:
    assert is_order_missing(errors.OrderNotFound("kraken no such order"))
    assert not is_order_missing(errors.InvalidOrder("kraken"))
    cut = errors.OrderNotFound("kraken")
    cut.__cause__ = ConnectionResetError()
    assert not is_order_missing(cut)


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ('binance {"code":-2010,"msg":"No money."}', "No money."),
        ('bybit {"retCode":170131,"retMsg":"Balance too low"}', "Balance too low"),
        ('okx {"code":"1","data":[{"sCode":"51008","sMsg":"Too little"}],"msg":""}', "Too little"),
        ('kraken {"error":["EOrder:Insufficient funds"]}', "EOrder:Insufficient funds"),
        ("binance POST https://api.binance.com/api/v3/order?signature=abc 403", "binance 403"),
        ("binance 403 Forbidden <!DOCTYPE html><body>x</body>", "a page instead of an answer"),
        ("key vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A bad", "key … bad"),
        ("binance {broken", "binance {broken"),
        ("", "ExchangeError"),
    ],
)
def test_words_say_what_was_wrong_and_give_nothing_away(raw: str, wanted: str) -> None:
    assert words_of(errors.ExchangeError(raw)) == wanted


def test_words_are_short() -> None:
    assert len(words_of(errors.ExchangeError("very long " * 100))) == MAX_WORDS


@pytest.mark.parametrize("before", [1, 2000, 2040, 2047, 3000])
def test_no_part_of_a_secret_is_shown_where_a_long_text_is_cut(before: int) -> None:
    secret = "k" * 64
    words = words_of(errors.ExchangeError(f"denied{' ' * before}{secret} {'x' * 5000}"))
    assert "k" not in words
    assert words.startswith("denied")


def test_a_message_deep_in_its_json_is_not_looked_for() -> None:
    assert words_of(errors.ExchangeError('binance {"msg":' + "[" * 900 + "]" * 900 + "}"))


def test_an_answer_too_long_to_be_read_whole_does_not_prove_a_rejection() -> None:
    text = "insufficient balance" + " " * MAX_READ + "duplicate order"
    assert isinstance(failure_of_create(errors.InsufficientFunds(text)), ExchangeDoubt)


def test_a_long_code_is_told_and_a_secret_beside_it_is_not() -> None:
    code, secret = "PREVIEW_STOP_PRICE_ABOVE_LAST_TRADE_PRICE", "aB3" * 12
    words = words_of(errors.ExchangeError(f"{code} of {secret} and {code}-{secret}"))
    assert code in words
    assert secret not in words

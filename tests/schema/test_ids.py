import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ulid import ULID

from app.errors import BadInput, CursorInvalid
from schema import ids
from schema.scalars import Cursor
from schema.types.pages import PageArguments, timed_page

ULID_TEXT = "01J00000000000000000000000"
MOMENT = datetime(2026, 1, 31, 12, 0, 0, 123000, tzinfo=UTC)


def packed(text: str) -> Cursor:
    return Cursor(base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode())


@pytest.mark.parametrize("kind", [ids.Kind.ORDER, ids.Kind.FILL, ids.Kind.TOKEN])
@given(key=st.builds(ULID).map(str))
def test_an_id_comes_back_as_its_key(kind: ids.Kind, key: str) -> None:
    assert ids.decode(ids.encode(kind, key), kind) == key


@pytest.mark.parametrize("name", ["paper", "my-account_2", "x" * 64])
def test_an_account_has_its_name_in_its_id(name: str) -> None:
    assert ids.decode(ids.encode(ids.Kind.ACCOUNT, name), ids.Kind.ACCOUNT) == name


@pytest.mark.parametrize("kind", [ids.Kind.MARKET, ids.Kind.TICKER])
def test_an_id_of_a_symbol_is_well_formed_and_its_own(kind: ids.Kind) -> None:
    symbols = ["BTC/USDT", "BTC/USDT:USDT", "BTC/USD", "A" * 200]
    given = [ids.encode_symbol(kind, account, one) for account in ("a", "b") for one in symbols]
    assert len(set(given)) == len(given)
    assert {ids.split(one)[0] for one in given} == {kind}


@pytest.mark.parametrize(
    "value",
    [
        *("", "_", "ord", "ord_", "ord_1", f"ord-{ULID_TEXT}", f"ORD_{ULID_TEXT}"),
        *(f"ord_{ULID_TEXT}\n", f" ord_{ULID_TEXT}", f"ord_{ULID_TEXT}0", f"ord_{ULID_TEXT[1:]}"),
        *(f"ord_8{ULID_TEXT[1:]}", f"ord_{ULID_TEXT[:-1]}U", f"ord_{ULID_TEXT.lower()}"),
        *(f"ord_{ULID_TEXT[:-1]}٣", f"ord_{ULID_TEXT[:-1]}\0", ULID_TEXT, f"xyz_{ULID_TEXT}"),
        *("acc_", "acc_Paper", "acc_a b", "acc_" + "x" * 65, "mkt_", "mkt_BTC/USDT", "tck_="),
        *("secret", "1", "ord_" + "0" * 5000),
    ],
)
def test_a_malformed_id_is_bad_input_that_names_the_field_alone(value: str) -> None:
    with pytest.raises(BadInput) as caught:
        ids.split(value, field="input.id")
    assert str(caught.value) == "input.id is not an id of this API"
    assert caught.value.field == ("input.id",)


def test_an_id_of_another_kind_is_bad_input_that_tells_the_kinds() -> None:
    with pytest.raises(BadInput, match=r"fill.*order") as caught:
        ids.decode(ids.encode(ids.Kind.FILL, ULID_TEXT), ids.Kind.ORDER, field="id")
    assert ULID_TEXT not in str(caught.value)
    assert caught.value.field == ("id",)


def test_a_symbol_in_the_place_of_an_order_is_told_as_another_kind() -> None:
    with pytest.raises(BadInput, match=r"market.*order"):
        ids.decode(ids.encode_symbol(ids.Kind.MARKET, "paper", "BTC/USDT"), ids.Kind.ORDER)


@given(
    st.datetimes(min_value=datetime(1970, 1, 1)).map(  # noqa: DTZ001  hypothesis adds the zone
        lambda it: it.replace(microsecond=it.microsecond // 1000 * 1000, tzinfo=UTC)
    )
)
def test_a_place_comes_back_as_it_went(moment: datetime) -> None:
    cursor = ids.encode_place("orders", (moment, ULID_TEXT))
    asked = PageArguments(first=10, after=cursor)
    assert timed_page("orders", asked).after == (moment, ULID_TEXT)


def test_a_place_in_a_list_by_name_comes_back_as_it_went() -> None:
    cursor = ids.encode_place("markets", ("BTC/USDT:USDT", ""))
    assert ids.decode_place(cursor, "markets", field="after") == ("BTC/USDT:USDT", "")


@pytest.mark.parametrize("field", ["after", "before"])
@pytest.mark.parametrize(
    "cursor",
    [
        ids.encode_place("fills", (MOMENT, ULID_TEXT)),
        ids.encode_place("orders:ASC", (MOMENT, ULID_TEXT)),
        ids.encode_place("orders", (MOMENT, ULID_TEXT))[:-1],
        ids.encode_place("orders", (MOMENT, ULID_TEXT))[:-4],
        ids.encode_place("orders", (MOMENT, ULID_TEXT)) + "=",
        ids.encode_place("orders", (MOMENT, ULID_TEXT)) + "\n",
        " " + ids.encode_place("orders", (MOMENT, ULID_TEXT)),
        # Of the last letter four bits say nothing: the next one says the same.
        packed(f"orders|123|{ULID_TEXT}")[:-1] + "B",
        "",
        "secret",
        "A",
        "é",
        "\ud800",
        "A" * 5000,
        packed("orders"),
        packed("orders|1"),
        packed("orders|1|2|3"),
        packed(f"orders||{ULID_TEXT}"),
        packed(f"orders|-1|{ULID_TEXT}"),
        packed(f"orders|1.5|{ULID_TEXT}"),
        packed(f"orders|1_0|{ULID_TEXT}"),
        packed(f"orders|٣|{ULID_TEXT}"),
        packed(f"orders|secret|{ULID_TEXT}"),
        packed(f"orders|{'9' * 15}|{ULID_TEXT}"),
        packed(f"orders|{'9' * 6000}|{ULID_TEXT}"),
        packed("orders|1|x"),
        packed(f"orders|1|{ULID_TEXT[:-1]}\0"),
        Cursor(base64.urlsafe_b64encode(b"orders|1|\xff").decode()),
    ],
)
def test_what_is_no_cursor_of_the_list_is_told_so(field: str, cursor: str) -> None:
    given = Cursor(cursor)
    asked = PageArguments(after=given) if field == "after" else PageArguments(before=given)
    with pytest.raises(CursorInvalid) as caught:
        timed_page("orders", asked)
    assert str(caught.value) == f"{field} is not a cursor of this list"
    assert caught.value.field == (field,)


def test_a_text_with_a_zero_in_it_is_no_place() -> None:
    with pytest.raises(CursorInvalid):
        ids.decode_place(packed("markets|BTC\0USDT|"), "markets", field="after")


@given(st.text(max_size=40))
def test_no_text_breaks_an_id_or_a_cursor(text: str) -> None:
    with pytest.raises(BadInput):
        ids.split(text)
    with pytest.raises(CursorInvalid):
        ids.decode_place(Cursor(text), "orders", field="after")

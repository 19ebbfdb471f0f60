from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

import schema
from app.cli.client import documents
from app.cli.client.filters import OrderFilter
from app.domain.orders.order import OrderStatus

SDL = build_schema(Path(schema.__file__).with_name("schema.graphql").read_text())


@pytest.mark.parametrize("document", [documents.ORDERS, documents.NOW, documents.UPDATES])
def test_every_document_of_the_client_is_in_the_contract(document: str) -> None:
    assert validate(SDL, parse(document)) == []


def test_every_filter_of_the_client_is_in_the_contract() -> None:
    wanted = OrderFilter(
        is_open=False, account="paper", symbols=["BTC/USDT"], statuses=[OrderStatus.FILLED]
    )
    assert wanted.to_input().keys() <= SDL.type_map["OrderFilter"].fields.keys()  # type: ignore[attr-defined]
    assert len(wanted.to_input()) == 4
    assert OrderFilter().to_input() == {}

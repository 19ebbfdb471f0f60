"""Hostile GraphQL documents: broad, nested, long and expensive ones, each with a unique text."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import get_introspection_query

ORDERS = 600
BATCH = 100
FIELDS = (
    "id clientOrderId exchangeOrderId symbol side type timeInForce status isOpen amount price"
    " triggerPrice filled remaining averagePrice cost reduceOnly positionType leverage source"
    " strategy metadata cancelRequestedAt createdAt updatedAt closedAt revision"
)
_ORDER = {"symbol": "BTC/USDT", "side": "BUY", "type": "LIMIT", "amount": "0.01", "price": "1000"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Hostile:
    """A document with variables; a number makes the text unique, so that it is not cached."""

    name: str
    query: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    raw_variables: str | None = None
    at_once: int = 1

    def body(self, number: int) -> bytes:
        query = json.dumps(f"{self.query} #{number}")
        variables = self.raw_variables or json.dumps(self.variables)
        return f'{{"query": {query}, "variables": {variables}}}'.encode()


def orders_to_place() -> Iterator[list[Mapping[str, Any]]]:
    """Batches of orders that stay open, with some metadata."""
    for first in range(0, ORDERS, BATCH):
        yield [
            {**_ORDER, "clientOrderId": f"o-{number}", "metadata": {"note": "x" * 200}}
            for number in range(first, first + BATCH)
        ]


def every_document(crowd: int) -> Sequence[Hostile]:
    made = [*_broad(), *_tangled(), *_long(), *_of_variables(), *_expensive()]
    return [*made, *(_many(hostile, crowd) for hostile in made if hostile.name in _CROWDS)]


_CROWDS = {
    "500 aliases",
    "6,000 operations",
    "merged objects, as many as may be",
    "tokens, as many as may be",
    "a page of 500 orders, all fields",
    "fills of 300 orders",
    "introspection",
}


def _many(hostile: Hostile, crowd: int) -> Hostile:
    return Hostile(
        name=f"{hostile.name}, {crowd} at once",
        query=hostile.query,
        variables=hostile.variables,
        raw_variables=hostile.raw_variables,
        at_once=crowd,
    )


def _broad() -> Iterator[Hostile]:
    yield Hostile(
        name="10,000 aliases", query=_viewer(f"n{number}: name" for number in range(10_000))
    )
    yield Hostile(name="500 aliases", query=_viewer(f"n{number}: name" for number in range(500)))
    yield Hostile(
        name="50 aliases of a root field",
        query=_all(f"p{number}: portfolio {{ equity }}" for number in range(50)),
    )
    yield Hostile(
        name="6,000 operations",
        query=" ".join(f"query q{number} {{ viewer {{ name }} }}" for number in range(6_000)),
    )
    yield Hostile(name="merged leaves, 40,000", query=_viewer(["name"] * 40_000))
    yield Hostile(name="merged leaves, as many as may be", query=_viewer(["name"] * 1_490))
    yield Hostile(name="merged objects, as many as may be", query=_all(["viewer { name }"] * 50))
    yield Hostile(
        name="merged objects under one root, as many as may be",
        query=f"{{ orders {{ {'nodes { id } ' * 600} }} }}",
    )
    yield Hostile(
        name="unknown fields, 30,000", query=_all(f"a{number}" for number in range(30_000))
    )
    yield Hostile(
        name="unknown fields, as many as may be", query=_all(f"a{number}" for number in range(50))
    )
    yield Hostile(
        name="directives, 15,000", query=f"{{ viewer {'@skip(if: false)' * 15_000} {{ name }} }}"
    )
    yield Hostile(
        name="unknown directives, 80,000", query=f"{{ viewer {'@a ' * 80_000} {{ name }} }}"
    )
    yield Hostile(
        name="5 directives on each of 160 fields",
        query=_viewer(f"n{number}: name {'@a ' * 5}" for number in range(160)),
    )


def _tangled() -> Iterator[Hostile]:
    for count in (10, 40):
        yield Hostile(name=f"fragments nested {count} deep, two each", query=_nested(count))
    yield Hostile(name="fragments, 350 that are spread by one another", query=_chain(350))
    many = " ".join(f"fragment F{number} on Viewer {{ name }}" for number in range(90))
    spread = " ".join(f"...F{number}" for number in range(90))
    yield Hostile(name="90 fragments in one place", query=f"{{ viewer {{ {spread} }} }} {many}")
    yield Hostile(
        name="800 spreads of one fragment",
        query=f"{{ viewer {{ {'...F ' * 800} }} }} fragment F on Viewer {{ name }}",
    )
    yield Hostile(
        name="a circle of fragments",
        query="{ viewer { ...A } } fragment A on Viewer { ...B } fragment B on Viewer { ...A }",
    )
    yield Hostile(name="selections nested 20,000 deep", query="{ a " * 20_000 + "}" * 20_000)
    yield Hostile(name="selections nested 190 deep", query="{ a " * 190 + "}" * 190)


def _long() -> Iterator[Hostile]:
    yield Hostile(name="a text of 250 kB", query=_order('"' + "a" * 250_000 + '"'))
    yield Hostile(name="a text of 60 kB", query=_order('"' + "a" * 60_000 + '"'))
    yield Hostile(name="a text of 30,000 escapes", query=_order('"' + "\\n" * 30_000 + '"'))
    yield Hostile(name="a block text of 60 kB", query=_order('"""' + "a\n " * 20_000 + '"""'))
    yield Hostile(name="comments, 60,000", query="#a\n" * 60_000 + "{ viewer { name } }")
    yield Hostile(name="one comment of 250 kB", query="#" + "a" * 250_000 + "\n{ viewer { name } }")
    yield Hostile(name="a name of 250 kB", query="{ " + "a" * 250_000 + " }")
    yield Hostile(name="a name of 60 kB", query="{ " + "a" * 60_000 + " }")
    yield Hostile(name="250 kB of spaces", query=" " * 250_000 + "{ viewer { name } }")
    yield Hostile(
        name="a number of 250,000 digits", query=f"{{ orders(first: {'9' * 250_000}) {{ asOf }} }}"
    )
    yield Hostile(
        name="a number of 60,000 digits", query=f"{{ orders(first: {'9' * 60_000}) {{ asOf }} }}"
    )
    yield Hostile(name="a list of 60,000 literals", query=_tickers('["a"' + ' "a"' * 60_000 + "]"))
    yield Hostile(name="a list of 2,400 literals", query=_tickers('["a"' + ' "a"' * 2_400 + "]"))
    yield Hostile(name="lists nested 100,000 deep", query=_tickers("[" * 100_000 + "]" * 100_000))
    yield Hostile(name="lists nested 190 deep", query=_tickers("[" * 190 + "]" * 190))
    yield Hostile(
        name="tokens, as many as may be",
        query=_viewer(f"n{number}: name @skip(if: false)" for number in range(240)),
    )
    declared = " ".join(f"$v{number}: Int" for number in range(600))
    yield Hostile(
        name="variables, 600 declared", query=f"query ({declared}) {{ viewer {{ name }} }}"
    )


def _of_variables() -> Iterator[Hostile]:
    tickers = "query ($it: [String!]) { tickers(symbols: $it) { symbol } }"
    place = "mutation ($it: [PlaceOrderInput!]!) { placeOrders(inputs: $it) { __typename } }"
    note = 'mutation ($it: JSON!) { setOrderMetadata(id: "x", metadata: $it) { __typename } }'
    numbers = "query ($it: Int) { orders(first: $it) { totalCount } }"
    yield Hostile(name="variables: 45,000 texts", query=tickers, variables={"it": ["a"] * 45_000})
    yield Hostile(name="variables: 11,900 texts", query=tickers, variables={"it": ["a"] * 11_900})
    yield Hostile(
        name="variables: 11,900 wrong values", query=tickers, variables={"it": [5] * 11_900}
    )
    yield Hostile(
        name="variables: 60,000 empty orders", query=place, variables={"it": [{}] * 60_000}
    )
    yield Hostile(name="variables: 2,400 orders", query=place, variables={"it": [_ORDER] * 2_400})
    yield Hostile(name="variables: 250 orders", query=place, variables={"it": [_ORDER] * 250})
    yield Hostile(
        name="variables: a wide note",
        query=note,
        variables={"it": {str(number): number for number in range(11_900)}},
    )
    yield Hostile(name="variables: a text of 250 kB", query=note, variables={"it": "a" * 250_000})
    for levels in (900, 100_000):
        yield Hostile(
            name=f"variables: lists nested {levels:,} deep",
            query=note,
            raw_variables=f'{{"it": {"[" * levels}{"]" * levels}}}',
        )
    yield Hostile(
        name="variables: 6,000 digits", query=numbers, raw_variables=f'{{"it": {"9" * 6_000}}}'
    )
    yield Hostile(
        name="variables: 250,000 digits", query=numbers, raw_variables=f'{{"it": {"9" * 250_000}}}'
    )
    yield Hostile(
        name="variables: 30,000 numbers", query=tickers, variables={"it": list(range(30_000))}
    )


def _expensive() -> Iterator[Hostile]:
    yield Hostile(name="introspection", query=get_introspection_query())
    yield Hostile(
        name="introspection, types of fields of types",
        query="{ __schema { types { fields { type { name fields { name type { name } } } } } } }",
    )
    yield Hostile(
        name="a page of 500 orders, all fields",
        query=f"{{ orders(first: 500) {{ nodes {{ {FIELDS} }} }} }}",
    )
    yield Hostile(
        name="a page of 500 orders, all fields, three ways",
        query=f"{{ orders(first: 500) {{ nodes {{ {FIELDS} }} edges {{ node {{ {FIELDS} }} }} }}"
        f" b: orders(last: 500) {{ nodes {{ {FIELDS} }} }} }}",
    )
    yield Hostile(
        name="six pages of 500 orders",
        query=_all(
            f"o{number}: orders(first: 500) {{ nodes {{ {FIELDS} }} }}" for number in range(6)
        ),
    )
    yield Hostile(
        name="fills of 300 orders",
        query="{ orders(first: 300) { nodes { id fills(first: 50) { nodes { id price } } } } }",
    )
    yield Hostile(
        name="histories of 100 orders",
        query="{ orders(first: 100) { nodes { history(first: 50) { nodes { order { "
        f"{FIELDS} }} }} }} }} }} }}",
    )
    yield Hostile(
        name="24 order books",
        query=_all(
            f'b{number}: orderBook(symbol: "BTC/USDT", depth: 100)'
            " { bids { price amount } asks { price amount } }"
            for number in range(24)
        ),
    )
    yield Hostile(
        name="19 times 1,000 candles",
        query=_all(
            f'c{number}: candles(symbol: "BTC/USDT", limit: 1000) {{ at open high low close }}'
            for number in range(19)
        ),
    )


def _all(selections: Iterator[str] | Sequence[str]) -> str:
    return f"{{ {' '.join(selections)} }}"


def _viewer(selections: Iterator[str] | Sequence[str]) -> str:
    return f"{{ viewer {_all(selections)} }}"


def _order(client_order_id: str) -> str:
    return f"{{ order(clientOrderId: {client_order_id}) {{ id }} }}"


def _tickers(symbols: str) -> str:
    return f"{{ tickers(symbols: {symbols}) {{ symbol }} }}"


def _nested(count: int) -> str:
    parts = [
        f"fragment F{number} on Viewer {{ ...F{number + 1} ...F{number + 1} }}"
        for number in range(count)
    ]
    return f"{{ viewer {{ ...F0 }} }} {' '.join(parts)} fragment F{count} on Viewer {{ name }}"


def _chain(count: int) -> str:
    parts = [f"fragment F{number} on Viewer {{ ...F{number + 1} }}" for number in range(count)]
    return f"{{ viewer {{ ...F0 }} }} {' '.join(parts)} fragment F{count} on Viewer {{ name }}"

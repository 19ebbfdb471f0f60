import asyncio

import pytest
from graphql import GraphQLError, parse

from app.errors import TooComplex
from app.primitives.fair_scheduler import AsLongAsTheRound, FairScheduler
from schema.build import build_schema
from schema.limits import document_size
from schema.limits.documents import MAX_ERRORS, Document, DocumentCache, DocumentCompiler

SCHEMA = build_schema()._schema


class CountedWork(FairScheduler):
    """Counts the turns that are taken."""

    def __init__(self) -> None:
        super().__init__(per_round=1, rest=AsLongAsTheRound())
        self.turns = 0

    async def turn(self) -> None:
        self.turns += 1
        await super().turn()


@pytest.fixture
def work() -> CountedWork:
    return CountedWork()


@pytest.fixture
def compiler() -> DocumentCompiler:
    return DocumentCompiler(SCHEMA, DocumentCache())


async def find(compiler: DocumentCompiler, text: str, work: FairScheduler) -> Document:
    async with asyncio.timeout(10):
        return await compiler.find(text, work)


async def test_a_document_is_made_ready_once(compiler: DocumentCompiler, work: CountedWork) -> None:
    text = "{ viewer { name } }" + " " * 500
    first = await find(compiler, text, work)
    assert await find(compiler, text, work) is first
    assert work.turns == 1
    assert first.errors == []


async def test_a_short_document_waits_for_nobody(
    compiler: DocumentCompiler, work: CountedWork
) -> None:
    cancel = 'mutation { cancelOrder(input: {clientOrderId: "mine"}) { __typename } }'
    assert (await find(compiler, cancel, work)).errors == []
    assert work.turns == 0


async def test_a_long_document_is_validated_in_several_turns(
    compiler: DocumentCompiler, work: CountedWork
) -> None:
    fields = " ".join(f"n{one}: name" for one in range(400))
    ready = await find(compiler, f"{{ viewer {{ {fields} }} }}", work)
    assert ready.errors == []
    assert work.turns > 5


async def test_the_parts_of_the_validation_find_what_the_whole_finds(
    compiler: DocumentCompiler, work: CountedWork
) -> None:
    wrong = "query ($a: Int) { viewer { nam version } orders(frist: 1) { asOf } ...F ...G }"
    text = f"{wrong} fragment F on Viewer {{ name }}"
    short = await find(compiler, text, work)
    many = " ".join(f"v{one}: version" for one in range(200))
    long = await find(compiler, text.replace("version", many), work)
    assert work.turns > 5
    told = {error.message for error in short.errors}
    assert told == {error.message for error in long.errors}
    assert len(told) >= 5


MORE = "Too many validation errors, error limit reached. Validation aborted."


def with_unknown_fields(count: int) -> str:
    return f"{{ viewer {{ {' '.join(f'unknown{one}' for one in range(count))} }} }}"


@pytest.mark.parametrize("count", [MAX_ERRORS + 1, 45, 400])
async def test_the_first_errors_are_answered_and_the_last_says_that_there_are_more(
    compiler: DocumentCompiler, work: CountedWork, count: int
) -> None:
    ready = await find(compiler, with_unknown_fields(count), work)
    assert len(ready.errors) == MAX_ERRORS == 5
    assert [error.message == MORE for error in ready.errors] == [False] * 4 + [True]


async def test_five_errors_are_all_answered(compiler: DocumentCompiler, work: CountedWork) -> None:
    ready = await find(compiler, with_unknown_fields(MAX_ERRORS), work)
    assert len(ready.errors) == MAX_ERRORS
    assert MORE not in {error.message for error in ready.errors}


async def test_errors_are_counted_over_all_parts_of_the_validation(
    compiler: DocumentCompiler, work: CountedWork
) -> None:
    """Unknown fields are found in one part, directives in a later one."""
    many = " ".join(f"n{one}: name" for one in range(200))
    ready = await find(compiler, f"{{ viewer {{ nam versio name @a @b @c @d {many} }} }}", work)
    assert work.turns > 1
    assert len(ready.errors) == MAX_ERRORS
    assert ready.errors[-1].message == MORE


def reason(error: GraphQLError) -> TooComplex:
    assert isinstance(error.original_error, TooComplex)
    return error.original_error


async def test_comparing_very_many_fields_is_given_up(
    compiler: DocumentCompiler, work: CountedWork
) -> None:
    text = f"{{ orders {{ {'nodes { id } ' * 300} }} }}"
    ready = await find(compiler, text, work)
    assert [reason(error).limit for error in ready.errors] == ["comparisons of fields"]


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        (" " * document_size.MAX_SOURCE + "{ viewer { name } }", "characters"),
        ("{ " + "a " * document_size.MAX_TOKENS + "}", "tokens"),
        ("#\n" * (document_size.MAX_COMMENTS + 1) + "{ viewer { name } }", "comments"),
    ],
    ids=["characters", "tokens", "comments"],
)
async def test_what_is_too_long_is_refused_while_it_is_read(
    compiler: DocumentCompiler, work: CountedWork, text: str, limit: str
) -> None:
    with pytest.raises(TooComplex) as refused:
        await find(compiler, text, work)
    assert refused.value.limit == limit


def ready(text: str) -> Document:
    return Document(schema=SCHEMA, document=parse(text), errors=[])


def test_a_shelf_keeps_as_many_tokens_as_it_has_room_for() -> None:
    cache = DocumentCache(room=100)
    texts = [f"{{ a{one} b c d e f g }}" for one in range(30)]
    for text in texts:
        cache.keep(text, ready(text))
        assert cache.find(texts[0]) is not None
    kept = [text for text in texts if cache.find(text) is not None]
    assert kept == [texts[0], *texts[-len(kept) + 1 :]]
    assert sum(ready(text).tokens + 1 for text in kept) <= 100
    assert len(kept) == 10


def test_a_document_that_fills_more_than_the_shelf_is_not_kept() -> None:
    cache = DocumentCache(room=10)
    text = f"{{ {'a ' * 20} }}"
    cache.keep(text, ready(text))
    assert cache.find(text) is None
    cache.keep("{ a }", ready("{ a }"))
    assert cache.find("{ a }") is not None


def test_a_long_text_of_few_tokens_takes_room_too() -> None:
    cache = DocumentCache(room=20)
    texts = [f'{{ a(b: "{"x" * 4000}{one}") }}' for one in range(3)]
    for text in texts:
        cache.keep(text, ready(text))
    assert [cache.find(text) is not None for text in texts] == [False, False, True]

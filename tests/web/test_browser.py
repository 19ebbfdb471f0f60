"""GraphiQL as a person uses it: in Chromium, on the real server."""

import json
from functools import partial

import pytest
from playwright.async_api import Error, Response, expect

from tests.api.access.test_tokens import create, make_token, revoke
from tests.api.conftest import ADMIN, Api, on_shared
from tests.support.api.trading import place
from tests.web.test_page_sources import EXAMPLES
from tests.web.visits import Tab, Visit

pytestmark = [on_shared, pytest.mark.slow]

OUTSIDE = "https://example.com/"
UNAUTHORIZED = "Failed to load resource: the server responded with a status of 401 (Unauthorized)"
WATCHING = "OrderUpdates"


async def entered(visit: Visit, token: str = ADMIN) -> Tab:
    tab = await visit.open()
    await tab.enter(token)
    return tab


async def test_a_token_lets_in_and_a_query_shows_its_data(visit: Visit, api: Api) -> None:
    tab = await entered(visit, await make_token(api.client(), name="a reader"))
    await expect(tab.header).to_contain_text("PAPER paper")
    await expect(tab.header).to_contain_text("a reader")
    await tab.run("FirstLook")
    await expect(tab.result).to_contain_text('"name": "a reader"')
    await expect(tab.result).to_contain_text('"symbol": "BTC/USDT"')


async def test_a_subscription_shows_an_order_that_is_placed_elsewhere(
    visit: Visit, api: Api
) -> None:
    tab = await entered(visit)
    await tab.run(WATCHING)
    await visit.subscribed()
    await place(api.client(), clientOrderId="from-elsewhere")
    await expect(tab.result).to_contain_text('"kind": "FILL"')
    await expect(tab.result).to_contain_text('"clientOrderId": "from-elsewhere"')
    await expect(tab.result).to_contain_text('"status": "FILLED"')


def is_of(name: str, answer: Response) -> bool:
    """The page asks for the schema as well, which takes a while to be told."""
    return f'"operationName":"{name}"' in (answer.request.post_data or "").replace(" ", "")


async def test_every_example_runs_without_an_error(visit: Visit) -> None:
    tab = await entered(visit)
    await expect(tab.examples).to_have_count(len(EXAMPLES))
    for name in [it for it in await tab.examples.all_inner_texts() if it != WATCHING]:
        async with tab.page.expect_response(partial(is_of, name)) as answer:
            await tab.run(name)
        told = await (await answer.value).json()
        assert list(told) == ["data"], name
        assert '"code"' not in json.dumps(told), name
        await expect(tab.result).to_contain_text(next(iter(told["data"])))


async def test_an_example_runs_as_itself_however_soon_after_another(visit: Visit) -> None:
    tab = await entered(visit)
    for name, field in (("Orders", "orders"), ("FirstLook", "viewer"), ("Orders", "orders")):
        await tab.run_in_haste(name)
        await expect(tab.result).to_contain_text(f'"{field}": {{')
    await tab.run_in_haste(WATCHING)
    await visit.subscribed()


async def test_a_wrong_token_is_told_in_words(visit: Visit) -> None:
    tab = await visit.open()
    async with visit.context.expect_console_message(lambda said: said.text == UNAUTHORIZED):
        await tab.submit("wrong")
    await expect(tab.notice).to_contain_text("does not accept this token")
    await expect(tab.header).to_be_hidden()
    visit.complaints.remove(UNAUTHORIZED)
    await tab.enter(ADMIN)
    await expect(tab.header).to_be_visible()


async def test_a_token_survives_a_reload_and_stays_in_its_tab(visit: Visit) -> None:
    tab = await entered(visit)
    await tab.page.reload()
    await expect(tab.header).to_be_visible()
    await expect(tab.dialog).to_be_hidden()
    other = await visit.open()
    await expect(other.dialog).to_be_visible()
    lasting, of_tab = await tab.storages()
    assert ADMIN in of_tab
    assert ADMIN not in lasting + "".join(await other.storages())
    assert await visit.context.cookies() == []


async def test_a_token_that_is_forgotten_is_gone(visit: Visit) -> None:
    tab = await entered(visit)
    await tab.header.get_by_role("button", name="Forget token").click()
    await expect(tab.dialog).to_be_visible()
    assert ADMIN not in "".join(await tab.storages())
    await tab.page.reload()
    await expect(tab.dialog).to_be_visible()


async def test_a_token_in_the_address_lets_in_and_leaves_the_address(visit: Visit) -> None:
    tab = await visit.open(f"#token={ADMIN}")
    await expect(tab.header).to_be_visible()
    assert tab.page.url.endswith("/graphiql")


async def test_a_token_that_is_revoked_is_told_while_watching(visit: Visit, api: Api) -> None:
    told = await create(api.client())
    tab = await entered(visit, told["secret"])
    await tab.run(WATCHING)
    await visit.subscribed()
    await revoke(api.client(), told["token"]["id"])
    await expect(tab.notice).to_contain_text("no longer accepts this token")
    await tab.enter(ADMIN)
    await tab.run("FirstLook")
    await expect(tab.result).to_contain_text('"ADMIN"')


async def test_the_policy_keeps_the_page_from_everybody_else(visit: Visit) -> None:
    tab = await visit.open()
    with pytest.raises(Error, match="Failed to fetch"):
        await tab.page.evaluate(f"fetch('{OUTSIDE}')")
    assert visit.complaints
    assert all("Content Security Policy" in complaint for complaint in visit.complaints)
    visit.complaints.clear()

from app.exchanges.paper.faults import Call, Faults
from tests.api.conftest import Serve
from tests.support.api.clients import Client, Data
from tests.support.api.trading import WAITING, place
from tests.support.clock import ManualClock

RECONCILE = """mutation ($account: String) { reconcile(account: $account) {
  account { name lastReconciledAt } checked
  changed { clientOrderId status } imported { id }
  problems { subject code message }
} }"""


async def reconcile(client: Client, account: str | None = None) -> Data:
    told: Data = (await client.ask(RECONCILE, account=account))["reconcile"]
    return told


async def test_where_all_is_known_nothing_changes_and_it_says_so(
    client: Client, clock: ManualClock
) -> None:
    await place(client, WAITING)
    before = (await reconcile(client))["account"]["lastReconciledAt"]
    await clock.advance(1)
    for _ in range(2):
        told = await reconcile(client, "paper")
        assert (told["checked"], told["changed"], told["imported"]) == (1, [], [])
        assert told["problems"] == []
        assert told["account"]["lastReconciledAt"] != before


async def test_a_doubt_is_settled_now_instead_of_later(client: Client, faults: Faults) -> None:
    faults.lost_after, faults.news_copies = {Call.SUBMIT}, 0
    faults.unavailable = {Call.FIND}
    order = await place(client, WAITING, clientOrderId="doubted")
    assert order["status"] == "IN_DOUBT"
    assert [problem["code"] for problem in (await reconcile(client))["problems"]] == [
        "EXCHANGE_UNAVAILABLE"
    ]
    faults.unavailable = set()
    told = await reconcile(client)
    assert told["changed"] == [{"clientOrderId": "doubted", "status": "OPEN"}]


async def test_an_amendment_that_nobody_told_of_is_told(client: Client, faults: Faults) -> None:
    order = await place(client, WAITING, clientOrderId="amended")
    faults.lost_after, faults.news_copies = {Call.AMEND}, 0
    faults.unavailable = {Call.FIND}
    await client.ask(
        "mutation ($id: ID!) { amendOrder(input: {id: $id, price: 900}) { __typename } }",
        id=order["id"],
    )
    faults.unavailable = set()
    told = await reconcile(client)
    assert told["changed"] == [{"clientOrderId": "amended", "status": "OPEN"}]


async def test_an_account_that_is_not_there_is_told(serve: Serve) -> None:
    client = (await serve()).client()
    _, extensions = await client.refused(RECONCILE, account="nobody")
    assert (extensions["code"], extensions["reason"]) == ("BAD_USER_INPUT", "UNKNOWN_ACCOUNT")
    assert extensions["field"] == ["account"]

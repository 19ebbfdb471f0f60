"""The audits of graphql-http: the letter of GraphQL over HTTP, as its authors read it."""

from app.web.build import Npm
from tests.conformance.conftest import node, on_server
from tests.support.processes.servers import ServerProcess

FEWEST_AUDITS = 60


@on_server
async def test_every_audit_of_what_must_and_should_be_is_passed(
    server: ServerProcess, npm: Npm
) -> None:
    settings = {"ORDERDECK_URL": server.url, "ORDERDECK_TOKEN": server.token}
    async with node(npm, "audits.mjs", **settings) as program:
        audits = await program.rest()
    assert len(audits) >= FEWEST_AUDITS
    assert {audit["name"].split()[0] for audit in audits} == {"MUST", "SHOULD", "MAY"}
    assert [audit for audit in audits if audit["status"] != "ok"] == []

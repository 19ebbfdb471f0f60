"""What goes wrong where nothing should."""

from typing import Any

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from structlog.testing import capture_logs

from app.domain.access.tokens import Scope
from app.services import Services
from schema.build import Schema, build_schema
from schema.http.transport import GraphQLEndpoint
from tests.api.test_faults import HIDDEN
from tests.support.api.clients import connected
from tests.support.api.servers import serving

WHO = "{ viewer { name } }"


class FailingSchema(Schema):
    """Fails before it runs anything."""

    def __init__(self) -> None:
        self.__dict__.update(vars(build_schema()))

    async def stream(self, *_: Any, **__: Any) -> Any:
        raise LookupError("the inside")


async def test_a_fault_outside_of_any_field_is_told_and_logged(services: Services) -> None:
    _, secret = await services.auth.create(name="a client", scopes=[Scope.READ])
    endpoint = GraphQLEndpoint(FailingSchema(), lambda: services)
    app = Starlette(routes=[WebSocketRoute("/graphql", endpoint)])
    with capture_logs() as logs:
        async with serving(app) as address, connected(address) as socket:
            await socket.init(secret)
            await socket.subscribe("1", WHO)
            [error] = await socket.hear_error("1")
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert error["message"] == HIDDEN
    [line] = [line for line in logs if line["event"] == "request.failed"]
    assert line["request_id"] == error["extensions"]["requestId"]

"""Fixtures for the API over HTTP and WebSocket: a real server, with only the time replaced."""

import shutil
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from app.asgi import create_app
from app.exchanges.paper.faults import Faults
from app.runtime import Parts
from app.services.access.login_throttle import LoginThrottle
from app.settings import Settings, load_settings
from tests.conftest import START
from tests.support.api.clients import PATIENCE_SECONDS, Client, Socket, connected
from tests.support.api.servers import Address, serving
from tests.support.clock import HastyClock, ManualClock
from tests.support.leaks import lines_with_secrets

ADMIN = "admin-" + "a" * 32
# Stands in for GraphiQL, which may not have been built.
PAGES = Path(__file__).parent / "pages"


@dataclass(frozen=True, kw_only=True, slots=True)
class Api:
    """A running server, and clients for it."""

    address: Address
    http: httpx.AsyncClient
    token: str = ADMIN

    def client(self, token: str | None = ADMIN) -> Client:
        return Client(self.http, self.address, token)

    def socket(self, **options: object) -> AbstractAsyncContextManager[Socket]:
        """A socket that is not authenticated yet."""
        return connected(self.address, **options)  # type: ignore[arg-type]


Serve = Callable[..., Awaitable[Api]]
on_shared = pytest.mark.asyncio(loop_scope="session")


def settings_of(database_url: str, folder: Path, **settings: str) -> Settings:
    """Settings for a test; further ones are named as in the environment, in lower case."""
    environ = {
        "ORDERDECK_DATABASE_URL": database_url,
        "ORDERDECK_DATA_DIR": str(folder / "data"),
        "ORDERDECK_ADMIN_TOKEN": ADMIN,
        **{f"ORDERDECK_{name.upper()}": value for name, value in settings.items()},
    }
    return load_settings(environ, folder)


async def tell_no_secret(answer: httpx.Response) -> None:
    """Assert that no answer contains a secret, except the one to createToken."""
    told = (await answer.aread()).decode(errors="replace")
    if b"createToken" not in answer.request.content:
        assert not lines_with_secrets([told, str(answer.headers)])


def hasty() -> LoginThrottle:
    """A login throttle without delays, for tests that are not about them."""
    return LoginThrottle(HastyClock(START))


def never_late() -> float:
    """A loop time without lag, however busy the machine is."""
    return 0.0


@cache
def _unsuspicious() -> ssl.SSLContext:
    """Accepts the certificates of tests; made once, because it takes longer than many a test."""
    return httpx.create_ssl_context(verify=False)


@asynccontextmanager
async def running(
    settings: Settings, parts: Parts, *, grace_seconds: int | None = None, pages: Path = PAGES
) -> AsyncIterator[Api]:
    http = httpx.AsyncClient(
        trust_env=False,
        verify=_unsuspicious(),
        timeout=PATIENCE_SECONDS,
        event_hooks={"response": [tell_no_secret]},
    )
    app = create_app(settings, parts=parts, pages=pages)
    async with serving(app, grace_seconds=grace_seconds) as address, http:
        yield Api(address=address, http=http)


@pytest.fixture
async def serve(
    database_url: str, tmp_path: Path, clock: ManualClock, faults: Faults
) -> AsyncIterator[Serve]:
    """Starts servers with further settings."""
    parts = Parts(clock=clock, login_throttle=hasty(), faults={"paper": faults}, seconds=never_late)
    async with AsyncExitStack() as stack:

        async def serve(**settings: str) -> Api:
            loaded = settings_of(database_url, tmp_path, **settings)
            return await stack.enter_async_context(running(loaded, parts))

        yield serve


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_api(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Api]:
    """One server for all tests that leave nothing behind; its tests are marked `on_shared`."""
    folder = tmp_path_factory.mktemp("shared")
    shutil.copy(sqlite_template, folder / "orderdeck.db")
    settings = settings_of(f"sqlite+aiosqlite:///{folder / 'orderdeck.db'}", folder)
    parts = Parts(clock=ManualClock(START), login_throttle=hasty(), seconds=never_late)
    async with running(settings, parts) as api:
        yield api


@pytest.fixture(scope="session")
def shared_client(shared_api: Api) -> Client:
    return shared_api.client()


@pytest.fixture
async def api(serve: Serve) -> Api:
    return await serve()


@pytest.fixture
def client(api: Api) -> Client:
    """A client with the ADMIN token."""
    return api.client()


@pytest.fixture
async def socket(api: Api) -> AsyncIterator[Socket]:
    """A socket with the ADMIN token."""
    async with api.socket() as socket:
        await socket.init(ADMIN)
        yield socket

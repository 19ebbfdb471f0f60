"""Fixtures for tests of services: authentication and an ADMIN token."""

from collections.abc import Callable

import pytest

from app.domain.access.tokens import Scope, Token
from app.services.access.auth import AuthService
from app.services.access.login_throttle import LoginThrottle
from app.storage.database import Database
from tests.conftest import START
from tests.support.clock import HastyClock, ManualClock


@pytest.fixture
def start(database: Database, clock: ManualClock) -> Callable[[], AuthService]:
    """Makes an AuthService as in another process on the same database."""
    return lambda: AuthService(
        database=database,
        clock=clock,
        account_names=("main", "paper"),
        login_throttle=LoginThrottle(HastyClock(START)),
    )


@pytest.fixture
def auth(start: Callable[[], AuthService]) -> AuthService:
    return start()


@pytest.fixture
async def admin(auth: AuthService) -> Token:
    token, _ = await auth.create(name="the first", scopes=[Scope.ADMIN])
    return token

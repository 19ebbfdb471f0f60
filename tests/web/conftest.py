"""Chromium, and the product with the page built from its present sources."""

import fcntl
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NoReturn

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, async_playwright, expect

from app.runtime import Parts
from app.web.build import WEB, BuildFailed, build, find_npm, find_wheel
from app.web.pages import STATIC
from tests.api.conftest import Api, running, settings_of
from tests.support.api.clients import PATIENCE_SECONDS
from tests.web.visits import NOWHERE_ELSE, Visit


def lack(reason: str) -> NoReturn:
    if os.environ.get("ORDERDECK_TEST_ALL"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium() -> str:
    return shutil.which("chromium") or lack("chromium is not installed: install Debian's")


@pytest.fixture(scope="session")
def built_page() -> None:
    """Built where it is missing or stale, by one process at a time."""
    with (WEB / "package.json").open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        try:
            build(WEB, lambda: find_npm(os.environ.get("PATH", os.defpath), find_wheel()))
        except BuildFailed as failure:
            lack(str(failure))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str, built_page: None) -> AsyncIterator[Browser]:
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium,
            args=[NOWHERE_ELSE],
            chromium_sandbox=os.geteuid() != 0,
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    async with await browser.new_context() as context:
        yield context


@pytest_asyncio.fixture(loop_scope="session")
async def api(context: BrowserContext, sqlite_url: str, tmp_path: Path) -> AsyncIterator[Api]:
    """Stopped before the tabs are closed, so that no socket is halfway closed when it stops."""
    async with running(settings_of(sqlite_url, tmp_path), Parts(), pages=STATIC) as api:
        yield api


@pytest_asyncio.fixture(loop_scope="session")
async def visit(context: BrowserContext, api: Api) -> AsyncIterator[Visit]:
    """In the end the page has asked nobody else for anything, and nothing has complained."""
    visit = Visit(context=context, address=api.address)
    yield visit
    assert visit.elsewhere() == []
    assert visit.complaints == []

"""A visit to GraphiQL in a real browser, of which everything that should not happen is noted."""

import asyncio
import re
from dataclasses import dataclass, field

from playwright.async_api import (
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    WebError,
    WebSocket,
    expect,
)

from tests.support.api.clients import PATIENCE_SECONDS
from tests.support.api.servers import Address

# Chromium asks its maker for news; no name but this machine's leads anywhere.
NOWHERE_ELSE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


@dataclass(kw_only=True)
class Visit:
    """The tabs of one person, who brings nothing from earlier visits."""

    context: BrowserContext
    address: Address
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _has_subscribed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.context.on("request", self._note_request)
        self.context.on("console", self._note_message)
        self.context.on("weberror", self._note_error)
        self.context.on("page", lambda page: page.on("websocket", self._note_socket))

    @property
    def origins(self) -> tuple[str, ...]:
        """What every address that the page asks for begins with."""
        return tuple(it.removesuffix("graphql") for it in (self.address.http, self.address.ws))

    async def open(self, fragment: str = "") -> "Tab":
        """GraphiQL in a new tab."""
        page = await self.context.new_page()
        await page.goto(f"{self.origins[0]}graphiql{fragment}")
        return Tab(page)

    async def subscribed(self) -> None:
        """Return once a subscription was sent."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._has_subscribed.wait()

    def elsewhere(self) -> list[str]:
        """What was asked of anybody but the server."""
        return [address for address in self.requests if not address.startswith(self.origins)]

    def _note_request(self, request: Request) -> None:
        self.requests.append(request.url)

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _note_error(self, error: WebError) -> None:
        self.complaints.append(str(error.error))

    def _note_socket(self, socket: WebSocket) -> None:
        self.requests.append(socket.url)
        socket.on("framesent", self._note_frame)

    def _note_frame(self, frame: str | bytes) -> None:
        if '"type":"subscribe"' in str(frame):
            self._has_subscribed.set()


class Tab:
    """One tab of the browser, by the names that a person reads in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.dialog = page.get_by_role("dialog", name="orderdeck")
        self.notice = self.dialog.get_by_role("alert")
        self.header = page.get_by_role("banner")
        self.examples = page.get_by_role("tab").get_by_role("button", name=re.compile(r"^\w+$"))
        self.result = page.get_by_role("region", name="Result Window")

    async def submit(self, token: str) -> None:
        await self.dialog.get_by_label("Token").fill(token)
        await self.dialog.get_by_role("button", name="Continue").click()

    async def enter(self, token: str) -> None:
        await self.submit(token)
        await expect(self.dialog).to_be_hidden()

    async def run(self, example: str) -> None:
        """Choose an example and run it."""
        await self.examples.filter(has_text=example).click()
        await self._execute.click()

    async def run_in_haste(self, example: str) -> None:
        """Faster than GraphiQL looks at what it shows."""
        await self.examples.filter(has_text=example).dispatch_event("click")
        await self._execute.dispatch_event("click")

    async def storages(self) -> list[str]:
        """What localStorage and sessionStorage hold, as JSON."""
        return [
            await self.page.evaluate(f"JSON.stringify({name})")
            for name in ("localStorage", "sessionStorage")
        ]

    @property
    def _execute(self) -> Locator:
        return self.page.get_by_role("button", name="Execute query")

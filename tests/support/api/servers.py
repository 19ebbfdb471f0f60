"""Serves the whole application on a real port, in the test's own event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette

from app.server.listening import limit_send_buffer
from app.server.server import uvicorn_config

LOOPBACK = "127.0.0.1"
PATIENCE_SECONDS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """The URLs of a server on this machine."""

    port: int

    @property
    def http(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/graphql"

    @property
    def ws(self) -> str:
        return f"ws://{LOOPBACK}:{self.port}/graphql"


class _Server(uvicorn.Server):
    """A uvicorn server that signals when it is ready, and stops at once if it has no grace."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self.stopping = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        await self.on_tick(0)
        self.ready.set()
        await self.stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self.config.timeout_graceful_shutdown is not None:
            await super().shutdown(sockets)
            return
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.lifespan.shutdown()


@asynccontextmanager
async def serving(app: Starlette, *, grace_seconds: int | None = None) -> AsyncIterator[Address]:
    """Serve on a free port as `orderdeck serve` does; with grace, also shut down as it does."""
    # With the protocol named, asyncio sets TCP_NODELAY and sends each part at once.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind((LOOPBACK, 0))
    limit_send_buffer(listener)
    config = uvicorn_config(app, timeout_graceful_shutdown=grace_seconds)
    server = _Server(config)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(server.serve([listener]))
        ready = tasks.create_task(server.ready.wait())
        await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
        try:
            yield Address(port=listener.getsockname()[1])
        finally:
            ready.cancel()
            server.stopping.set()


async def raw(address: Address, *parts: bytes) -> bytes:
    """Send raw bytes, and read the head of the response."""
    async with dialed(address) as (reader, writer):
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await reader.readuntil(b"\r\n\r\n")


@asynccontextmanager
async def dialed(
    address: Address,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A raw TCP connection to the server."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        reader, writer = await asyncio.open_connection(LOOPBACK, address.port)
        try:
            yield reader, writer
        finally:
            writer.close()


async def repeat(writer: asyncio.StreamWriter, data: bytes, times: int) -> None:
    for _ in range(times):
        writer.write(data)
        await writer.drain()

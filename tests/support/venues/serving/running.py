"""Serves a local exchange over HTTP and WebSockets on a port of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from aiohttp import web

from tests.support.venues.serving.http import Rest
from tests.support.venues.serving.local_venue import LocalVenue

V = TypeVar("V", bound=LocalVenue)


@asynccontextmanager
async def running(venue: V, *, port: int = 0, patience_seconds: float = 1.0) -> AsyncIterator[V]:
    """Serve until the block ends; an error inside of the exchange itself fails the test.

    Requests that are still being handled at the end have patience_seconds to finish.
    """
    http = Rest(venue.gate, venue.read)

    async def serve(request: web.BaseRequest) -> web.StreamResponse:
        found = venue.speaker(request.path)
        if found is None:
            return await http.serve(request)
        sockets, speaker = found
        return await sockets.serve(request, speaker)

    runner = web.ServerRunner(web.Server(serve), shutdown_timeout=patience_seconds)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        host, port = runner.addresses[0][:2]
        venue.address = f"{host}:{port}"
        yield venue
    finally:
        http.is_closing.set()
        for sockets in venue.sockets:
            sockets.cut()
        await runner.cleanup()
    if venue.gate.crashes:
        raise ExceptionGroup("the exchange crashed", venue.gate.crashes)

"""Serves the fake Binance over HTTP and WebSockets on a local port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from app.ports import Clock
from tests.support.binance.api.rest import Rest
from tests.support.binance.venue import Venue


@asynccontextmanager
async def running_venue(
    clock: Clock, *, port: int = 0, patience_seconds: float = 1.0
) -> AsyncIterator[Venue]:
    """Serve until the block ends; an error inside of the fake itself fails the test.

    Requests that are still being handled at the end have patience_seconds to finish.
    """
    venue = Venue(clock)
    rest = Rest(venue.gate, venue.now)

    async def serve(request: web.BaseRequest) -> web.StreamResponse:
        if request.path.startswith("/stream"):
            return await venue.market_streams.sockets.serve(request, venue.market_streams)
        if request.path.startswith("/ws-api"):
            return await venue.user_streams.sockets.serve(request, venue.user_streams)
        return await rest.serve(request)

    runner = web.ServerRunner(web.Server(serve), shutdown_timeout=patience_seconds)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        host, port = runner.addresses[0][:2]
        venue.address = f"{host}:{port}"
        yield venue
    finally:
        rest.is_closing.set()
        venue.market_streams.sockets.cut()
        venue.user_streams.sockets.cut()
        await runner.cleanup()
    if venue.gate.crashes:
        raise ExceptionGroup("the exchange crashed", venue.gate.crashes)

"""A local exchange over HTTP: responses, and faults of the connection."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from tests.support.venues.serving.faults import Answer, Cut, Outcome, Silence, page
from tests.support.venues.serving.gate import Gate
from tests.support.venues.serving.requests import Request, RequestKind

_NOT_FOUND = page(404, "404 Not Found").outcome


class Rest:
    """Serves what read makes of each HTTP request."""

    def __init__(self, gate: Gate, read: Callable[[web.BaseRequest], Awaitable[Request]]) -> None:
        self.is_closing = asyncio.Event()
        self._gate = gate
        self._read = read

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        read = await self._read(request)
        if read.kind is RequestKind.UNKNOWN:
            self._gate.journal.write(read)
            return await self._send(request, _NOT_FOUND)
        return await self._send(request, await self._gate.admit(read))

    async def _send(self, request: web.BaseRequest, outcome: Outcome) -> web.StreamResponse:
        match outcome:
            case Cut():
                return _cut(request)
            case Silence():
                await self.is_closing.wait()
                return _cut(request)
            case Answer(is_cut_short=True):
                return await _send_half(request, outcome)
            case Answer():
                return _response(outcome)


def _response(answer: Answer) -> web.Response:
    return web.Response(
        status=answer.status,
        body=answer.body,
        headers=answer.headers,
        content_type=answer.content_type,
    )


def _cut(request: web.BaseRequest) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=499)


async def _send_half(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_type = answer.content_type
    response.content_length = len(answer.body)
    await response.prepare(request)
    await response.write(answer.body[: len(answer.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response

"""A GraphQL client over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from app.cli.client.endpoints import Endpoint
from app.cli.client.responses import Data, Disconnected, Refused, reason_of, require_data

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 60.0


class ApiClient:
    """Sends documents by POST, each with a deadline."""

    def __init__(self, http: httpx.AsyncClient, endpoint: Endpoint) -> None:
        self._http = http
        self._url = endpoint.url

    async def ask(self, document: str, **variables: object) -> Data:
        body = {"query": document, "variables": variables}
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await self._http.post(self._url, json=body)
        except TimeoutError:
            raise Disconnected(f"{self._url} does not answer") from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise Disconnected(f"{self._url} cannot be reached: {reason_of(error)}") from None
        return require_data(self._read(answer), self._url)

    def _read(self, answer: httpx.Response) -> object:
        """A response that is not JSON comes from a proxy on the way, or is not an orderdeck's."""
        try:
            return answer.json()
        except ValueError:
            words = f"{self._url} answers {answer.status_code}"
        if answer.is_server_error:
            raise Disconnected(f"{words}: what stands before the server cannot reach it")
        raise Refused(f"{words} and no JSON: it is no orderdeck")


@asynccontextmanager
async def api_client(endpoint: Endpoint) -> AsyncIterator[ApiClient]:
    async with httpx.AsyncClient(
        headers={"Authorization": endpoint.bearer},
        timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
        trust_env=not endpoint.is_here,
        verify=endpoint.tls or False,
    ) as http:
        yield ApiClient(http, endpoint)

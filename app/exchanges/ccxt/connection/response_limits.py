"""Answers of an exchange, read up to a bound: what is larger is cut off and never parsed."""

from typing import Any

from aiohttp import ClientPayloadError, ClientResponse, ClientSession

# The list of every market of a large exchange takes some fifteen.
LARGEST_ANSWER_BYTES = 32 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024


class AnswerTooLarge(ClientPayloadError):
    """An answer that no exchange has to give."""


class BoundedResponse(ClientResponse):
    """Counts what arrives, unpacked, and hangs up where it is too much."""

    async def read(self) -> bytes:
        if self._body is None:
            self._body = await self._bounded()
        return self._body

    async def _bounded(self) -> bytes:
        body = bytearray()
        if (self.content_length or 0) > LARGEST_ANSWER_BYTES:
            raise self._too_large()
        async for chunk in self.content.iter_chunked(_CHUNK_BYTES):
            body += chunk
            if len(body) > LARGEST_ANSWER_BYTES:
                raise self._too_large()
        return bytes(body)

    def _too_large(self) -> AnswerTooLarge:
        self.close()
        return AnswerTooLarge(f"an answer of more than {LARGEST_ANSWER_BYTES} bytes")


def bound_answers(client: Any) -> None:
    """Have everything that this client of ccxt asks over HTTP read in that way."""
    client.open()
    client.session.detach()
    client.session = ClientSession(
        connector=client.tcp_connector,
        trust_env=client.aiohttp_trust_env,
        response_class=BoundedResponse,
    )

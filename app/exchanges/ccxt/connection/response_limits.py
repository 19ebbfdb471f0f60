"""BoundedResponse: limits the size of HTTP responses; a larger one is cut off and never parsed."""

from typing import Any

from aiohttp import ClientPayloadError, ClientResponse, ClientSession

# A large exchange's list of all markets takes about 15 MiB.
LARGEST_ANSWER_BYTES = 32 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024


class AnswerTooLarge(ClientPayloadError):
    """A response larger than any that an exchange needs to send."""


class BoundedResponse(ClientResponse):
    """Counts the decompressed bytes that arrive, and hangs up if there are too many."""

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
    """Make this ccxt client read every HTTP response through BoundedResponse."""
    client.open()
    client.session.detach()
    client.session = ClientSession(
        connector=client.tcp_connector,
        trust_env=client.aiohttp_trust_env,
        response_class=BoundedResponse,
    )

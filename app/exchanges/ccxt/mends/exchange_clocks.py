"""Lets logins to streams go by the exchange's clock, as requests do."""

from typing import Any


def go_by_its_seconds(client: Any) -> None:
    """Where ccxt signs a login with its own `seconds`."""
    client.seconds = lambda: int(client.nonce()) // 1000


def go_by_its_milliseconds(client: Any) -> None:
    """Where ccxt signs a login with its own `milliseconds`, of which it also makes the nonce."""
    own = client.milliseconds

    def corrected() -> int:
        return int(own() - client.options.get("timeDifference", 0))

    client.own_milliseconds, client.milliseconds, client.nonce = own, corrected, corrected


def own_milliseconds(client: Any) -> int:
    """The clock of this machine, whatever the client goes by."""
    return int(getattr(client, "own_milliseconds", client.milliseconds)())

"""Asks for the kind of an account without guessing it where there is no answer."""

from collections.abc import Mapping
from typing import Any

from app.exchanges.ccxt.parsing.key_permissions import at

_UNIFIED = "2"
_OPTION = "unifiedAccount"


def insist_on_kind(client: Any) -> None:
    """Let this ccxt client fail where it would take a failed question for a classic account.

    It would then look for the orders of a unified account where they are not, and find none.
    """

    async def load_unified_status(params: Mapping[str, Any] | None = None) -> bool:
        if client.options.get(_OPTION) is None:
            detail = await client.private_account_get_detail(params or {})
            client.options[_OPTION] = str(at(detail, ("key", "mode"))) == _UNIFIED
        return client.options[_OPTION] is True

    client.load_unified_status = load_unified_status

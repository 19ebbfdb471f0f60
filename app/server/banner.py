"""The banner that is printed when the server is ready: modes, URLs, token and data folder."""

import socket

from app import __version__
from app.domain.access.tokens import ADMIN_FILE
from app.domain.accounts import AccountMode
from app.server.listening import base_url
from app.settings import Settings


def banner(settings: Settings, listener: socket.socket) -> str:
    url = base_url(*listener.getsockname()[:2], is_tls=settings.tls_cert is not None)
    return "\n".join(
        (
            f"orderdeck {__version__}: {_modes(settings)}",
            f"  open   {url}/graphiql",
            f"  API    {url}/graphql",
            f"  token  {_place_of_token(settings)}",
            f"  data   {settings.data_dir}",
        )
    )


def _modes(settings: Settings) -> str:
    """The accounts by mode; real money comes first, so that nobody can overlook it."""
    modes = {
        mode: [name for name, account in settings.accounts.items() if account.mode is mode]
        for mode in (AccountMode.LIVE, AccountMode.SANDBOX, AccountMode.PAPER)
    }
    named = [f"{mode} {', '.join(names)}" for mode, names in modes.items() if names]
    if modes[AccountMode.LIVE]:
        return f"{'; '.join(named)}. LIVE TRADES REAL MONEY"
    if modes[AccountMode.SANDBOX]:
        return f"{'; '.join(named)}. No real money moves"
    return f"{AccountMode.PAPER}, fills are simulated and no money moves"


def _place_of_token(settings: Settings) -> str:
    if settings.admin_token is not None:
        return "the ADMIN token that the settings give"
    path = settings.data_dir / ADMIN_FILE
    if path.exists():
        return f"{path} (ADMIN)"
    return "was made before, its file is gone: `orderdeck token create` makes another"

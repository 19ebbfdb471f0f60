"""Asks the auth service whether a token is accepted."""

from app.errors import Unauthenticated
from app.services.access.auth import AuthService

HERE = "127.0.0.1"


async def is_let_in(auth: AuthService, secret: str) -> bool:
    try:
        await auth.authenticate(secret, HERE)
    except Unauthenticated:
        return False
    return True

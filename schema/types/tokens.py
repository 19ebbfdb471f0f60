"""API tokens, the viewer who is asking with one, and inputs and results of token mutations."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import strawberry

from app import __version__
from app.domain.access import tokens as domain
from app.domain.access.tokens import Scope
from schema import ids
from schema.context import Info
from schema.limits.budgets import Limits, read_limits
from schema.types.nodes import Node
from schema.types.orders import Refusal

strawberry.enum(Scope)


@strawberry.type
class Viewer:
    name: str
    scopes: list[Scope]
    account_names: list[str] | None
    version: str

    @strawberry.field
    def limits(self, info: Info) -> Limits:
        return read_limits(info)

    @classmethod
    def of(cls, token: domain.Token) -> "Viewer":
        return cls(
            name=token.name,
            scopes=list(token.scopes),
            account_names=_names(token.account_names),
            version=__version__,
        )


@strawberry.type
class ApiToken(Node):
    id: strawberry.ID
    name: str
    scopes: list[Scope]
    account_names: list[str] | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, token: domain.Token) -> "ApiToken":
        return cls(
            id=ids.encode(ids.Kind.TOKEN, token.id),
            name=token.name,
            scopes=list(token.scopes),
            account_names=_names(token.account_names),
            created_at=token.created_at,
            expires_at=token.expires_at,
            last_used_at=token.last_used_at,
            revoked_at=token.revoked_at,
        )


def _names(names: Sequence[str] | None) -> list[str] | None:
    return None if names is None else list(names)


@strawberry.input
class CreateTokenInput:
    name: str
    scopes: list[Scope]
    account_names: list[str] | None = None
    expires_at: datetime | None = None


@strawberry.type
class CreateTokenSuccess:
    token: ApiToken
    secret: str


@strawberry.type
class RevokeTokenSuccess:
    token: ApiToken


CreateTokenResult = Annotated[CreateTokenSuccess | Refusal, strawberry.union("CreateTokenResult")]
RevokeTokenResult = Annotated[RevokeTokenSuccess | Refusal, strawberry.union("RevokeTokenResult")]

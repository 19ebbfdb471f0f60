"""The Account type and the capabilities of its exchange."""

from datetime import datetime

import strawberry

from app.domain import accounts as domain
from app.domain.order_kinds import OrderType, TimeInForce
from schema import ids
from schema.context import Context, Info
from schema.types.nodes import Node

strawberry.enum(domain.AccountMode)
strawberry.enum(domain.Connectivity)


@strawberry.type
class AccountCapabilities:
    order_types: list[OrderType]
    time_in_force: list[TimeInForce]
    amend_order: bool
    streaming_orders: bool
    streaming_tickers: bool
    positions: bool

    @classmethod
    def of(cls, can: domain.Capabilities) -> "AccountCapabilities":
        return cls(
            order_types=list(can.order_types),
            time_in_force=list(can.time_in_force),
            amend_order=can.amend_order,
            streaming_orders=can.streaming_orders,
            streaming_tickers=can.streaming_tickers,
            positions=can.positions,
        )


@strawberry.type
class Account(Node):
    id: strawberry.ID
    name: str
    exchange: str
    mode: domain.AccountMode
    connectivity: domain.Connectivity
    connectivity_detail: str | None
    last_reconciled_at: datetime | None
    capabilities: AccountCapabilities

    @classmethod
    def of(cls, account: domain.Account) -> "Account":
        return cls(
            id=ids.encode(ids.Kind.ACCOUNT, account.name),
            name=account.name,
            exchange=account.exchange,
            mode=account.mode,
            connectivity=account.connection.connectivity,
            connectivity_detail=account.connection.detail,
            last_reconciled_at=account.last_reconciled_at,
            capabilities=AccountCapabilities.of(account.capabilities),
        )

    @classmethod
    def named(cls, name: str, context: Context) -> "Account":
        accounts = context.services.accounts
        return cls.of(accounts.describe(accounts.get(name)))


def visible_accounts(info: Info) -> list[Account]:
    context = info.context
    entries = context.services.accounts.visible(context.viewer)
    return [Account.named(entry.name, context) for entry in entries]

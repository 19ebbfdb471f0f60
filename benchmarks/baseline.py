"""The server to compare with, as in tutorials: Strawberry, async ORM, a queue per subscriber.

It takes the same documents as orderdeck, but has no tokens, exchange, balance checks or resuming:
each order is one commit and one update.
"""

import asyncio
import socket
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, cast
from uuid import uuid4

import strawberry
import uvicorn
from sqlalchemy import JSON, ForeignKey, String, event
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL

PRICE = Decimal(64000)
BUSY_SECONDS = 30


class Base(DeclarativeBase):
    pass


class OrderRow(Base):
    __tablename__ = "orders"

    id: Mapped[str] = mapped_column(primary_key=True)
    client_order_id: Mapped[str] = mapped_column(String(36), unique=True)
    symbol: Mapped[str] = mapped_column(index=True)
    side: Mapped[str]
    type: Mapped[str]
    status: Mapped[str]
    amount: Mapped[str]
    filled: Mapped[str]
    average_price: Mapped[str]
    cost: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(index=True)
    updated_at: Mapped[datetime]


class EventRow(Base):
    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), index=True)
    kind: Mapped[str]
    order: Mapped[dict[str, str]] = mapped_column(JSON)


@strawberry.enum
class OrderSide(Enum):
    BUY = "BUY"
    SELL = "SELL"


@strawberry.enum
class OrderType(Enum):
    MARKET = "MARKET"


@strawberry.enum
class OrderStatus(Enum):
    FILLED = "FILLED"


@strawberry.type
class Order:
    id: strawberry.ID
    client_order_id: str
    symbol: str
    side: OrderSide
    type: OrderType
    status: OrderStatus
    amount: Decimal
    filled: Decimal
    average_price: Decimal
    cost: Decimal
    created_at: datetime
    updated_at: datetime


@strawberry.type
class OrderUpdate:
    cursor: str
    kind: str
    order: Order


@strawberry.type
class PlaceOrderSuccess:
    order: Order


@strawberry.type
class Refusal:
    code: str
    message: str


@strawberry.input
class PlaceOrderInput:
    client_order_id: str
    symbol: str
    side: OrderSide
    type: OrderType
    amount: Decimal


@dataclass
class Store:
    sessions: async_sessionmaker[AsyncSession]
    subscribers: set[asyncio.Queue[OrderUpdate]] = field(default_factory=set)

    async def place(self, input: PlaceOrderInput) -> Order:
        row = _new_row(input)
        snapshot = {"id": row.id, "status": row.status, "filled": row.filled}
        logged = EventRow(order_id=row.id, kind="FILL", order=snapshot)
        async with self.sessions() as session:
            session.add(row)
            await session.flush()
            session.add(logged)
            await session.commit()
        order = _to_order(row)
        for queue in self.subscribers:
            queue.put_nowait(OrderUpdate(cursor=str(logged.id), kind=logged.kind, order=order))
        return order


Info = strawberry.Info[dict[str, Any], None]


def store_of(info: Info) -> Store:
    return cast("Store", info.context["store"])


@strawberry.type
class Query:
    @strawberry.field
    def is_alive(self) -> bool:
        return True


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def place_order(
        self, info: Info, input: PlaceOrderInput
    ) -> Annotated[PlaceOrderSuccess | Refusal, strawberry.union("PlaceOrderResult")]:
        if input.amount <= 0:
            return Refusal(code="BAD_AMOUNT", message="amount must be above zero")
        return PlaceOrderSuccess(order=await store_of(info).place(input))


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def order_updates(self, info: Info) -> AsyncGenerator[OrderUpdate, None]:
        subscribers = store_of(info).subscribers
        queue: asyncio.Queue[OrderUpdate] = asyncio.Queue()
        subscribers.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            subscribers.discard(queue)


class Endpoint(GraphQL[dict[str, Any], None]):
    def __init__(self, store: Store) -> None:
        super().__init__(strawberry.Schema(Query, Mutation, Subscription))
        self._store = store

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> dict[str, Any]:
        return {"request": request, "response": response, "store": self._store}


def create_app(database: Path) -> Starlette:
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{database}", connect_args={"timeout": BUSY_SECONDS}
    )
    event.listen(engine.sync_engine, "connect", _make_durable)
    endpoint = Endpoint(Store(async_sessionmaker(engine, expire_on_commit=False)))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await _create_tables(engine)
        yield
        await engine.dispose()

    routes = [Route("/graphql", endpoint), WebSocketRoute("/graphql", endpoint)]
    return Starlette(routes=routes, lifespan=lifespan)


def serve(database: Path) -> None:
    """Serve on any free port, with the same uvicorn options as orderdeck."""
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        print(f"  API    http://127.0.0.1:{listener.getsockname()[1]}/graphql", flush=True)
        config = uvicorn.Config(
            create_app(database),
            loop="uvloop",
            http="httptools",
            ws="websockets-sansio",
            ws_max_size=256 * 1024,
            ws_per_message_deflate=False,
            backlog=2048,
            lifespan="on",
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=5,
        )
        uvicorn.Server(config).run([listener])


async def _create_tables(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)


def _make_durable(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _new_row(input: PlaceOrderInput) -> OrderRow:
    now = datetime.now(UTC)
    return OrderRow(
        id=uuid4().hex,
        client_order_id=input.client_order_id,
        symbol=input.symbol,
        side=input.side.value,
        type=input.type.value,
        status=OrderStatus.FILLED.value,
        amount=str(input.amount),
        filled=str(input.amount),
        average_price=str(PRICE),
        cost=str(PRICE * input.amount),
        created_at=now,
        updated_at=now,
    )


def _to_order(row: OrderRow) -> Order:
    return Order(
        id=strawberry.ID(row.id),
        client_order_id=row.client_order_id,
        symbol=row.symbol,
        side=OrderSide(row.side),
        type=OrderType(row.type),
        status=OrderStatus(row.status),
        amount=Decimal(row.amount),
        filled=Decimal(row.filled),
        average_price=Decimal(row.average_price),
        cost=Decimal(row.cost),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


if __name__ == "__main__":
    serve(Path(sys.argv[1]))

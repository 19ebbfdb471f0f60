"""The Node interface of all types that can be fetched by id."""

import strawberry


@strawberry.interface
class Node:
    id: strawberry.ID

"""The one interface of everything that has an id."""

import strawberry


@strawberry.interface
class Node:
    id: strawberry.ID

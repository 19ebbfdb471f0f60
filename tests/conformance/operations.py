"""What the clients ask."""

from typing import Any

PLACE = """
mutation Place($input: PlaceOrderInput!) {
  placeOrder(input: $input) {
    __typename
    ... on PlaceOrderSuccess { order { clientOrderId status } }
    ... on Refusal { code message }
  }
}
"""
UPDATES = """
subscription Updates($after: Cursor) {
  orderUpdates(after: $after) { cursor kind order { clientOrderId } }
}
"""
AS_OF = "{ orders { asOf } }"
WHO = "{ viewer { name } }"
CREATE = """
mutation Create($name: String!) {
  createToken(input: { name: $name, scopes: [READ] }) {
    ... on CreateTokenSuccess { secret token { id } }
  }
}
"""
REVOKE = "mutation Revoke($id: ID!) { revokeToken(id: $id) { __typename } }"
KINDS = ["SUBMITTED", "ACCEPTED", "FILL"]


def order(name: str) -> dict[str, Any]:
    """One that is filled at once."""
    return {
        "symbol": "BTC/USDT",
        "side": "BUY",
        "type": "MARKET",
        "amount": "0.001",
        "clientOrderId": name,
    }

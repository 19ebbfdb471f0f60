"""The GraphQL documents that the client sends."""

_ORDER = """
    id clientOrderId exchangeOrderId account { name } symbol side type timeInForce status isOpen
    amount price triggerPrice filled remaining averagePrice cost fees { currency amount }
    reduceOnly source strategy metadata refusal { code message }
    createdAt updatedAt closedAt revision
"""

ORDERS = f"""
query Orders($filter: OrderFilter, $first: Int, $after: Cursor) {{
  orders(filter: $filter, first: $first, after: $after) {{
    totalCount
    asOf
    pageInfo {{ hasNextPage endCursor }}
    nodes {{ {_ORDER} }}
  }}
}}
"""

NOW = """
query Now($filter: OrderFilter) {
  orders(filter: $filter, first: 1) { asOf }
}
"""

UPDATES = f"""
subscription Updates($filter: OrderFilter, $after: Cursor) {{
  orderUpdates(filter: $filter, after: $after) {{
    cursor
    kind
    at
    previousStatus
    order {{ {_ORDER} }}
    fill {{ exchangeTradeId price amount fee {{ currency amount }} isMaker at }}
    reason
  }}
}}
"""

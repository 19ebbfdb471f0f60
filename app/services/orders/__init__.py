"""Placing, amending and canceling orders: the gate, the ledger, the exchange and the update log."""

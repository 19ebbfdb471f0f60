"""A paper account: its ledger, admission, resting orders, matching, margin and liquidation."""

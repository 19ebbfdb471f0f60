"""One account on the paper exchange: its ledger, its resting orders and how they are matched."""

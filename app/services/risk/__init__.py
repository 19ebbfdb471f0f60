"""Risk limits, the kill switch, the dead-man switch, the loss guard and trading windows."""

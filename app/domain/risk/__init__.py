"""Risk limits, trading state, dead-man switches, and the trading window."""

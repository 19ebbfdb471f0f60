"""The trading bot: its state, its cycle, how it stops, and the strategies it runs."""

"""The bot's states, its signals, and the orders they come to."""

"""The bot's states and assignments, and the orders that its signals become."""

"""The orders and watch commands, and the API client that they share."""

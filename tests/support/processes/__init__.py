"""Servers as processes, to be killed and loaded, and checks of their database afterwards."""

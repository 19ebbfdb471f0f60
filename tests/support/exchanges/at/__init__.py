"""The rig at each local exchange."""

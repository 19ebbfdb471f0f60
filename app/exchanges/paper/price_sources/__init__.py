"""Where a paper account's prices come from: simulated, or mirrored from a real exchange."""

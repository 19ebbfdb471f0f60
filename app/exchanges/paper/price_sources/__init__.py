"""A paper account's price sources: simulated, or mirrored from a real exchange."""

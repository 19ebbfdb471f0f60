"""Orders from request to last fill: states, checks of the gate, changes, and imports."""

"""An order from request to last fill: its states, the checks in front of it, and every change."""

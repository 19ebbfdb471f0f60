"""What accounts hold, what it is worth, and how that changes over time."""

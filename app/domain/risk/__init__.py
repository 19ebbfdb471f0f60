"""Risk limits, trading state, and the hours in which entries are allowed."""

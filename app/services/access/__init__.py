"""Who may come in, how much they may ask for, and what they tried to change."""

"""What a document may ask for: its size, its cost, and the budget of the token that asks."""

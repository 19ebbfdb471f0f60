"""Pure signal rules, and the table of their names."""

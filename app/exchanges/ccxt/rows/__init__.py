"""What is particular about each exchange: the columns, a row for each, and the table of them."""

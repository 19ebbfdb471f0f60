"""What every local exchange shares between its protocol and its books: requests and faults."""

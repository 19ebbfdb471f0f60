"""What stands in for the world in tests: see README.md beside this file."""

"""What is asked of an exchange by request, and checked before it is sent."""

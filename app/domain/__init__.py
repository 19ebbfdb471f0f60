"""What trading means here: values and rules, without I/O, clock or tasks."""

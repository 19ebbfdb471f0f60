"""The domain: trading's values and rules, without I/O, clock or tasks."""

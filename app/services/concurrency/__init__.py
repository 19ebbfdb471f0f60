"""Tools for many callers at once: fair scheduling, and one answer for all who ask the same."""

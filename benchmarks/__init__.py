"""Benchmarks of orderdeck, some of them beside a plain Strawberry server on the same machine."""

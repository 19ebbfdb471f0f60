"""orderdeck: a self-hosted GraphQL API for trading crypto on exchanges."""

__version__ = "0.1.0"

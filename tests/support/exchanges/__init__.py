"""Fake exchanges and rigs around real adapters, for tests of ExchangeGateway."""

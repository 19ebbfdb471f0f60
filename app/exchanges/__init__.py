"""Adapters of the exchange port, and nothing that anybody else may import but the runtime."""

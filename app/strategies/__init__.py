"""Trading strategies: the interface, the built-in ones, the catalog, and the worker process."""

"""The web server: limits on slow clients, TLS, request ids, logs and an orderly stop."""

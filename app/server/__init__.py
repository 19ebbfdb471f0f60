"""The web server: uvicorn's protocols with limits on slow clients, TLS, request ids, logs and an orderly stop."""

"""The commands that ask a running server over its API, and the client they share."""

"""Requests to services over HTTP: bounded time, one address, secrets never shown."""

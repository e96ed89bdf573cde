"""Asking a service over HTTP: bounded patience, one address, no secret shown."""

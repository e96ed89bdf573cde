"""The order of work of `run`. Prints nothing: what it does is reported to a `Progress`."""

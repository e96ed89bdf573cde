"""One run from config to records. It prints nothing: progress is reported to a `Progress`."""

"""GenEvent: processes that hand events to handlers."""

"""The chat that is served when nothing else is named."""

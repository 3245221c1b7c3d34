"""GenStatem: processes that are state machines."""

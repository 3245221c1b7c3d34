"""A gateway put together, opened, served and drained."""

"""Every limit and timeout: the frozen value, and where it comes from."""

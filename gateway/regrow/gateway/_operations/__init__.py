"""What an operator sees: metrics."""

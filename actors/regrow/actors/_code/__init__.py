"""Hot code reload."""

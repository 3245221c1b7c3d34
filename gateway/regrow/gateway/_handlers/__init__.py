"""The process of one connection."""

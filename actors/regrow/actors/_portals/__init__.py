"""A node for programs that are not trio."""

"""Sockets: listening, reading, corked writing, and connections that outlive the processes that serve them."""

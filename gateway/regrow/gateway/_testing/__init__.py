"""Testing channels without sockets: a gateway in memory, clients of it, and what a test may claim about them."""

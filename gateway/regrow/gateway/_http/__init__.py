"""What goes over HTTP, without a socket: requests, responses, the opening handshake, origins."""

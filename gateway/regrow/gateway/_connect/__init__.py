"""``regrow connect``: a terminal client for channels and for plain WebSockets."""

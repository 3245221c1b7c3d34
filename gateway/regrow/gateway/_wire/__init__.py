"""What goes over a WebSocket, without a socket: frames, masking, the decoder."""

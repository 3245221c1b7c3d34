"""Phoenix Channels: sockets, channels, and their messages."""

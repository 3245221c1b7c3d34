"""System messages: what every behaviour answers beside its own protocol."""

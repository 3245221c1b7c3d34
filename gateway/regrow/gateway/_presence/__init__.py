"""Presence: who is in a topic, and how its clients hear of it."""

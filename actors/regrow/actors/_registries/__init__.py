"""Registries and process groups: who is found under which key."""

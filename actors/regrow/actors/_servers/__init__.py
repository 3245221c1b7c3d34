"""Processes that answer requests: calls, casts, GenServer, Agent."""

"""Interrupting a process that keeps the others waiting."""

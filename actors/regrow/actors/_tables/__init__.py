"""Tables: rows in memory that a process owns."""

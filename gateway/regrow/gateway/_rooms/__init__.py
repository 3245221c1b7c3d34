"""Rooms: one process for each topic that wants one, which orders what its members say."""

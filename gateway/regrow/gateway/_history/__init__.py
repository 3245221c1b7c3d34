"""What was broadcast on a topic: kept, numbered, stored, and given to who missed it."""

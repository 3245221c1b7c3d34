"""pykka's actors: its contract on our processes, and its threads as processes."""

"""What one process is: identity, mailbox, links, monitors, names, timers, drivers, the tick, the node."""

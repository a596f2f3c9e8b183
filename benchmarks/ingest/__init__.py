"""How fast events are taken in, at what cost, and how that compares."""

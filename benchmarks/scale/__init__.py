"""Whether a store stays as fast when it holds a hundred times as much."""

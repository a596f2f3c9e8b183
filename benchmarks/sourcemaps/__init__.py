"""Measure source maps: building an index, resolving frames, and the server's memory meanwhile."""

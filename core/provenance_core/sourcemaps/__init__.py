"""Turn source maps into packed indexes, and positions of generated code into those of the original."""

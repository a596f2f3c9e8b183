"""Give people the operations in a terminal."""

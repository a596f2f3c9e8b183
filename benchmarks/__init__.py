"""Measurements of Provenance, and of a peer beside it."""

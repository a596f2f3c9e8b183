"""Serve the operations and the ingest doors over HTTP."""

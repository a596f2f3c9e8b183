"""Load every module that implements operations."""

from provenance_server import (
    directory_operations,
    explain_operations,
    interaction_operations,
    issue_operations,
    release_operations,
    sourcemap_explaining,
    sourcemap_operations,
)

__all__ = [
    "directory_operations",
    "explain_operations",
    "interaction_operations",
    "issue_operations",
    "release_operations",
    "sourcemap_explaining",
    "sourcemap_operations",
]

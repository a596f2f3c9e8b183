"""Load every module that implements operations."""

from provenance_server import (
    activity_operations,
    change_operations,
    directory_operations,
    explain_operations,
    interaction_operations,
    issue_operations,
    key_operations,
    release_operations,
    sourcemap_explaining,
    sourcemap_operations,
)

__all__ = [
    "activity_operations",
    "change_operations",
    "directory_operations",
    "explain_operations",
    "interaction_operations",
    "issue_operations",
    "key_operations",
    "release_operations",
    "sourcemap_explaining",
    "sourcemap_operations",
]

"""The entities that every store has from its creation and nobody can change."""

from __future__ import annotations

from uuid import UUID

from provenance_core.events import ErrorAction
from provenance_core.ids import uuid7
from provenance_core.origins import SYSTEM_ACTIONS, SYSTEM_RESOURCE_TYPE

ERROR_TYPE_ID: UUID = uuid7(0, 1)
ACTION_IDS: dict[ErrorAction, UUID] = {action: uuid7(0, 16 + n) for n, action in enumerate(SYSTEM_ACTIONS)}


def resource_type_rows() -> list[dict[str, object]]:
    """Return the system's resource types."""
    return [_row(ERROR_TYPE_ID, SYSTEM_RESOURCE_TYPE, "Error")]


def action_rows() -> list[dict[str, object]]:
    """Return the system's actions."""
    return [_row(ACTION_IDS[action], action.value, name) for action, name in SYSTEM_ACTIONS.items()]


def _row(identity: UUID, mnemonic: str, name: str) -> dict[str, object]:
    return {"id": identity, "mnemonic": mnemonic, "name": name, "system": True, "created_at": 0}

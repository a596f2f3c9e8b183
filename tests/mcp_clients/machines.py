"""Where clients go: a machine, and the server that runs on it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.factory import make_origin, payload, report
from tests.processes import Installation

from provenance_storage.store import Store


@dataclass(frozen=True)
class Served:
    """A machine with a running server.

    Attributes:
        machine: The machine.
        url: Where its server answers.
        key: What its server asks for, if anything.
    """

    machine: Installation
    url: str
    key: str | None

    @property
    def mcp_url(self) -> str:
        """Return where agents ask."""
        return f"{self.url}/mcp"

    def broken(self, mnemonic: str) -> str:
        """Make an origin with two issues, and return the short id of the first."""
        store = Store.open(self.machine.store_url)
        report(store, make_origin(store, mnemonic), payload(), payload(errorType="Other", causes=[], frames=[]))
        store.close()
        return f"{mnemonic.upper()}-1"

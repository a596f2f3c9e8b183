"""What a refusal says: whom to ask, or what bounds the caller."""

from __future__ import annotations

import pytest

from provenance_core.access import Access, Actor, ActorKind, Scope, included
from provenance_core.errors import Forbidden
from provenance_core.events import Via

READER = Access(Actor(ActorKind.KEY, "reader"), included([Scope.READ]), Via.SERVER)


@pytest.mark.parametrize("scope", [Scope.INGEST, Scope.TRIAGE, Scope.WRITE, Scope.ADMIN])
def test_who_lacks_a_scope_is_told_to_ask_for_it_and_not_how_keys_are_made(scope: Scope) -> None:
    with pytest.raises(Forbidden) as refused:
        READER.require(scope)

    assert refused.value.message == (
        f"This takes the scope `{scope.value}`, and the key has: read. "
        f"Ask who runs this server for a key with the scope `{scope.value}`."
    )
    assert refused.value.details == {"scope": scope.value}


def test_who_may_only_read_is_told_each_way_to_be_bound_so() -> None:
    with pytest.raises(Forbidden) as refused:
        READER.narrowed(read_only=True).require(Scope.TRIAGE)

    for bound in ("--read-only", "`serve`", "PROVENANCE_READ_ONLY", "x-provenance-read-only"):
        assert bound in refused.value.message

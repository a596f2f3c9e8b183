"""Changes of many issues at once: they wait for a person's word, which a model cannot give.

What one caller changed lately counts too, so that fifty calls of one issue are as many as one call of fifty. A client
of the handshake era is asked during the call. In the revision of 2026-07-28 the call is answered with a question, and
comes again with the answer and a state, which is signed and good for this caller, these arguments, five minutes and one
time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import (
    CallToolRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
)
from mcp.types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from provenance_core.errors import Forbidden, InvalidInput, ProvenanceError
from provenance_core.ids import parse_short_id, parse_uuid
from provenance_core.lifecycle import Status
from provenance_core.origins import is_mnemonic
from provenance_server.arguments import LARGEST_LIMIT, UpdateStatuses
from provenance_server.callers import Caller
from provenance_server.operations import LIST_ORIGINS
from provenance_server.parsing import parse_arguments
from provenance_server.worker_threads import in_thread

MOST_UNASKED = 50
WINDOW_SECONDS = 600.0
VALID_SECONDS = 300.0
ANSWER = "agreement"

_NAMED = 10
_PLAIN_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._+/-]{0,79}")
_CALLERS_KEPT = 1_000
_FORM: dict[str, Any] = {
    "type": "object",
    "properties": {"change": {"type": "boolean", "title": "Change them", "default": False}},
    "required": ["change"],
}


@dataclass(frozen=True, slots=True)
class Change:
    """What a call asks for.

    Attributes:
        issues: Of which issues: their ids, written as we write them, each once.
        unreadable: The positions of names in the call that are no ids, from 1.
        status: What they become.
        release: In which release, if the call says.
        digest: All that is asked, for comparison.
    """

    issues: tuple[str, ...]
    unreadable: tuple[int, ...]
    status: Status
    release: str | None
    digest: str


@dataclass(slots=True)
class _Counted:
    at: float
    issues: int


@dataclass(slots=True)
class Permit:
    """Leave to change; what is not changed in the end does not count."""

    counted: _Counted | None = None

    def changed(self, told: object) -> None:
        """Take how many issues were changed: a number, or whether the one was."""
        if self.counted is not None and isinstance(told, int):
            self.counted.issues = int(told)

    def __enter__(self) -> None:
        """Begin the change."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Count nothing where all was refused; a call that was cancelled may have changed something."""
        if self.counted is not None and isinstance(error, ProvenanceError):
            self.counted.issues = 0


@dataclass(slots=True)
class MassChanges:
    """Say which changes of status may go ahead; it is asked from one thread only.

    Args:
        clock: Tells seconds that never go back.
    """

    clock: Callable[[], float]
    _secret: bytes = field(default_factory=lambda: os.urandom(32))
    _lately: dict[str, deque[_Counted]] = field(default_factory=dict[str, deque[_Counted]])
    _spent: dict[str, float] = field(default_factory=dict[str, float])

    async def permit(
        self,
        context: ServerRequestContext[Any],
        params: CallToolRequestParams,
        caller: Caller,
        arguments: Mapping[str, Any],
    ) -> Permit | InputRequiredResult:
        """Return the leave to change, or the question that a client of 2026-07-28 has to put.

        Raises:
            InvalidInput: The arguments are wrong or cannot be put to a person, or the state is not one for this call.
            Forbidden: A person has to agree, and did not or cannot be asked.
        """
        change = _change(arguments)
        if params.request_state is not None:
            self._accept(params.request_state, caller, change)
            return _agreed((params.input_responses or {}).get(ANSWER))
        before = self._changed_lately(caller.name)
        if before + len(change.issues) <= MOST_UNASKED:
            counted = _Counted(self.clock(), len(change.issues))
            self._lately.setdefault(caller.name, deque()).append(counted)
            return Permit(counted)
        _require_plain(change, await in_thread(lambda: _mnemonics(caller)))
        if not _can_ask(context):
            raise Forbidden(_for_a_person(change, before))
        message = _question(change, before)
        if context.protocol_version in MODERN_PROTOCOL_VERSIONS:
            form = ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=_FORM))
            return InputRequiredResult(input_requests={ANSWER: form}, request_state=self._state(caller, change))
        try:
            answer = await context.session.elicit_form(message, _FORM, context.request_id)
        except (MCPError, ValidationError):  # it cannot ask, or what it answers is no answer
            raise Forbidden(_for_a_person(change, before)) from None
        return _agreed(answer)

    def _changed_lately(self, caller: str) -> int:
        now = self.clock()
        if len(self._lately) > _CALLERS_KEPT:
            self._lately = {name: kept for name, kept in self._lately.items() if kept and _is_recent(kept[-1], now)}
        counted = self._lately.get(caller, deque())
        while counted and not _is_recent(counted[0], now):
            counted.popleft()
        return sum(entry.issues for entry in counted)

    def _state(self, caller: Caller, change: Change) -> str:
        """Return the state of a question: until when it holds, a number of its own, and our signature."""
        ends = self.clock() + VALID_SECONDS
        body = json.dumps([ends, os.urandom(8).hex()], separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(body).decode() + "." + self._signature(body, caller, change)

    def _signature(self, body: bytes, caller: Caller, change: Change) -> str:
        about = json.dumps([caller.name, caller.access.origin, change.digest]).encode()
        return hmac.new(self._secret, body + b"\n" + about, hashlib.sha256).hexdigest()

    def _accept(self, state: str, caller: Caller, change: Change) -> None:
        """Take a state back.

        Raises:
            InvalidInput: It is not ours, of another call, too old, or was taken already.
        """
        head, _, signature = state.partition(".")
        try:
            body = base64.urlsafe_b64decode(head.encode())
        except ValueError:
            body = b""
        now = self.clock()
        self._spent = {spent: ends for spent, ends in self._spent.items() if ends > now}
        genuine = hmac.compare_digest(signature.encode(), self._signature(body, caller, change).encode())
        ends: float = json.loads(body)[0] if genuine else 0.0
        if ends <= now or signature in self._spent:
            raise InvalidInput(
                "This agreement is not one for this call, or no longer: nothing changed. Call again without "
                "`requestState`, with the same arguments throughout."
            )
        self._spent[signature] = ends


def _is_recent(entry: _Counted, now: float) -> bool:
    return entry.at > now - WINDOW_SECONDS


def _change(arguments: Mapping[str, Any]) -> Change:
    """Return what a call asks for; the same issue named twice is one."""
    parsed = parse_arguments(UpdateStatuses, arguments)
    named = (parsed.issue_id,) if isinstance(parsed.issue_id, str) else parsed.issue_id
    ids = [_id(name) for name in named]
    unreadable = tuple(position for position, id_ in enumerate(ids, 1) if id_ is None)
    issues = tuple(dict.fromkeys(id_ or name.casefold() for id_, name in zip(ids, named, strict=True)))
    asked = [sorted(issues), parsed.status.value, parsed.release, parsed.note]
    digest = hashlib.sha256(json.dumps(asked).encode()).hexdigest()
    return Change(issues, unreadable, parsed.status, parsed.release, digest)


def _id(name: str) -> str | None:
    """Return an id or short id as we write it, or None where a name is neither."""
    identity = parse_uuid(name)
    if identity is not None:
        return str(identity)
    parts = parse_short_id(name)
    return f"{parts[0]}-{parts[1]}".upper() if parts is not None and is_mnemonic(parts[0]) else None


def _mnemonics(caller: Caller) -> frozenset[str]:
    """Return the mnemonics of the origins that the caller sees; to be called in a worker thread."""
    client = caller.open_client()
    found: set[str] = set()
    cursor: str | None = None
    while True:
        page = client.call(LIST_ORIGINS, {"limit": LARGEST_LIMIT} | ({"cursor": cursor} if cursor else {}))
        found |= {origin.mnemonic.upper() for origin in page.items}
        cursor = page.next_cursor
        if cursor is None:
            return frozenset(found)


def _is_known(issue: str, mnemonics: frozenset[str]) -> bool:
    return parse_uuid(issue) is not None or issue.rpartition("-")[0] in mnemonics


def _require_plain(change: Change, mnemonics: frozenset[str]) -> None:
    """Refuse what a person would have to read in the caller's own words: these may be a lie about the question.

    Raises:
        InvalidInput: A name is no id, or one of no origin that there is, or the release is no plain version.
    """
    if not change.unreadable and not all(_is_known(issue, mnemonics) for issue in change.issues):
        raise InvalidInput(
            "A person would be asked about this change of many issues, and some of the short ids are of no origin that "
            "there is. List the issues to see their ids. Nothing changed."
        )
    if change.unreadable:
        shown = ", ".join(map(str, change.unreadable[:_NAMED]))
        more = len(change.unreadable) - _NAMED
        raise InvalidInput(
            f"A person would be asked about this change of many issues, so each is to be named by its id or short id; "
            f"those at these positions are not: {shown}{f' and {more} more' if more > 0 else ''}. Nothing changed."
        )
    if change.release is not None and not _PLAIN_VERSION.fullmatch(change.release):
        raise InvalidInput(
            "A person would be asked about this change of many issues, so the release is to be a plain version: at "
            "most 80 letters, digits and `@._+/-`. Nothing changed; a person can do it with this release."
        )


def _can_ask(context: ServerRequestContext[Any]) -> bool:
    """Say whether the client can put a form to a person."""
    able = context.session.client_capabilities
    asks = able.elicitation if able is not None else None
    if asks is None or (asks.form is None and asks.url is not None):
        return False
    return context.protocol_version in MODERN_PROTOCOL_VERSIONS or context.session.can_send_request


def _agreed(answer: object) -> Permit:
    """Return the leave to change that a person gave: it does not count as changed without asking.

    Raises:
        Forbidden: They did not agree.
    """
    agreed = isinstance(answer, ElicitResult) and answer.action == "accept" and bool(answer.content)
    if agreed and isinstance(answer, ElicitResult) and (answer.content or {}).get("change") is True:
        return Permit()
    raise Forbidden("The person who was asked did not agree: nothing changed. Ask what they want instead.")


def _question(change: Change, before: int) -> str:
    """Say what is about to happen; of the caller's words there are ids and a plain version."""
    lately = f" It changed {before} in the last ten minutes without asking." if before else ""
    return f"An agent wants to set {_counted(change)} to {change.status.value}{_in(change)}: {_names(change)}.{lately}"


def _for_a_person(change: Change, before: int) -> str:
    lately = f", and {before} were changed in the last ten minutes" if before else ""
    return (
        f"confirmation_required: this would change {_counted(change)}{lately}; more than {MOST_UNASKED} take a "
        "person's agreement, and this client cannot ask for it. Nothing changed. Tell the person, who can do it "
        "themselves at a terminal or over HTTP, or leave it at the few that matter; do not look for another way."
    )


def _counted(change: Change) -> str:
    return f"{len(change.issues)} error issue{'s' if len(change.issues) > 1 else ''}"


def _in(change: Change) -> str:
    if change.release is not None:
        return f" in release {change.release}"
    return " in the newest release" if change.status is Status.RESOLVED else ""


def _names(change: Change) -> str:
    shown = ", ".join(change.issues[:_NAMED])
    more = len(change.issues) - _NAMED
    return f"{shown} and {more} more" if more > 0 else shown

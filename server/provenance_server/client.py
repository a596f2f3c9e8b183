"""Ask for operations: of the local store, or of a server over HTTP, with the same answers and the same refusals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import quote

from provenance_core.access import Access, Scope, ask_for_key
from provenance_core.errors import InvalidInput, ProvenanceError, TooManyRequests, Unauthorized, Unavailable, all_errors
from provenance_core.events import Model
from provenance_server.arguments import Arguments
from provenance_server.operation import Operation
from provenance_server.parsing import parse_arguments

if TYPE_CHECKING:
    import httpx

    from provenance_server.context import Context
    from provenance_server.sourcemap_answers import Upload
    from provenance_server.uploaded_files import UploadedFile
    from provenance_server.uploading import UploadTarget

A = TypeVar("A", bound=Arguments)
R = TypeVar("R", bound=Model)
M = TypeVar("M", bound=Model)
Progress = Callable[[int, int], None]
"""Is told how many bytes are sent, and of how many."""

TIMEOUT_SECONDS = 60.0
_NO_KEY = "The server asks for a key: set PROVENANCE_API_KEY or --api-key."
_WRONG_KEY = "The server does not know this key, or it was revoked: set another as PROVENANCE_API_KEY or --api-key."

CLIENT_HEADER = "x-userid"
ORIGIN_HEADER = "x-provenance-origin"
READ_ONLY_HEADER = "x-provenance-read-only"
LOCKDOWN_HEADER = "x-provenance-lockdown"
"""What a caller says of itself, and by what it bounds itself: a server takes such bounds as they are, for they only
take away."""


def narrowing_headers(access: Access) -> dict[str, str]:
    """Return the headers by which a server learns who asks and what bounds them."""
    told = " ".join(part for part in (access.actor.client, access.actor.name and f"({access.actor.name})") if part)
    headers = {CLIENT_HEADER: told.encode("ascii", "replace").decode()} if told else {}
    if access.origin is not None:
        headers[ORIGIN_HEADER] = access.origin
    if access.read_only:
        headers[READ_ONLY_HEADER] = "1"
    if access.lockdown:
        headers[LOCKDOWN_HEADER] = "1"
    return headers


class Client(Protocol):
    """Run operations somewhere."""

    def call(self, operation: Operation[A, R], raw: dict[str, Any]) -> R:
        """Run an operation with raw arguments.

        Raises:
            ProvenanceError: Whatever the operation refuses, or what keeps it from being reached.
        """
        ...

    def upload(self, target: UploadTarget, files: Sequence[UploadedFile], progress: Progress | None = None) -> Upload:
        """Upload scripts and source maps: all of them, or nothing where one is refused.

        Args:
            target: Whose they are.
            files: The files.
            progress: Is told how many bytes are sent, and of how many.

        Raises:
            ProvenanceError: Whatever is refused, or what keeps the store from being reached.
        """
        ...

    def close(self) -> None:
        """Let go of the store or the connection."""
        ...


class LocalClient:
    """Run operations on the store of this machine."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def call(self, operation: Operation[A, R], raw: dict[str, Any]) -> R:
        """Run an operation with raw arguments."""
        return operation(self._context, raw)

    def upload(self, target: UploadTarget, files: Sequence[UploadedFile], progress: Progress | None = None) -> Upload:
        """Store scripts and source maps; nothing is sent, and progress tells what is indexed."""
        from provenance_server.uploading import upload  # noqa: PLC0415  # needed by this command only

        return upload(self._context, target, files, progress=progress)

    def close(self) -> None:
        """Close the store."""
        self._context.store.close()


class RemoteClient:
    """Run operations on a server.

    Args:
        api_url: The server's address; an `/api` at its end is left out.
        api_key: The key to present, if any.
        access: Who asks, in whose word, and what bounds them.
        transport: How requests travel; a test may pass its own.
        timeout: How many seconds to wait for each step of a request.

    Raises:
        InvalidInput: The key cannot be one.
    """

    def __init__(
        self,
        api_url: str,
        api_key: str | None,
        access: Access,
        transport: httpx.BaseTransport | None = None,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        import httpx  # noqa: PLC0415  # costs a tenth of a second that the local client need not pay

        self._url = api_url.rstrip("/").removesuffix("/api")
        self._failures = (httpx.HTTPError, httpx.InvalidURL)
        headers = narrowing_headers(access)
        if api_key is not None:
            if not api_key.isascii() or not api_key.isprintable():
                raise InvalidInput("The API key holds characters that no key has; copy it again.")
            headers["x-api-key"] = api_key
        self._http = httpx.Client(headers=headers, timeout=timeout, transport=transport, trust_env=False)

    def call(self, operation: Operation[A, R], raw: dict[str, Any]) -> R:
        """Run an operation with raw arguments; what is wrong with them is said without asking the server."""
        parsed = parse_arguments(operation.arguments, raw)
        values = parsed.model_dump(mode="json", by_alias=True, exclude_unset=True)
        path = operation.path
        for name in operation.arguments.path_arguments:
            path = path.replace(f"{{{name}}}", quote(str(values.pop(name)), safe=""))
        try:
            if operation.method in {"GET", "DELETE"}:
                given = {name: value for name, value in values.items() if value is not None}
                answer = self._http.request(operation.method, self._url + path, params=given)
            else:
                answer = self._http.request(operation.method, self._url + path, json=values)
        except self._failures:
            raise Unavailable(
                f"No server answers at {self._url}. Start it with `provenance serve`, or fix apiUrl."
            ) from None
        return self._read(operation.answer, operation.scope, answer)

    def upload(self, target: UploadTarget, files: Sequence[UploadedFile], progress: Progress | None = None) -> Upload:
        """Send scripts and source maps to the server, as a stream."""
        from provenance_server.sending import send_files  # noqa: PLC0415  # needed by this command only
        from provenance_server.sourcemap_answers import Upload  # noqa: PLC0415  # needed by this command only

        try:
            answer = send_files(self._http, self._url, target, files, progress)
        except self._failures:
            raise Unavailable(
                f"The server at {self._url} did not take the upload; see its log, and try again."
            ) from None
        return self._read(Upload, Scope.WRITE, answer)

    def _read(self, model: type[M], scope: Scope, answer: httpx.Response) -> M:
        try:
            if answer.is_success:
                return model.model_validate_json(answer.content)
            told = answer.json()["error"]
            if told["code"] == Unauthorized.code:
                said = _WRONG_KEY if "x-api-key" in self._http.headers else _NO_KEY
                raise Unauthorized(f"{said} {ask_for_key(scope)}", {"scope": scope.value})
            raise _error(str(told["code"]), str(told["message"]), dict(told.get("details") or {}))
        except (ValueError, KeyError, TypeError, RecursionError):
            raise Unavailable(
                f"What answers at {self._url} is not this version of provenance (HTTP {answer.status_code})."
            ) from None

    def close(self) -> None:
        """Close the connection."""
        self._http.close()


def _error(code: str, message: str, details: dict[str, Any]) -> ProvenanceError:
    """Return the error that a server told; a code we do not know is a fault of the server."""
    kind = all_errors().get(code)
    if kind is TooManyRequests:
        return TooManyRequests(message, int(details.get("retryAfter", 1)))
    return kind(message, details) if kind is not None else Unavailable(message, details)

"""Commands on source maps: upload them, list them, resolve a stack, say why frames are resolved or not."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provenance_cli.options import Cursor, Json, Limit, OriginFilter, OriginOf, examples
from provenance_cli.output import print_json, show, show_page
from provenance_cli.progress import Meter, meter
from provenance_cli.session import arguments, session_of
from provenance_core.clean import quoted
from provenance_core.errors import InvalidInput
from provenance_server.operations import EXPLAIN_SOURCEMAPS, LIST_SOURCEMAPS, RESOLVE_FRAMES
from provenance_server.sourcemap_arguments import LONGEST_STACK

if TYPE_CHECKING:
    from provenance_cli.sourcemap_upload import Report
    from provenance_server.sourcemap_answers import ResolvedStack, SourceMapExplanation

app = typer.Typer(no_args_is_help=True, help="Upload source maps, and see what they make of a stack.")

ReleaseName = Annotated[str, typer.Option("--release", metavar="VERSION", help="The version, as events carry it.")]
UrlPrefix = Annotated[
    str, typer.Option("--url-prefix", metavar="URL", help="What a file's path stands behind; ~ is any scheme and host.")
]
StripPrefix = Annotated[
    str | None,
    typer.Option("--strip-prefix", metavar="PATH", help="Folders to take off the front of the files' paths."),
]


@app.command(
    "upload",
    epilog=examples(
        "sourcemaps upload --origin my-app --release 1.2.3 ./dist",
        "sourcemaps upload --origin my-app --release 1.2.3 --url-prefix '~/static/' ./dist/static",
        "sourcemaps upload --dry-run --strict ./dist",
    ),
)
def upload(
    context: typer.Context,
    *,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Folders that the build wrote, or single files.")],
    origin: OriginOf = None,
    release: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="The version, as events carry it; registered where it is new."),
    ] = None,
    dist: Annotated[str, typer.Option(metavar="NAME", help="The build of the release, where events carry one.")] = "",
    url_prefix: UrlPrefix = "~/",
    strip_prefix: StripPrefix = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only check the files and show their names; nobody is asked.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Let warnings count as errors.")] = False,
    skip_invalid: Annotated[
        bool, typer.Option("--skip-invalid", help="Send the other files where some have errors.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print files, findings and the server's answer as JSON.")
    ] = False,
) -> None:
    """Upload scripts and their source maps.

    Each is checked first; where one has an error, nothing is sent. What is there already is not sent again. All that is
    sent is stored or nothing of it; of more than 256 MiB, that holds for each part of so much, with scripts and their
    maps together.
    """
    from provenance_cli import sourcemap_upload  # noqa: PLC0415  # loads what `--help` does not need
    from provenance_cli.sourcemap_files import Naming, find_files  # noqa: PLC0415  # only uploading reads builds
    from provenance_cli.sourcemap_pairs import check_files  # noqa: PLC0415  # only uploading checks them

    session = session_of(context)
    target = None if dry_run else sourcemap_upload.Target(session.origin(origin), _release(release), dist)
    naming = Naming(url_prefix, strip_prefix)
    with meter() as shown:
        files = check_files(find_files(paths), naming, partial(shown.tell, "Checking"))
    choice = sourcemap_upload.choose(files, strict=strict)
    refused = bool(choice.bad) and not skip_invalid
    if target is None or refused:
        report = sourcemap_upload.checked_only(files, choice)
    else:
        with session.client() as client, meter() as shown:
            report = sourcemap_upload.send(client, target, files, choice, partial(_tell_sent, shown))
    _show_report(report, as_json=as_json)
    if refused or not choice.good:
        raise typer.Exit(1)


def _tell_sent(shown: Meter, done: int, total: int) -> None:
    shown.tell("Sending" if done < total else "Sent, and being indexed", done, total)


def _show_report(report: Report, *, as_json: bool) -> None:
    if as_json:
        print_json(report.to_json())
        return
    from provenance_cli.sourcemap_page import print_report  # noqa: PLC0415  # Rich is for people only

    print_report(report)


@app.command("list", epilog=examples("sourcemaps list --origin my-app --release 1.2.3"))
def list_sourcemaps(
    context: typer.Context,
    *,
    release: ReleaseName,
    origin: OriginOf = None,
    limit: Limit = None,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List what is uploaded for a release, by name.

    Each with what its map holds or lacks.
    """
    session = session_of(context)
    raw = arguments(origin=session.origin(origin), release=release, limit=limit, cursor=cursor)
    with session.client() as client:
        answer = client.call(LIST_SOURCEMAPS, raw)
    show(answer, as_json=as_json)


@app.command(
    "resolve",
    epilog=examples(
        "sourcemaps resolve --origin my-app --release 1.2.3 stack.txt",
        "sourcemaps resolve --origin my-app --release 1.2.3 < stack.txt",
    ),
)
def resolve(
    context: typer.Context,
    *,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The stack's text; - is standard input.")] = "-",
    origin: OriginOf = None,
    release: Annotated[
        str | None, typer.Option(metavar="VERSION", help="The version that the stack comes from.")
    ] = None,
    dist: Annotated[str | None, typer.Option(metavar="NAME", help="The build of the release.")] = None,
    as_json: Json = False,
) -> None:
    """Turn a stack of minified code into one of the original code.

    Nothing is recorded.
    """
    session = session_of(context)
    raw = arguments(origin=session.origin(origin), release=release, dist=dist, stack=_stack(file))
    with session.client() as client:
        answer = client.call(RESOLVE_FRAMES, raw)
    show_page(answer, _print_stack, as_json=as_json)


def _print_stack(answer: ResolvedStack) -> None:
    from provenance_cli.sourcemap_page import print_stack  # noqa: PLC0415  # Rich is for people only

    print_stack(answer)


@app.command("explain", epilog=examples("sourcemaps explain 0193571c-02b8-7e05-b4c6-91d2a7f05e38"))
def explain(
    context: typer.Context,
    event: Annotated[str, typer.Argument(metavar="EVENT", help="The event's id, or its sender's own.")],
    origin: OriginFilter = None,
    as_json: Json = False,
) -> None:
    """Say of each frame of an event which source map was looked for, what was found, and what to do.

    It is looked up now: what was uploaded since the event came counts.
    """
    session = session_of(context)
    with session.client() as client:
        answer = client.call(EXPLAIN_SOURCEMAPS, arguments(id=event, origin=session.origin_filter(origin)))
    show_page(answer, _print_explanation, as_json=as_json)


def _print_explanation(answer: SourceMapExplanation) -> None:
    from provenance_cli.sourcemap_page import print_explanation  # noqa: PLC0415  # Rich is for people only

    print_explanation(answer)


def _release(given: str | None) -> str:
    if not given:
        raise InvalidInput("Which release? Say --release 1.2.3, the version as your events carry it.")
    return given


def _stack(file: str) -> str:
    """Read a stack's text.

    Raises:
        InvalidInput: There is no such file, it is too long, or it says nothing.
    """
    if file == "-":
        if sys.stdin.isatty():
            print("Paste the stack, then end it with Ctrl-D on a line of its own.", file=sys.stderr)
        data = sys.stdin.buffer.read(LONGEST_STACK * 4 + 1)
    else:
        try:
            with Path(file).open("rb") as opened:
                data = opened.read(LONGEST_STACK * 4 + 1)
        except OSError as error:
            raise InvalidInput(f"{quoted(file)} cannot be read: {error.strerror}.") from None
    text = data.decode("utf-8", "replace")
    if not text.strip():
        raise InvalidInput("There is no stack to resolve: the text is empty. Give a file, or - and the text.")
    return text

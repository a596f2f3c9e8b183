"""Commands on origins: list, create, update, get."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from provenance_cli.dsn import dsn
from provenance_cli.options import Cursor, Json, Limit, examples
from provenance_cli.output import print_line, show
from provenance_cli.session import arguments, session_of
from provenance_core.fingerprint import Strategy
from provenance_core.lifecycle import Regression
from provenance_server.answers import Origin
from provenance_server.operations import CREATE_ORIGIN, GET_ORIGIN, LIST_ORIGINS, UPDATE_ORIGIN

Name = Annotated[str | None, typer.Option(metavar="TEXT", help="Its name for people; default the mnemonic.")]
Description = Annotated[str | None, typer.Option(metavar="TEXT", help="What it is.")]
Fingerprinting = Annotated[
    str | None,
    typer.Option(metavar="HOW", help=f"How its events are grouped: {', '.join(Strategy)}; default {Strategy.STACK}."),
]
WhichReleases = Annotated[
    str | None,
    typer.Option(
        metavar="WHICH",
        help=f"Releases that regress a resolved issue: {', '.join(Regression)}; default {Regression.DIFFERENT}.",
    ),
]
ScrubKeys = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="A name whose values are removed as well; may be repeated.")
]
KeepKeys = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="A name whose values are kept anyway; may be repeated.")
]
RateLimit = Annotated[
    str | None, typer.Option(metavar="N", help="Events a minute that a key may send; default 0, any number.")
]
RetentionDays = Annotated[str | None, typer.Option(metavar="DAYS", help="How long events are kept; default 90.")]
MaxEvents = Annotated[
    str | None, typer.Option(metavar="N", help="How many events of one issue are kept; default 1000.")
]

app = typer.Typer(no_args_is_help=True, help="Manage origins: what sends errors.")


@app.command("list", epilog=examples("origins list"))
def list_origins(context: typer.Context, limit: Limit = None, cursor: Cursor = None, as_json: Json = False) -> None:
    """List the origins, oldest first."""
    with session_of(context).client() as client:
        answer = client.call(LIST_ORIGINS, arguments(limit=limit, cursor=cursor))
    show(answer, as_json=as_json)


@app.command("create", epilog=examples("origins create my-app", "origins create fleet --regression newer"))
def create_origin(
    context: typer.Context,
    *,
    mnemonic: Annotated[str, typer.Argument(metavar="MNEMONIC", help="Its unique short name, e.g. my-app.")],
    name: Name = None,
    description: Description = None,
    fingerprinting: Fingerprinting = None,
    regression: WhichReleases = None,
    scrub_key: ScrubKeys = None,
    keep_key: KeepKeys = None,
    rate_limit: RateLimit = None,
    retention_days: RetentionDays = None,
    max_events_per_issue: MaxEvents = None,
    as_json: Json = False,
) -> None:
    """Create an origin and show its DSN.

    A Sentry SDK takes the DSN as it stands.
    """
    config = _config(
        fingerprinting=fingerprinting,
        regression=regression,
        scrub=_scrubbing(scrub_key, keep_key, {}),
        rate_limit=rate_limit,
        retention_days=retention_days,
        max_events_per_issue=max_events_per_issue,
    )
    raw = arguments(mnemonic=mnemonic, name=name, description=description, config=config)
    with session_of(context).client() as client:
        answer = client.call(CREATE_ORIGIN, raw)
    _show(context, answer, as_json=as_json)


@app.command(
    "update", epilog=examples("origins update my-app --retention-days 30", "origins update my-app --scrub-key pin")
)
def update_origin(
    context: typer.Context,
    *,
    origin: Annotated[str, typer.Argument(metavar="ORIGIN", help="Mnemonic, number or id.")],
    mnemonic: Annotated[str | None, typer.Option(metavar="MNEMONIC", help="Its new short name.")] = None,
    name: Name = None,
    description: Description = None,
    fingerprinting: Fingerprinting = None,
    regression: WhichReleases = None,
    scrub_key: ScrubKeys = None,
    keep_key: KeepKeys = None,
    rate_limit: RateLimit = None,
    retention_days: RetentionDays = None,
    max_events_per_issue: MaxEvents = None,
    as_json: Json = False,
) -> None:
    """Change an origin; what is left out stays.

    Keys to scrub or to keep take the place of those that were named before.
    """
    with session_of(context).client() as client:
        before = client.call(GET_ORIGIN, arguments(id=origin)).config.error_tracking.scrub
        config = _config(
            fingerprinting=fingerprinting,
            regression=regression,
            scrub=_scrubbing(scrub_key, keep_key, before.model_dump(by_alias=True)),
            rate_limit=rate_limit,
            retention_days=retention_days,
            max_events_per_issue=max_events_per_issue,
        )
        raw = arguments(id=origin, mnemonic=mnemonic, name=name, description=description, config=config)
        answer = client.call(UPDATE_ORIGIN, raw)
    _show(context, answer, as_json=as_json)


@app.command("get", epilog=examples("origins get my-app"))
def get_origin(
    context: typer.Context,
    origin: Annotated[str, typer.Argument(metavar="ORIGIN", help="Mnemonic, number or id.")],
    as_json: Json = False,
) -> None:
    """Show one origin with its DSN."""
    with session_of(context).client() as client:
        answer = client.call(GET_ORIGIN, arguments(id=origin))
    _show(context, answer, as_json=as_json)


def _scrubbing(keys: list[str] | None, keep: list[str] | None, before: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the rules for sensitive names that options change; an empty name stands for none."""
    given = {"keys": keys, "keep": keep}
    changed = {name: [key for key in names if key] for name, names in given.items() if names is not None}
    return {**before, **changed} if changed else None


def _config(*, rate_limit: str | None, **tracking: Any) -> dict[str, Any] | None:
    """Return the configuration that options say; a rate limit of 0 means none."""
    told = arguments(**tracking)
    if rate_limit is not None:
        told["rateLimit"] = rate_limit if rate_limit != "0" else None
    return {"errorTracking": told} if told else None


def _show(context: typer.Context, origin: Origin, *, as_json: bool) -> None:
    show(origin, as_json=as_json)
    if not as_json:
        print_line(f"DSN             {dsn(session_of(context).settings, origin)}")

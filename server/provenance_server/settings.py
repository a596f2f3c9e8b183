"""Settings: flag, then environment, then the config file, then the default."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, cast

import platformdirs
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from provenance_core.errors import InvalidInput, Unavailable
from provenance_core.hosts import is_local

APPLICATION = "provenance"
KEPT = (
    "apiUrl",
    "apiKey",
    "origin",
    "databaseUrl",
    "host",
    "port",
    "publicUrl",
    "oauthIssuer",
    "readOnly",
    "lockdown",
)
"""The settings that the config file may hold."""

SECRET = frozenset({"apiKey"})

_MEANT = {
    "apiUrl": "a URL that begins with http:// or https://",
    "port": "a number from 0 to 65535",
    "publicUrl": "a URL that begins with http:// or https:// and has no path",
    "oauthIssuer": "a URL that begins with https://, or with http:// on this machine, and has no query",
    "readOnly": "true or false",
    "lockdown": "true or false",
}
"""What a setting must be that is more than a text."""


def _safe(issuer: str) -> str:
    """Return an issuer whose keys nobody on the way can exchange for others."""
    if not issuer.startswith("https://") and not is_local(issuer):
        raise ValueError("its keys would be fetched in clear")
    return issuer


class Settings(BaseModel):
    """Where the store or the server is, and who we are to it."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="forbid")
    api_url: str | None = Field(default=None, pattern=r"^https?://")
    api_key: str | None = None
    origin: str | None = None
    database_url: str
    host: str = "127.0.0.1"
    port: int = Field(default=4000, ge=0, le=65_535)
    public_url: str | None = Field(default=None, pattern=r"^https?://[^/?#@\s]+/?$")
    oauth_issuer: Annotated[str, AfterValidator(_safe)] | None = Field(
        default=None, pattern=r"^https?://[^/?#@\s]+(/[^?#\s]*)?$"
    )
    read_only: bool = False
    lockdown: bool = False


def load_settings(flags: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings in force.

    Args:
        flags: What the command line says, under the names of `KEPT`; None means not said.
        environ: The environment; this process's unless given.

    Raises:
        InvalidInput: The config file or a setting is malformed.
    """
    environment = os.environ if environ is None else environ
    values: dict[str, Any] = {"databaseUrl": default_database_url()}
    values |= read_config(config_file(environment))
    for name in KEPT:
        variable = environment.get(environment_variable(name))
        if variable:
            values[name] = variable
    values |= {name: value for name, value in (flags or {}).items() if value is not None}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        wrong = sorted({str(problem["loc"][0]) for problem in error.errors()})
        told = " ".join(
            f"The setting {name} is wrong: it must be {_MEANT.get(name, 'a text')}. It is taken from the flag, else "
            f"from {environment_variable(name)}, else from the config file."
            for name in wrong
        )
        raise InvalidInput(told) from None


def default_database_url() -> str:
    """Return the URL of the embedded store: SQLite in the user's data folder."""
    return f"sqlite:///{Path(platformdirs.user_data_dir(APPLICATION)) / 'provenance.sqlite3'}"


def config_file(environ: Mapping[str, str] | None = None) -> Path:
    """Return where the config file is: `PROVENANCE_CONFIG`, else in the user's config folder."""
    named = (os.environ if environ is None else environ).get("PROVENANCE_CONFIG")
    return Path(named) if named else Path(platformdirs.user_config_dir(APPLICATION)) / "config.json"


def read_config(path: Path) -> dict[str, Any]:
    """Return what the config file holds; nothing where there is none.

    Raises:
        InvalidInput: It is no JSON object, or holds an unknown setting.
    """
    if not path.exists():
        return {}
    try:
        values: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InvalidInput(f"The config file {path} cannot be read as JSON; mend or remove it.") from None
    if not isinstance(values, dict) or not set(cast("dict[str, Any]", values)) <= set(KEPT):
        raise InvalidInput(f"The config file {path} may hold {', '.join(KEPT)} only; mend or remove it.")
    return cast("dict[str, Any]", values)


def write_config(path: Path, name: str, value: str | None) -> None:
    """Keep a setting in the config file, or forget it.

    Raises:
        InvalidInput: There is no such setting, or the value does not fit it.
        Unavailable: The file cannot be written.
    """
    if name not in KEPT:
        raise InvalidInput(f"There is no such setting; use one of {', '.join(KEPT)}.")
    values = read_config(path)
    values.pop(name, None)
    if value is not None:
        values[name] = value
        load_settings({"databaseUrl": default_database_url()} | values, {})
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise Unavailable(f"The config file {path} cannot be written: {error.strerror}.") from None


def environment_variable(name: str) -> str:
    """Return the environment variable of a setting: `PROVENANCE_API_URL` for `apiUrl`."""
    words = "".join(f"_{letter}" if letter.isupper() else letter for letter in name)
    return f"PROVENANCE_{words.upper()}"

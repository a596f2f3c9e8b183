from __future__ import annotations

import io
import stat
from pathlib import Path

import pytest
from tests.cli.conftest import Run


def test_a_setting_is_kept_read_and_forgotten(run: Run, config: Path):
    assert run("config", "set", "origin", "my-app").code == 0
    assert run("config", "get", "origin").out == "my-app\n"
    assert run("config", "get", "origin", "--json").json == "my-app"
    assert stat.S_IMODE(config.stat().st_mode) == 0o600

    assert run("config", "unset", "origin").code == 0
    assert run("config", "get", "origin").code == 1


def test_flag_wins_over_environment_over_file_over_default(run: Run, monkeypatch: pytest.MonkeyPatch):
    def source() -> tuple[str, str]:
        listed = run("config", "list", "--json", *flag).json["items"]
        (item,) = [item for item in listed if item["name"] == "apiUrl"]
        return item["value"], item["source"]

    flag: tuple[str, ...] = ()
    assert source() == (None, "default")
    run("config", "set", "apiUrl", "http://file")
    assert source() == ("http://file", "config file")
    monkeypatch.setenv("PROVENANCE_API_URL", "http://environment")
    assert source() == ("http://environment", "environment")
    flag = ("--api-url", "http://flag")
    assert source() == ("http://flag", "flag")


def test_a_store_named_by_a_flag_wins_over_a_configured_server(run: Run, tmp_path: Path):
    run("config", "set", "apiUrl", "http://127.0.0.1:9")

    assert run("errors", "list").code == 3
    assert run("errors", "list", "--database-url", f"sqlite:///{tmp_path / 'other.sqlite3'}").code == 0
    assert (tmp_path / "other.sqlite3").exists()


def test_a_switch_is_printed_as_it_is_set(run: Run):
    run("config", "set", "lockdown", "true")

    assert run("config", "get", "lockdown").out == "true\n"
    assert run("config", "get", "lockdown", "--json").json is True
    assert "lockdown     true  (config file)\nConfig" in run("config", "list").out
    assert "readOnly     false  (default)\n" in run("config", "list").out


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("port", "many", "a number from 0 to 65535"),
        ("publicUrl", "https://a.example/path", "a URL that begins with http:// or https:// and has no path"),
        ("readOnly", "perhaps", "true or false"),
    ],
)
def test_what_is_wrong_with_a_setting_is_said_of_it_alone(run: Run, name: str, value: str, meant: str):
    refused = run("config", "set", name, value)

    assert refused.code == 2
    assert refused.err.startswith(
        f"Error: The setting {name} is wrong: it must be {meant}. It is taken from the flag, "
    )
    assert refused.err.count("setting") == 1


def test_a_listed_secret_is_masked(run: Run):
    run("config", "set", "apiKey", "pak_0123456789abcdef")

    assert "pak_…cdef" in run("config", "list").out
    assert "0123456789" not in run("config", "list").out + run("config", "list", "--json").out
    assert run("config", "get", "apiKey").out == "pak_0123456789abcdef\n"

    run("config", "set", "apiKey", "short")
    assert "short" not in run("config", "list").out


def test_a_secret_can_come_from_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("pak_secret\n"))

    assert run("config", "set", "apiKey", "-").code == 0
    assert run("config", "get", "apiKey").out == "pak_secret\n"


def test_a_broken_config_file_is_told(run: Run, config: Path):
    config.parent.mkdir()
    config.write_text("{")

    outcome = run("errors", "list")

    assert outcome.code == 2
    assert str(config) in outcome.err


def test_the_store_is_created_by_hand(run: Run, tmp_path: Path):
    first, second = run("db", "upgrade"), run("db", "upgrade")

    assert first.code == second.code == 0
    assert first.out.startswith(f"{tmp_path / 'store.sqlite3'} was brought to revision ")
    assert second.out.startswith(f"{tmp_path / 'store.sqlite3'} is already at revision ")
    assert run("db", "upgrade", "--json").json["changed"] is False


def test_one_setting_is_counted_as_one(run: Run, config: Path):
    run("config", "set", "origin", "shop")

    assert f"{config} holds 1 setting.\n" in run("doctor").out

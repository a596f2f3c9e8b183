"""`sourcemaps upload`, `list`, `resolve` and `explain`, and `releases get` and `delete`."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Outcome, Run
from tests.stores import on_sqlite

from provenance_core.sourcemaps.limits import MAX_MAP_BYTES
from provenance_storage.records import OriginRecord

pytestmark = [on_sqlite, pytest.mark.usefixtures("origin")]

SOURCE = 'export function total(cart: Cart): number {\n  throw new Error("no price");\n}\n'
CODE = 'function t(a){throw new Error("no price")}t();'
STACK = "Error: no price\n    at t (https://shop.example/static/app.min.js:1:21)\n"
EVIL = "\x1b[2Jevil\u202e"
TARGET = ("--origin", "my-app", "--release", "1.0.0")


def source_map(**changes: Any) -> str:
    told = {"file": "app.min.js", "sources": ["../src/cart.ts"], "sourcesContent": [SOURCE], "names": ["total"]}
    return json.dumps({"version": 3, **told, "mappings": "AAAA,cACE", **changes})


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """Write what a build leaves: a script and its map, beside things that are neither."""
    return write(
        tmp_path / "dist",
        {
            "static/app.min.js": f"{CODE}\n//# sourceMappingURL=app.min.js.map\n",
            "static/app.min.js.map": source_map(),
            "index.html": "<script src=static/app.min.js></script>",
            "node_modules/x/index.js": "x()",
            ".cache/y.js": "y()",
        },
    )


@pytest.fixture
def upload(run: Run) -> Callable[..., Outcome]:
    return lambda *words: run("sourcemaps", "upload", *TARGET, *map(str, words))


def names(outcome: Outcome) -> list[str]:
    return [file["name"] for file in outcome.json["files"]]


def codes(outcome: Outcome) -> dict[str, list[str]]:
    return {file["name"]: [finding["code"] for finding in file["findings"]] for file in outcome.json["files"]}


def test_scripts_and_maps_are_sent_once(dist: Path, upload: Callable[..., Outcome]):
    first = upload(dist)
    again = upload(dist)

    assert (first.code, again.code) == (0, 0)
    assert "~/static/app.min.js.map" in first.out
    assert "2 files sent" in first.out
    assert "0 were there already" in first.out
    assert "Nothing was sent: 2 files are there already." in again.out
    assert "node_modules" not in first.out


def test_only_what_changed_is_sent(dist: Path, upload: Callable[..., Outcome]):
    upload(dist)
    write(dist, {"static/b.js": "b()\n//# sourceMappingURL=b.js.map", "static/b.js.map": source_map(file="b.js")})
    answer = upload(dist, "--json").json

    assert (answer["sent"], answer["known"], answer["leftOut"]) == (2, 2, 0)
    assert (answer["upload"]["added"], answer["upload"]["release"]) == (2, "1.0.0")


def test_a_dry_run_shows_names_and_asks_nobody(dist: Path, run: Run):
    told = run("--api-url", "http://127.0.0.1:1", "sourcemaps", "upload", "--dry-run", str(dist), "--json")

    assert told.code == 0
    assert told.json["upload"] is None
    assert names(told) == ["~/static/app.min.js", "~/static/app.min.js.map"]
    assert [file["sourceMap"] for file in told.json["files"]] == ["~/static/app.min.js.map", None]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("--url-prefix", "~/assets"), "~/assets/static/app.min.js"),
        (("--url-prefix", "/assets/"), "~/assets/static/app.min.js"),
        (("--url-prefix", "https://cdn.example/x/"), "https://cdn.example/x/static/app.min.js"),
        (("--url-prefix", "app:///"), "app:///static/app.min.js"),
        (("--strip-prefix", "static"), "~/app.min.js"),
        (("--strip-prefix", "static/", "--url-prefix", "~/js/"), "~/js/app.min.js"),
    ],
)
def test_the_options_make_the_names(dist: Path, run: Run, words: tuple[str, ...], name: str):
    told = run("sourcemaps", "upload", "--dry-run", str(dist), *words, "--json")

    assert names(told)[0] == name


def test_what_the_path_says_can_be_stripped(dist: Path, run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(dist.parent)

    for front in ("dist/static", str(dist / "static")):
        assert names(run("sourcemaps", "upload", "--dry-run", "dist", "--strip-prefix", front, "--json"))[0] == (
            "~/app.min.js"
        )
    refused = run("sourcemaps", "upload", "--dry-run", "dist", "--strip-prefix", "build")
    assert refused.code == 2
    assert "No file's path begins with 'build'" in refused.err


def test_a_file_and_a_left_out_folder_may_be_named(dist: Path, run: Run):
    one = run("sourcemaps", "upload", "--dry-run", str(dist / "static" / "app.min.js.map"), "--json")
    hidden = run("sourcemaps", "upload", "--dry-run", str(dist / ".cache"), str(dist / "node_modules"), "--json")

    assert codes(one) == {"~/app.min.js.map": ["no_script"]}
    assert names(hidden) == ["~/x/index.js", "~/y.js"]


def test_a_map_that_only_a_script_tells_of_is_found(tmp_path: Path, run: Run):
    folder = write(
        tmp_path / "dist",
        {
            "js/app.min.js": f"{CODE}\n//# sourceMappingURL=../maps/app-map.json?v=1",
            "maps/app-map.json": source_map(),
            "maps/other.json": "{}",
            "js/out.js": "out()\n//# sourceMappingURL=../../secret.json",
        },
    )
    write(tmp_path, {"secret.json": source_map()})
    told = run("sourcemaps", "upload", "--dry-run", str(folder), "--json")

    assert codes(told)["~/js/out.js"] == ["missing_map"]
    assert "~/maps/app-map.json" in names(told)
    assert len(names(told)) == 3


def test_an_error_keeps_everything_back(dist: Path, upload: Callable[..., Outcome], run: Run):
    write(dist, {"static/bad.js.map": '{"version": 3', "static/bad.js": "b()\n//# sourceMappingURL=bad.js.map"})
    refused = upload(dist)
    as_json = upload(dist, "--json")

    assert (refused.code, as_json.code) == (1, 1)
    assert "Nothing was sent: 1 file must be mended first; --skip-invalid sends the others." in refused.out
    assert "malformed map" in refused.out
    assert codes(as_json)["~/static/bad.js.map"] == ["malformed_map"]
    assert run("releases", "get", "1.0.0", "--origin", "my-app").code == 1


def test_a_file_that_is_too_large_is_not_read(dist: Path, run: Run):
    with (dist / "static" / "huge.js").open("wb") as file:
        file.truncate(MAX_MAP_BYTES + 1)
    told = run("sourcemaps", "upload", "--dry-run", str(dist), "--json")

    assert told.code == 1
    assert codes(told)["~/static/huge.js"] == ["too_large"]


def test_an_archive_is_to_be_unpacked(dist: Path, upload: Callable[..., Outcome]):
    write(dist, {"all.zip": "PK"})
    outcome = upload(dist / "all.zip")

    assert outcome.code == 2
    assert "is an archive. Unpack it" in outcome.err


def test_of_two_files_with_one_name_the_last_is_sent(tmp_path: Path, upload: Callable[..., Outcome]):
    one = write(tmp_path / "one", {"a.css": "a{}"})
    two = write(tmp_path / "two", {"a.css": "b{}"})
    told = upload(one, two, "--json").json

    assert [(file["file"], file["upload"]) for file in told["files"]] == [
        ((one / "a.css").as_posix(), "notSent"),
        ((two / "a.css").as_posix(), "sent"),
    ]
    assert told["files"][0]["findings"][0]["code"] == "same_name"


def test_the_others_are_sent_on_demand(dist: Path, upload: Callable[..., Outcome]):
    write(dist, {"static/bad.js.map": "no map", "static/gone.js": "g()\n//# sourceMappingURL=gone.js.map"})
    told = upload(dist, "--skip-invalid", "--json")

    assert told.code == 0
    assert (told.json["sent"], told.json["leftOut"]) == (2, 2)
    assert {file["upload"] for file in told.json["files"]} == {"sent", "leftOut"}


def test_warnings_fail_where_that_is_asked(dist: Path, upload: Callable[..., Outcome]):
    write(dist, {"static/app.min.js.map": source_map(sourcesContent=[None])})

    assert upload(dist, "--strict").code == 1
    assert "missing sources content" in upload(dist).out
    assert upload(dist).code == 0


def test_nothing_found_says_where_it_looked(tmp_path: Path, upload: Callable[..., Outcome]):
    write(tmp_path / "empty", {"readme.txt": "x"})
    outcome = upload(tmp_path / "empty")

    assert outcome.code == 2
    assert "No script and no source map in" in outcome.err
    assert "1 files were looked at" in outcome.err
    assert ".mjs" in outcome.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere",), "There is no file or folder 'nowhere'"),
        ((__file__,), "is neither a script nor a source map"),
    ],
)
def test_what_cannot_be_uploaded_is_refused(upload: Callable[..., Outcome], words: tuple[str, ...], said: str):
    outcome = upload(*words)

    assert outcome.code == 2
    assert said in outcome.err


def test_a_release_is_needed(dist: Path, run: Run):
    outcome = run("sourcemaps", "upload", "--origin", "my-app", str(dist))

    assert outcome.code == 2
    assert "Say --release 1.2.3" in outcome.err


def test_an_unknown_origin_is_refused(dist: Path, run: Run):
    outcome = run("sourcemaps", "upload", "--origin", "nobody", "--release", "1", str(dist))

    assert (outcome.code, outcome.out) == (1, "")


def test_a_release_lists_what_is_uploaded(dist: Path, upload: Callable[..., Outcome], run: Run):
    upload(dist)
    shown = run("sourcemaps", "list", *TARGET)
    body = run("sourcemaps", "list", *TARGET, "--json").json

    assert "~/static/app.min.js.map" in shown.out
    assert [item["kind"] for item in body["items"]] == ["script", "source_map"]
    assert run("sourcemaps", "list", "--origin", "my-app", "--release", "9").code == 1


def test_a_stack_is_resolved(
    dist: Path, upload: Callable[..., Outcome], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    upload(dist)
    file = tmp_path / "stack.txt"
    file.write_text(STACK)
    shown = run("sourcemaps", "resolve", *TARGET, str(file))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(STACK.encode())))
    body = run("sourcemaps", "resolve", *TARGET, "--json").json

    assert shown.code == 0
    assert "src/cart.ts:2:3 in total" in shown.out
    assert '→     2   throw new Error("no price");' in shown.out
    assert "1 frame resolved, 0 not." in shown.out
    assert (body["resolved"], body["reported"]["frames"][0]["file"]) == (1, "src/cart.ts")


def test_what_is_not_resolved_says_why(run: Run, tmp_path: Path):
    file = tmp_path / "stack.txt"
    file.write_text(STACK)
    shown = run("sourcemaps", "resolve", *TARGET, str(file))

    assert shown.code == 0
    assert "https://shop.example/static/app.min.js:1:21" in shown.out
    assert "not resolved: no uploaded file" in shown.out


@pytest.mark.parametrize(
    ("text", "said"), [("  \n", "the text is empty"), (None, "cannot be read"), ("x" * 2_000_000, "stack")]
)
def test_a_stack_that_cannot_be_read_is_refused(run: Run, tmp_path: Path, text: str | None, said: str):
    file = tmp_path / "stack.txt"
    if text is not None:
        file.write_text(text)
    outcome = run("sourcemaps", "resolve", *TARGET, str(file))

    assert outcome.code == 2
    assert said in outcome.err


def frame() -> dict[str, Any]:
    return {
        "absPath": "https://shop.example/static/app.min.js",
        "file": "https://shop.example/static/app.min.js",
        "function": "t",
        "line": 1,
        "column": 21,
    }


def test_an_event_is_explained(dist: Path, upload: Callable[..., Outcome], run: Run, report: Callable[..., None]):
    report(eventId="a" * 32, platform="javascript", frames=[frame()])
    before = run("sourcemaps", "explain", "a" * 32)
    upload(dist)
    after = run("sourcemaps", "explain", "a" * 32)
    body = run("sourcemaps", "explain", "a" * 32, "--json").json

    assert (before.code, after.code) == (0, 0)
    assert "not resolved" in before.out
    assert "looked for" in before.out
    assert "~/static/app.min.js" in before.out
    assert "src/cart.ts:2:3 in total" in after.out
    assert "by its address" in after.out
    assert body["frames"][0]["foundBy"] == "url"
    assert run("sourcemaps", "explain", "nothing").code == 1


def test_a_release_is_read_and_deleted(dist: Path, upload: Callable[..., Outcome], run: Run):
    upload(dist)
    shown = run("releases", "get", "1.0.0", "--origin", "my-app")
    deleted = run("releases", "delete", "1.0.0", "--origin", "my-app")

    assert "Source maps     1" in shown.out
    assert deleted.code == 0
    assert "Deleted the release" in deleted.out
    assert run("releases", "get", "1.0.0", "--origin", "my-app").code == 1


def test_a_release_that_events_mention_stays(run: Run, report: Callable[..., None]):
    report()
    deleted = run("releases", "delete", "1.0.0", "--origin", "my-app", "--json").json

    assert deleted["deleted"] is False
    assert run("releases", "get", "1.0.0", "--origin", "my-app", "--json").json["registered"] is False


def test_hidden_characters_do_not_reach_the_terminal(
    tmp_path: Path, run: Run, report: Callable[..., None], upload: Callable[..., Outcome], origin: OriginRecord
):
    write(
        tmp_path / "dist",
        {
            f"a{EVIL}.js": f"{CODE}\n//# sourceMappingURL={EVIL}.map",
            "app.min.js": f"{CODE}\n//# sourceMappingURL=app.min.js.map",
            "app.min.js.map": source_map(file=EVIL, sources=[EVIL], names=[EVIL], sourcesContent=[f"{EVIL}\n{EVIL}"]),
        },
    )
    stack = tmp_path / "stack.txt"
    stack.write_text(STACK.replace("Error:", f"{EVIL}:").replace("at t", f"at {EVIL}"))
    report(eventId="a" * 32, platform="javascript", frames=[{**frame(), "function": EVIL}])
    shown = [
        upload(tmp_path / "dist"),
        upload(tmp_path / "dist", "--json"),
        upload(tmp_path / "dist", "--skip-invalid"),
        upload(tmp_path / EVIL),
        run("sourcemaps", "list", *TARGET),
        run("sourcemaps", "resolve", *TARGET, str(stack)),
        run("sourcemaps", "explain", "a" * 32),
        run("releases", "get", EVIL, "--origin", origin.mnemonic),
    ]

    assert any("evil" in outcome.out for outcome in shown)
    for outcome in shown:
        assert not set("\x1b\u202e") & set(outcome.out + outcome.err)

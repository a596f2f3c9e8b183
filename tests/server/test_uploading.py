"""Uploads: what mends what is kept, what fails without a trace, and which ids and texts files have."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.maps import crash, files, frame, inline, script, source_map
from tests.server.source_maps import APP, put, reason, record, resolve

from provenance_core.errors import Busy, InvalidInput, ProvenanceError, Unavailable
from provenance_core.events import Unresolved
from provenance_server import map_intake, uploading
from provenance_server.context import Context
from provenance_server.index_building import IndexBuilder, NotBuilt
from provenance_server.operations import CHECK_SOURCEMAPS, CREATE_RELEASE, GET_RELEASE, LIST_SOURCEMAPS
from provenance_server.uploading import UploadTarget, upload
from provenance_storage.records import ArtifactRecord

DEBUG_ID = "85314830-023f-4cf1-a267-535f4e37bb17"
OTHER_ID = "11111111-023f-4cf1-a267-535f4e37bb17"
INLINE: dict[str, Any] = {"~/static/app.min.js": script(inline(source_map()))}
MALFORMED: dict[str, Any] = {**APP, "~/static/app.min.js.map": '{"version": 3, "sources": 5}'}
DAMAGES = [
    "delete from source_map",
    "delete from source_map_part",
    "delete from source_map_part where body_id in (select map_body from source_map)",
    "update source_map_part set body = substr(body, 1, length(body) / 2) where body_id in "
    "(select index_body from source_map)",
    "update source_map set index_version = 0",
    "update source_map set index_body = null, problem = 'it was slow'",
]


def change(context: Context, statement: str) -> None:
    with context.store.database.write() as connection:
        connection.exec_driver_sql(statement)


def missing(context: Context, folder: Path, named: dict[str, Any]) -> list[str]:
    """Return what a release lacks of files, in the form that they were put."""
    asked = [
        {"name": one.name, "sha256": hashlib.sha256(one.path.read_bytes()).hexdigest()} for one in files(folder, named)
    ]
    return CHECK_SOURCEMAPS(context, {"origin": "shop", "release": "1.0.0", "files": asked}).missing


def kept(context: Context) -> list[ArtifactRecord]:
    """Return what is kept without a release."""
    return context.store.artifacts.list(context.store.origins.find("shop").id, None, 100, None)[0]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("named", [APP, INLINE], ids=["file", "inline"])
def test_uploading_again_mends_a_map(context: Context, tmp_path: Path, damage: str, named: dict[str, Any]) -> None:
    put(context, tmp_path, named)
    change(context, damage)
    broken = missing(context, tmp_path, named), reason(context, frame("checkout"))
    again = put(context, tmp_path, named)

    assert broken[0] == list(named)[-1:]
    assert broken[1] in {Unresolved.UNREADABLE_MAP, Unresolved.MALFORMED_MAP, None}
    assert again.unchanged == len(named)
    assert missing(context, tmp_path, named) == []
    assert resolve(context, frame("checkout")).reported.frames[0].file == "src/cart.ts"


def test_mending_a_map_resolves_issues_again(context: Context, tmp_path: Path) -> None:
    put(context, tmp_path)
    change(context, "delete from source_map")
    record(context, crash("checkout"))

    assert put(context, tmp_path).resolved_issues == 1


def test_a_map_that_could_not_be_read_now_is_not_kept(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(IndexBuilder):
        def build(self, path: Path, index: Path) -> NotBuilt:
            return NotBuilt("reading takes longer", passes=True)

    monkeypatch.setattr(map_intake, "IndexBuilder", Slow)
    for lenient in (True, False):
        with pytest.raises(Unavailable, match=r"'~/static/app\.min\.js\.map': reading takes longer"):
            put(context, tmp_path, lenient=lenient)
    nothing = context.store.artifacts.version(context.store.origins.find("shop").id)
    monkeypatch.undo()

    assert nothing == 0
    assert put(context, tmp_path, lenient=True).warnings == []
    assert reason(context, frame("checkout")) is None


def test_a_known_malformed_map_is_refused_where_it_is_not_allowed(context: Context, tmp_path: Path) -> None:
    first = put(context, tmp_path, MALFORMED, lenient=True)
    again = put(context, tmp_path, MALFORMED, lenient=True)
    with pytest.raises(InvalidInput, match=r"app\.min\.js\.map"):
        put(context, tmp_path, MALFORMED, release="2.0.0")

    assert [one.code for one in first.warnings] == [one.code for one in again.warnings] == ["malformed_map"]
    assert missing(context, tmp_path, MALFORMED) == ["~/static/app.min.js.map"]


def test_warnings_of_known_maps_are_told_again(context: Context, tmp_path: Path) -> None:
    named = {**APP, "~/static/app.min.js.map": source_map(sourcesContent=None, file=None)}
    first = put(context, tmp_path, named)
    again = put(context, tmp_path, named, release="2.0.0")

    assert {one.code for one in first.warnings} >= {"missing_sources_content"}
    assert again.warnings == first.warnings


def test_a_folder_for_temporary_files_that_is_gone_is_said(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(Unavailable, match="TMPDIR"):
        put(context, tmp_path)

    assert context.store.artifacts.version(context.store.origins.find("shop").id) == 0


def test_a_disk_that_gives_up_on_the_way_publishes_nothing(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(IndexBuilder):
        def build(self, path: Path, index: Path) -> Any:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(map_intake, "IndexBuilder", Broken)
    with pytest.raises(Unavailable, match=f"{os.strerror(errno.EIO)}.*TMPDIR") as raised:
        put(context, tmp_path)
    (gone,) = files(tmp_path, {"~/gone.js": script()})
    gone.path.unlink()
    with pytest.raises(Unavailable, match=os.strerror(errno.ENOENT)):
        upload(context, UploadTarget("shop", "1.0.0"), [gone])

    assert raised.value.exit_code == 3
    assert context.store.artifacts.version(context.store.origins.find("shop").id) == 0


def test_what_is_published_is_answered_whatever_comes_after(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: Any) -> int:
        raise Busy("Another process holds the store.")

    monkeypatch.setattr(uploading, "resolve_again", refuse)
    with caplog.at_level(logging.WARNING, "provenance_server"):
        done = put(context, tmp_path)

    assert (done.added, done.resolved_issues) == (2, 0)
    assert "Another process holds the store." in caplog.text


@pytest.mark.parametrize(
    ("code", "document"),
    [(script(debug_id=DEBUG_ID), source_map()), (script(), source_map(debugId=DEBUG_ID))],
    ids=["script", "map"],
)
@pytest.mark.parametrize(
    ("name", "map_name"),
    [
        ("app.min.js", "app.min.js.map"),
        ("~/static/a.js", "~/static/app.min.js.map"),
        ("~/static/a.js", "~/static/a.js.map"),
    ],
)
def test_a_pair_has_one_debug_id(
    context: Context, tmp_path: Path, code: str, document: Any, name: str, map_name: str
) -> None:
    put(context, tmp_path, {name: code, map_name: document}, None)
    images = [{"codeFile": "https://elsewhere.example/x.js", "debugId": DEBUG_ID}]
    told = resolve(context, frame("price", url="https://elsewhere.example/x.js"), release=None, debugImages=images)

    assert {one.debug_id for one in kept(context)} == {DEBUG_ID}
    assert told.reported.frames[0].file == "src/price.ts"


def test_a_pair_with_two_debug_ids_keeps_both(context: Context, tmp_path: Path) -> None:
    named = {"a.js": script("a.map", DEBUG_ID), "a.map": source_map(debugId=OTHER_ID), "b.js": script(None, DEBUG_ID)}
    put(context, tmp_path, named, None)

    assert [one.debug_id for one in kept(context)] == [DEBUG_ID, OTHER_ID, DEBUG_ID]


@pytest.mark.parametrize("odd", ["a\ud800", "a\x00"])
def test_texts_that_no_store_takes_are_refused(context: Context, tmp_path: Path, odd: str) -> None:
    sent = files(tmp_path, APP)
    told_beside = [replace(sent[0], reference=odd), sent[1]]
    named = [replace(sent[0], name=f"~/{odd}.js"), sent[1]]
    for target, given in (
        (UploadTarget("shop", odd), sent),
        (UploadTarget("shop", "1.0.0", odd), sent),
        (UploadTarget("shop", "1.0.0"), told_beside),
        (UploadTarget("shop", "1.0.0"), named),
    ):
        with pytest.raises(InvalidInput):
            upload(context, target, given, lenient=True)

    assert context.store.artifacts.version(context.store.origins.find("shop").id) == 0


def test_a_reference_in_a_script_that_no_store_takes_is_left_out(context: Context, tmp_path: Path) -> None:
    put(context, tmp_path, {"~/a.js": script("a\x00.map")})

    assert LIST_SOURCEMAPS(context, {"origin": "shop", "release": "1.0.0"}).items[0].source_map is None


@pytest.mark.parametrize("version", [".", ".."])
def test_a_release_that_no_path_leads_to_is_refused(context: Context, tmp_path: Path, version: str) -> None:
    for refused in (
        lambda: CREATE_RELEASE(context, {"origin": "shop", "version": version}),
        lambda: GET_RELEASE(context, {"origin": "shop", "release": version}),
        lambda: put(context, tmp_path, release=version),
    ):
        with pytest.raises(ProvenanceError, match=r"must not be `\.`") as raised:
            refused()
        assert isinstance(raised.value, InvalidInput)

"""Large uploads go in parts: what belongs together is sent together, and what fails says what to do."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.cli.conftest import Run
from tests.factory import make_context
from tests.maps import script, source_map
from tests.stores import on_sqlite

from provenance_cli import sourcemap_upload
from provenance_cli.sourcemap_files import Naming, find_files
from provenance_cli.sourcemap_pairs import check_files
from provenance_cli.sourcemap_upload import Target
from provenance_server.client import LocalClient, Progress
from provenance_server.sourcemap_answers import Upload
from provenance_server.uploaded_files import UploadedFile
from provenance_server.uploading import UploadTarget
from provenance_storage.records import OriginRecord
from provenance_storage.store import Store

pytestmark = on_sqlite


class Noting(LocalClient):
    """Note the names of each part that is sent."""

    def __init__(self, store: Store) -> None:
        super().__init__(make_context(store))
        self.parts: list[list[str]] = []

    def upload(self, target: UploadTarget, files: Sequence[UploadedFile], progress: Progress | None = None) -> Upload:
        self.parts.append([file.name for file in files])
        return super().upload(target, files, progress)


def build(folder: Path) -> Path:
    """Write scripts whose maps lie far from them in the order of names."""
    for name in "abc":
        (folder / f"{name}.js").write_text(script(f"maps/{name}.map"))
        (folder / "maps").mkdir(exist_ok=True)
        (folder / "maps" / f"{name}.map").write_text(json.dumps(source_map(file=f"{name}.js")))
    (folder / "alone.js").write_text("x()")
    return folder


@pytest.mark.parametrize(("most_files", "most_bytes"), [(2, 1 << 30), (3, 1 << 30), (100, 3_000), (100, 1 << 30)])
def test_a_script_and_its_map_are_sent_together(
    store: Store,
    origin: OriginRecord,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    most_files: int,
    most_bytes: int,
) -> None:
    monkeypatch.setattr(sourcemap_upload, "MOST_FILES", most_files)
    monkeypatch.setattr(sourcemap_upload, "PART_BYTES", most_bytes)
    (tmp_path / "dist").mkdir()
    files = check_files(find_files([build(tmp_path / "dist")]), Naming())
    client = Noting(store)
    choice = sourcemap_upload.choose(files, strict=False)
    sourcemap_upload.send(client, Target("my-app", "1.0.0"), files, choice, lambda _done, _total: None)

    sent = [name for part in client.parts for name in part]
    assert sorted(sent) == sorted(file.facts.name for file in files)
    assert all(len(part) <= most_files for part in client.parts)
    for name in "abc":
        assert any({f"~/{name}.js", f"~/maps/{name}.map"} <= set(part) for part in client.parts)


def test_what_does_not_fit_together_is_sent_all_the_same(
    store: Store, origin: OriginRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sourcemap_upload, "PART_BYTES", 1)
    (tmp_path / "dist").mkdir()
    files = check_files(find_files([build(tmp_path / "dist")]), Naming())
    client = Noting(store)
    choice = sourcemap_upload.choose(files, strict=False)
    sourcemap_upload.send(client, Target("my-app", "1.0.0"), files, choice, lambda _done, _total: None)

    assert sorted(name for part in client.parts for name in part) == sorted(file.facts.name for file in files)


def test_no_folder_for_temporary_files_is_unavailable(
    origin: OriginRecord, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dist").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    done = run("sourcemaps", "upload", "--origin", "my-app", "--release", "1", str(build(tmp_path / "dist")))

    assert done.code == 3
    assert "TMPDIR" in done.err


def test_a_release_that_no_path_leads_to_is_refused(origin: OriginRecord, tmp_path: Path, run: Run) -> None:
    (tmp_path / "dist").mkdir()
    done = run("sourcemaps", "upload", "--origin", "my-app", "--release", "..", str(build(tmp_path / "dist")))

    assert done.code == 2
    assert "must not be `.` or `..`" in done.err

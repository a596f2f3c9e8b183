"""The source map tests of TC39 (tc39/source-map-tests), run where their data is."""

import functools
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest
from sourcemap.exceptions import SourceMapDecodeError

from provenance_core.sourcemaps.building import build_index
from provenance_core.sourcemaps.index import Index

_SHARED = Path(os.environ.get("PROVENANCE_SHARED") or Path(__file__).parents[3].parent / "shared")
_FOLDER = _SHARED / "tc39"


@functools.cache
def _harness() -> ModuleType:
    path = _FOLDER / "tc39_harness.py"
    if not path.exists():
        pytest.skip("TC39's source map tests are not here; set PROVENANCE_SHARED to the folder that has them")
    spec = importlib.util.spec_from_file_location("tc39_harness", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class _Lookup:
    def __init__(self, text: str, strict: bool) -> None:
        self._index = Index(build_index(text.encode(), strict=strict).index)
        sources = map(self._index.source, range(self._index.source_count))
        self.ignored = [source.name for source in sources if source.ignored]

    def __call__(self, line: int, column: int) -> tuple[str | None, int, int, str | None] | None:
        found = self._index.lookup(line, column)
        return found and (self._index.source(found.source).name, found.line, found.column, found.name)


@pytest.mark.parametrize(("strict", "optional"), [(True, "56/56"), (False, "33/56")])
def test_the_tests_of_tc39_pass(strict: bool, optional: str) -> None:
    harness = _harness()
    results = harness.run(functools.partial(_Lookup, strict=strict), clean_errors=(SourceMapDecodeError,))

    assert [one for one in results if one.cls != "optional" and not one.ok] == []
    assert [one for one in results if one.dirty] == []
    summary = harness.summary(results)
    assert (summary["accept"], summary["lookups"], summary["must"]) == ("32/32", "94/94", "11/11")
    assert summary["optional"] == optional


@pytest.mark.parametrize(
    ("name", "debug_id"),
    [
        ("debug-id", "1aad9d9e-2b50-454f-a5f2-0dd5e95c154c"),
        ("debug-id-index", "1aad9d9e-2b50-454f-a5f2-0dd5e95c154c"),
        ("debug-id-index-section", None),
        ("invalid-debug-id", None),
    ],
)
def test_the_debug_ids_of_tc39_are_read(name: str, debug_id: str | None) -> None:
    path = _FOLDER / "data" / "decoding" / "debug-id" / f"{name}.map"
    if not path.exists():
        pytest.skip("TC39's source map tests are not here; set PROVENANCE_SHARED to the folder that has them")
    text = path.read_text("utf-8").replace(": 0,\n    }", ": 0\n    }")  # two of the files have a comma too many
    index = Index(build_index(text.encode()).index)

    assert index.debug_id == debug_id
    assert index.file == ("app.js" if "index" in name else None)

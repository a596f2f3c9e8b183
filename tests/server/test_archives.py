"""Archives of strangers: what is read of them, and what is refused before anything is inflated."""

from __future__ import annotations

import io
import stat
import struct
import time
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance_core.errors import InvalidInput, ProvenanceError, TooLarge
from provenance_server import archives
from provenance_server.archives import Archive


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return an archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def written(folder: Path, data: bytes) -> Path:
    path = folder / "body.zip"
    path.write_bytes(data)
    return path


def extracted(folder: Path, data: bytes) -> dict[str, bytes]:
    """Extract everything."""
    into = folder / "into"
    into.mkdir()
    with Archive(written(folder, data)) as archive:
        return {one.name: one.path.read_bytes() for one in archive.extract(archive.names, into)}


MEMBERS = {"app.min.js": b"a()" * 1000, "static/app.min.js.map": b"{}", "empty.js": b""}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("before", [b"", b"SYSB\x02\0\0\0"])
def test_what_was_zipped_comes_out(tmp_path: Path, method: int, before: bytes) -> None:
    assert extracted(tmp_path, before + zipped(MEMBERS, method)) == MEMBERS


def test_an_archive_with_a_comment_and_folders_is_read(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.comment = b"made by hand"
        archive.mkdir("dist")
        archive.writestr("./dist//a.js", b"a()")

    assert extracted(tmp_path, file.getvalue()) == {"dist/a.js": b"a()"}


def test_files_are_extracted_under_numbers(tmp_path: Path) -> None:
    extracted(tmp_path, zipped(MEMBERS))

    assert sorted(path.name for path in (tmp_path / "into").iterdir()) == ["member-0", "member-1", "member-2"]


def test_one_file_is_read_up_to_a_size(tmp_path: Path) -> None:
    with Archive(written(tmp_path, zipped(MEMBERS))) as archive:
        assert archive.read("static/app.min.js.map", 2) == b"{}"
        with pytest.raises(TooLarge):
            archive.read("app.min.js", 2999)
        with pytest.raises(InvalidInput, match="no file"):
            archive.read("other.js", 10)


@pytest.mark.parametrize(
    "name",
    [
        *("/etc/passwd.js", "../a.js", "a/../../b.js", "a/..", "..", "C:/a.js", "c:a.js", "a\\b.js", "..\\a.js"),
        *("\\\\host\\a.js", "a\0.js", "a\n.js", "a\x7f.js", "a" * 1025),
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    hostile = zipped({"x" * len(name): b"a()"}).replace(b"x" * len(name), name.encode())

    with pytest.raises(InvalidInput):
        extracted(tmp_path, hostile)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["body.zip", "into"]
    assert not list((tmp_path / "into").iterdir())


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_are_refused(tmp_path: Path, kind: int) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        link = zipfile.ZipInfo("a.js")
        link.create_system = 3
        link.external_attr = (kind | 0o777) << 16
        archive.writestr(link, "/etc/passwd")

    with pytest.raises(InvalidInput, match="link or a device"):
        extracted(tmp_path, file.getvalue())


def test_two_members_of_a_name_are_refused(tmp_path: Path) -> None:
    twice = zipped({"a.js": b"1", "b.js": b"2"}).replace(b"b.js", b"a.js")

    with pytest.raises(InvalidInput, match="twice"):
        extracted(tmp_path, twice)


def test_an_encrypted_archive_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.js": b"a()"}))
    central = data.rfind(b"PK\x01\x02")
    data[central + 8] |= 1

    with pytest.raises(InvalidInput, match="encrypted"):
        extracted(tmp_path, bytes(data))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_unusual_compression_is_refused(tmp_path: Path, method: int) -> None:
    with pytest.raises(InvalidInput, match="deflate"):
        extracted(tmp_path, zipped({"a.js": b"a()"}, method))


def test_members_that_share_bytes_are_refused(tmp_path: Path) -> None:
    plain = zipped({"a.js": bytes(1000), "b.js": bytes(1000)})
    first, second = plain.find(b"PK\x01\x02"), plain.rfind(b"PK\x01\x02")
    shared = bytearray(plain.replace(b"b.js", b"a.js"))
    shared[second + 42 : second + 46] = shared[first + 42 : first + 46]
    shared[second + 46 : second + 50] = b"c.js"

    with pytest.raises(InvalidInput, match="damaged"):
        extracted(tmp_path, bytes(shared))


def test_a_declared_size_that_is_too_small_is_a_lie(tmp_path: Path) -> None:
    data = _with_size(zipped({"a.js": bytes(50_000_000)}), 10)

    with pytest.raises(InvalidInput, match="damaged"):
        extracted(tmp_path, data)

    assert (tmp_path / "into" / "member-0").stat().st_size <= 10


def test_a_declared_size_that_is_too_large_is_a_lie(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        extracted(tmp_path, _with_size(zipped({"a.js": b"a()"}), 1000))


def _with_size(data: bytes, size: int) -> bytes:
    central = data.rfind(b"PK\x01\x02")
    return data[: central + 24] + struct.pack("<L", size) + data[central + 28 :]


def test_zeros_are_refused_by_how_much_they_shrink(tmp_path: Path) -> None:
    data = zipped({f"{number}.js": bytes(30_000_000) for number in range(2)})
    began = time.process_time()
    tracemalloc.start()

    with pytest.raises(TooLarge, match="times its size"):
        extracted(tmp_path, data)

    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert held < 2_000_000
    assert time.process_time() - began < 1
    assert not list((tmp_path / "into").iterdir())


def test_a_file_and_all_files_have_their_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_MAP_BYTES", 1000)
    monkeypatch.setattr(archives, "LARGEST_EXTRACTED", 1500)
    with Archive(written(tmp_path, zipped({"a": bytes(1001), "b": bytes(1000), "c": bytes(501)}))) as archive:
        for names, match in ((["a"], "too large"), (["b", "c"], "several parts")):
            with pytest.raises(TooLarge, match=match):
                archive.extract(names, tmp_path)


def test_very_many_members_are_refused(tmp_path: Path) -> None:
    many = {f"{number}.js": b"" for number in range(archives.MOST_MEMBERS + 1)}

    with pytest.raises(TooLarge, match="10000 files"):
        extracted(tmp_path, zipped(many))


def test_a_list_of_members_that_lies_about_its_length_is_bounded(tmp_path: Path) -> None:
    data = bytearray(zipped({f"{number:05}.js": b"" for number in range(archives.MOST_MEMBERS + 1)}))
    struct.pack_into("<2H", data, len(data) - 22 + 8, 1, 1)

    with pytest.raises(TooLarge, match="10000 files"):
        extracted(tmp_path, bytes(data))


def test_a_huge_list_of_members_is_not_read(tmp_path: Path) -> None:
    directory = archives.LARGEST_DIRECTORY + 1
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, directory, 0, 0)
    tracemalloc.start()

    with pytest.raises(TooLarge):
        extracted(tmp_path, bytes(directory) + end)

    assert tracemalloc.get_traced_memory()[1] < archives.LARGEST_DIRECTORY * 3
    tracemalloc.stop()


@pytest.mark.parametrize("honest", [True, False])
def test_zip64_is_refused(tmp_path: Path, honest: bool) -> None:
    plain = zipped({"a.js": b"a()"})
    end, rest = plain[-22:], plain[:-22]
    _, _, _, _, count, size, offset, _ = struct.unpack("<4s4H2LH", end)
    told = (count, count, size, offset) if honest else (1, 1, 2**40, 0)
    large = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, *told)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(rest), 1)

    with pytest.raises(InvalidInput, match="ZIP64"):
        extracted(tmp_path, rest + large + locator + end)


@pytest.mark.parametrize("data", [b"", b"PK", b"{}", b"PK\x05\x06", b"PK\x05\x06" + bytes(10), bytes(100_000)])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InvalidInput, match="no ZIP archive"):
        extracted(tmp_path, data)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.99])
def test_an_archive_that_is_cut_is_refused(tmp_path: Path, part: float) -> None:
    data = zipped(MEMBERS)

    with pytest.raises(InvalidInput):
        extracted(tmp_path, data[: int(len(data) * part)])


def test_bytes_that_changed_are_noticed(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.js": zlib.compress(bytes(range(256)))}, zipfile.ZIP_STORED))
    data[60] ^= 1

    with pytest.raises(InvalidInput, match="damaged"):
        extracted(tmp_path, bytes(data))


WHOLE = zipped(MEMBERS)


@given(
    places=st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=8),
    after=st.binary(max_size=30),
)
def test_whatever_is_changed_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, places: list[tuple[int, int]], after: bytes
) -> None:
    data = bytearray(WHOLE)
    for place, value in places:
        data[place] = value
    folder = tmp_path_factory.mktemp("changed")

    try:
        came = extracted(folder, bytes(data) + after)
    except ProvenanceError:
        return

    assert set(came.values()) <= set(MEMBERS.values())

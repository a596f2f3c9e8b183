"""The process in which indexes of source maps are built: what an upload holds can end it, and nothing else.

It is told of one map after the other on its input, a line of JSON each, `{"map": path, "index": path}`, and answers
with a line each: what was built, `{"problem": text}` of a map that is none, with `"passes": true` where there was too
little memory for it, `{"errno": number}` where a file failed.
Before the first it writes an empty answer, once it can work. It ends with its input.
"""

from __future__ import annotations

import contextlib
import json
import signal
import sys
from pathlib import Path
from typing import TextIO

from sourcemap.exceptions import SourceMapDecodeError

from provenance_core.sourcemaps.building import Built, build_index
from provenance_core.sourcemaps.limits import MAX_MAP_BYTES

if sys.platform != "win32":
    import resource

MAX_FILE_CHARS = 1024
"""Characters that are told of the name of the script that a map is of."""


def main() -> None:
    """Serve the process that started this one; arguments: bytes of memory, seconds of a processor for each map."""
    memory, seconds = (int(argument) for argument in sys.argv[1:3])
    # Whoever ends the server from a terminal ends this by closing its input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit_memory(memory)
    serve(sys.stdin, sys.stdout, seconds)


def serve(asked: TextIO, answers: TextIO, seconds: int) -> None:
    """Answer each line until there are no more."""
    _write(answers, {})
    for line in asked:
        request = json.loads(line)
        _limit_seconds(seconds)
        _write(answers, _answer(Path(request["map"]), Path(request["index"])))


def _write(answers: TextIO, answer: dict[str, object]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _answer(path: Path, index: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            built = build_index(file.read(MAX_MAP_BYTES + 1))
        index.write_bytes(built.index)
    except SourceMapDecodeError as error:
        if isinstance(error.__context__, MemoryError):
            return {"problem": str(error), "passes": True}
        return {"problem": str(error)}
    except MemoryError:
        return {"problem": "the source map needs more memory than there is", "passes": True}
    except OSError as error:
        return {"errno": error.errno}
    return _facts(built)


def _facts(built: Built) -> dict[str, object]:
    return {
        "size": len(built.index),
        "debug_id": built.debug_id,
        "file": None if built.file is None else built.file[:MAX_FILE_CHARS].encode("utf-8", "replace").decode(),
        "sources": built.sources,
        "segments": built.segments,
        "lines": built.lines,
        "warnings": [{"code": warning.code, "count": warning.count} for warning in built.warnings],
    }


def _limit_memory(size: int) -> None:
    """Bound the memory, as far as the system can: macOS does not enforce it, Windows has no such limit."""
    # Should the machine run out of memory before, then Linux is to end this process and not the server.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")
    if sys.platform != "win32":
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (size, size))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_seconds(seconds: int) -> None:
    """Bound the processor time from now on, for when nobody is there any more to end this process."""
    if sys.platform != "win32":
        used = resource.getrusage(resource.RUSAGE_SELF)
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 1 + seconds, hard))


if __name__ == "__main__":
    main()

"""Print how many tokens our MCP server costs an agent, and a peer on the same events."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from splintr import Tokenizer

from benchmarks.report import figure, print_table, ratio
from benchmarks.tokens import ours, theirs
from benchmarks.tokens.events import SHARED, hostile_sets, real_sets
from benchmarks.tokens.measure import RELEASES, Measurement, Row

TOKENIZER = "o200k_base"
PEER = f"{theirs.PACKAGE} {theirs.VERSION}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tokens", description=__doc__)
    parser.add_argument("--peer", choices=["sentry"], help=f"measure {PEER} as well")
    parser.add_argument("--peer-folder", type=Path, default=theirs.default_folder(), help="where it is installed once")
    parser.add_argument(
        "--envelopes", type=Path, default=SHARED if SHARED.is_dir() else None, help="take sets from DIR/SET/*.envelope"
    )
    arguments = parser.parse_args()
    tokenizer = Tokenizer.from_pretrained(TOKENIZER)
    real, hostile = real_sets(arguments.envelopes), hostile_sets()
    with ExitStack() as ending:
        home = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="provenance-bench-")))
        url = f"sqlite:///{home}/store.sqlite3"
        found = ours.fill(url, real | hostile)
        us = ending.enter_context(ours.asking(url, home))
        peer = theirs.asking(arguments.peer_folder, found, RELEASES, home) if arguments.peer else None
        them = ending.enter_context(peer) if peer else None
        measured = Measurement(us, them, found, lambda text: len(tokenizer.encode(text)))
        everyday, oversize = measured.everyday(list(real)), measured.hostile(list(hostile))
    if peer:
        _print_both(everyday, oversize)
        _print_headlines([*everyday, *oversize])
    else:
        for title, rows in (("Tokens an agent reads", everyday), ("Of events made too large", oversize)):
            print_table(f"{title} ({TOKENIZER})", ["what", "tokens"], [[row.what, figure(row.ours)] for row in rows])


def _print_both(everyday: Sequence[Row], oversize: Sequence[Row]) -> None:
    print_table(
        f"Tokens an agent reads ({TOKENIZER})",
        ["what", PEER, "Provenance", "ratio"],
        [[row.what, figure(row.theirs), figure(row.ours), ratio(row.theirs, row.ours)] for row in everyday],
    )
    print_table(
        f"Of events made too large ({TOKENIZER}); the peer is given them whole, and as Sentry's ingestion cuts them",
        ["what", PEER, "ratio", "as Sentry cuts", "ratio", "Provenance"],
        [
            [
                row.what,
                *(cell for value in (row.theirs, row.trimmed) for cell in _against(value, row)),
                figure(row.ours),
            ]
            for row in oversize
        ],
    )


def _against(value: float | None, row: Row) -> tuple[str, str]:
    return figure(value), ratio(value, row.ours)


def _print_headlines(rows: Sequence[Row]) -> None:
    """Print the table of the README."""
    shown = [row for row in rows if row.headline]
    print_table(
        "For the README; in brackets: of the event as Sentry's ingestion cuts it",
        ["tokens", PEER, "Provenance", "ratio"],
        [[row.what, _both(row), figure(row.ours), ratio(row.theirs, row.ours)] for row in shown],
    )


def _both(row: Row) -> str:
    return figure(row.theirs) + (f" ({figure(row.trimmed)})" if row.trimmed is not None else "")


if __name__ == "__main__":
    main()

"""Tables and figures of reports."""

from __future__ import annotations

from collections.abc import Sequence


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table as Markdown, aligned: words to the left, figures to the right."""
    widths = [max(len(row[place]) for row in (header, *rows)) for place in range(len(header))]
    right = [any(row[place][:1].isdigit() for row in rows) for place in range(len(header))]
    print(f"\n{title}\n")
    print(_line([cell.ljust(width) for cell, width in zip(header, widths, strict=True)]))
    print(
        _line(["-" * (width - 1) + (":" if to_right else "-") for width, to_right in zip(widths, right, strict=True)])
    )
    for row in rows:
        cells = zip(row, widths, right, strict=True)
        print(_line([cell.rjust(width) if to_right else cell.ljust(width) for cell, width, to_right in cells]))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def figure(value: float | None) -> str:
    """Return a number with as many digits as mean something."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def ratio(better: float | None, worse: float | None) -> str:
    """Return how many times one is the other."""
    return f"{figure(better / worse)}x" if better and worse else "-"


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

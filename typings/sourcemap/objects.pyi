from collections.abc import Iterator
from typing import Any

class Token:
    dst_line: int
    dst_col: int
    src: str | None
    src_line: int
    src_col: int
    name: str | None
    def __init__(
        self,
        dst_line: int = 0,
        dst_col: int = 0,
        src: str | None = "",
        src_line: int = 0,
        src_col: int = 0,
        name: str | None = None,
    ) -> None: ...
    def __eq__(self, other: object) -> bool: ...

class SourceMapIndex:
    raw: dict[str, Any]
    tokens: list[Token]
    line_index: list[list[int]]
    index: dict[tuple[int, int], Token]
    sources: list[str]
    def __init__(
        self,
        raw: dict[str, Any],
        tokens: list[Token],
        line_index: list[list[int]],
        index: dict[tuple[int, int], Token],
        sources: list[str] | None = None,
    ) -> None: ...
    def lookup(self, line: int, column: int) -> Token: ...
    def __getitem__(self, item: int) -> Token: ...
    def __iter__(self) -> Iterator[Token]: ...
    def __len__(self) -> int: ...

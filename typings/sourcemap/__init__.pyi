from collections.abc import Callable
from typing import IO, Protocol, TypeVar, overload

from .decoder import SourceMapDecoder as SourceMapDecoder
from .exceptions import SourceMapDecodeError as SourceMapDecodeError
from .objects import SourceMapIndex

_T_co = TypeVar("_T_co", covariant=True)
_T = TypeVar("_T")

class _Decoder(Protocol[_T_co]):
    def decode(self, source: str, /) -> _T_co: ...

__version__: str

@overload
def load(fp: IO[str], cls: None = None) -> SourceMapIndex: ...
@overload
def load(fp: IO[str], cls: Callable[[], _Decoder[_T]]) -> _T: ...
@overload
def loads(source: str, cls: None = None) -> SourceMapIndex: ...
@overload
def loads(source: str | bytes, cls: Callable[[], _Decoder[_T]]) -> _T: ...
def discover(source: str) -> str | None: ...

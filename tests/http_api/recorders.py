"""Recorders that tests give to an application, instead of a writer of its own."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from provenance_http.metrics import Metrics
from provenance_http.writing import ServerRecorder, Writing


class Standing:
    """What a test's recorder has, whatever it does with what is submitted."""

    alive = True
    refusing = False

    def waiting(self) -> tuple[int, int]:
        return (0, 0)


def by(recorder: ServerRecorder) -> Writing:
    """Return how a server writes by a recorder that is there already."""

    @asynccontextmanager
    async def given(_metrics: Metrics) -> AsyncGenerator[ServerRecorder]:
        yield recorder

    def writing(metrics: Metrics) -> AbstractAsyncContextManager[ServerRecorder]:
        return given(metrics)

    return writing

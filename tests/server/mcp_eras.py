"""The two eras of MCP that a client may speak: each is asked what holds for both."""

from __future__ import annotations

from typing import Literal, get_args

import pytest

Mode = Literal["auto", "legacy"]
ERAS: tuple[Mode, ...] = get_args(Mode)

modes = pytest.mark.parametrize("mode", ERAS)
"""Marks a test that opens its own clients, one of each era."""

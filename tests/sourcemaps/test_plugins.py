"""What Sentry's plugins for bundlers built and uploaded to our server tells errors in the words of the source."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.sourcemaps.builds import Builds
from tests.sourcemaps.shops import Shop

CASES = [
    ("vite", "node"),
    ("vite", "browser"),
    ("webpack", "node"),
    ("rollup", "node"),
    ("esbuild", "node"),
]


@pytest.mark.parametrize(("bundler", "target"), CASES)
def test_what_a_plugin_uploads_tells_errors_of_both_releases_by_their_source(
    bundler: str, target: str, builds: Builds, shop: Shop, run: Callable[..., None]
) -> None:
    copies = shop.build(builds, bundler, target)
    for copy in copies.values():
        run(copy)

    shop.check(copies)

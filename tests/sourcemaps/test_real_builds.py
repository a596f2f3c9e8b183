"""What real bundlers wrote and official SDKs reported is told in the words of the source, whoever uploaded the maps.

Every case is an origin with two releases: both are built, uploaded and run, and make the same mistakes once each.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.sourcemaps.builds import RELEASES, Builds, node_modules
from tests.sourcemaps.shops import PUBLISHED, Copy, Shop

BUNDLERS = ("esbuild", "terser", "rollup", "vite", "webpack")
TARGETS = ("node", "browser")


def by_provenance(shop: Shop, copy: Copy) -> None:
    """Upload by our command line, by names: those of Node's scripts are found by how their paths end."""
    prefix = [] if copy.target == "node" else ["--url-prefix", f"~/{PUBLISHED}/"]
    command = ["sourcemaps", "upload", "--origin", shop.mnemonic, "--release", copy.release, *prefix, copy.folder]
    shop.machine.run(*command, environment={"PROVENANCE_API_URL": shop.server.url})


def by_sentry_cli_with_debug_ids(shop: Shop, copy: Copy) -> None:
    """Upload by stock sentry-cli, as its guide says: the scripts get debug ids first."""
    shop.sentry_cli("sourcemaps", "inject", copy.folder)
    shop.sentry_cli("sourcemaps", "upload", "--release", copy.release, copy.folder)


def by_sentry_cli_with_names(shop: Shop, copy: Copy) -> None:
    """Upload by stock sentry-cli as before there were debug ids."""
    prefix = "app:///" if copy.target == "node" else f"~/{PUBLISHED}"
    shop.sentry_cli("sourcemaps", "upload", "--release", copy.release, "--url-prefix", prefix, copy.folder)


def by_sentry(shop: Shop, copy: Copy) -> None:
    """Upload by the command line that replaces sentry-cli, which gives the scripts debug ids by itself."""
    shop.sentry("sourcemap", "upload", "--release", copy.release, copy.folder)


Upload = Callable[[Shop, Copy], None]
UPLOADS: tuple[Upload, ...] = (by_provenance, by_sentry_cli_with_debug_ids, by_sentry_cli_with_names)
CASES = [
    *((bundler, target, by_provenance) for bundler in BUNDLERS for target in TARGETS),
    *((bundler, target, by_sentry_cli_with_debug_ids) for bundler in BUNDLERS for target in TARGETS),
    *((bundler, target, by_sentry_cli_with_names) for bundler in ("vite", "webpack") for target in TARGETS),
    *((variant, "node", upload) for variant in ("hidden", "inline") for upload in UPLOADS),
    ("webpack", "browser", by_sentry),
    ("inline", "node", by_sentry),
]


@pytest.mark.parametrize(
    ("bundler", "target", "upload"), CASES, ids=lambda value: value if isinstance(value, str) else value.__name__
)
def test_errors_of_both_releases_are_told_by_their_source_and_are_one_issue_each(
    bundler: str,
    target: str,
    upload: Upload,
    builds: Builds,
    shop: Shop,
    run: Callable[..., None],
    tmp_path: Path,
) -> None:
    copies = {release: _copied(builds, release, bundler, target, tmp_path) for release in RELEASES}
    for copy in copies.values():
        upload(shop, copy)
        run(copy, root=copy.bundle.folder if upload is by_sentry_cli_with_names else None)

    shop.check(copies)


def _copied(builds: Builds, release: str, bundler: str, target: str, folder: Path) -> Copy:
    """Copy what a bundler wrote to where Node finds the SDK."""
    modules = folder / "node_modules"
    if not modules.exists():
        modules.symlink_to(node_modules())
    return Copy(builds.bundle(release, bundler, target).copy_to(folder / release), target, release)

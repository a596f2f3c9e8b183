"""Fetch real source maps for the tests: from published packages, and from a build of a Next.js page with Turbopack.

Nothing of it is ours to publish, so nothing of it is kept in the repository. Usage: fetch.py FOLDER
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
LARGEST_SCRIPT_BYTES = 1_500_000
"""Scripts beyond this are left out; their maps are not."""
LARGEST_TURBOPACK_MAPS = 8
CORPUS = {
    "preact@11.2.0": ("dist/preact.mjs",),
    "jquery@4.0.0": ("dist/jquery.min",),
    "bootstrap@5.3.9": ("dist/js/bootstrap.bundle.min.js", "dist/css/bootstrap.min.css"),
    "@sentry/browser@6.19.7": ("build/bundle.min.js",),
    "apache-arrow@21.2.0": ("Arrow.es2015.min.js",),
    "posthog-js@1.449.2": ("dist/array.full.js",),
    "swagger-ui-dist@5.35.0": ("swagger-ui-bundle.js",),
    "firebase@10.14.1": ("firebase-firestore.js",),
    "shaka-player@5.2.12": ("dist/shaka-player.compiled", "dist/shaka-player.compiled.debug"),
    "hls.js@1.7.4": ("dist/hls.min.js",),
    "exceljs@4.4.0": ("dist/exceljs.min.js",),
    "pixi.js@8.22.0": ("dist/pixi.min.js",),
    "dashjs@5.2.1": ("dist/legacy/umd/dash.all.min.js",),
    "pdfjs-dist@5.6.205": ("build/pdf.worker.mjs",),
    "maplibre-gl@6.17.0": ("dist/maplibre-gl.mjs",),
    "antd@6.6.8": ("dist/antd.min.js",),
    "@babel/standalone@7.29.13": ("babel.min.js",),
    "mermaid@11.17.2": ("dist/mermaid.min.js",),
    "monaco-editor@0.52.2": ("min-maps/vs/editor/editor.main.js",),
}
"""The scripts of each package whose maps are taken, without `.map`."""


def main(folder: Path) -> None:
    """Fill a folder: one folder for each package, the maps and the smaller scripts in it."""
    with tempfile.TemporaryDirectory() as scratch:
        ready = Path(scratch, "corpus")
        packages, next_js = Path(scratch, "packages"), Path(scratch, "next")
        with ThreadPoolExecutor() as pool:
            for done in [pool.submit(_packages, packages, ready), pool.submit(_turbopack, next_js, ready)]:
                done.result()
        (ready / ".ready").touch()
        shutil.rmtree(folder, ignore_errors=True)
        shutil.move(ready, folder)
    maps = sorted(folder.glob("*/*.map"))
    print(f"{len(maps)} source maps, {sum(path.stat().st_size for path in maps) // 2**20} MiB, are in {folder}.")


def _packages(scratch: Path, ready: Path) -> None:
    scratch.mkdir()
    packed = _npm(["pack", "--silent", "--ignore-scripts", "--json", *CORPUS], scratch)
    entries = json.loads(packed[packed.index("[") if packed.lstrip().startswith("[") else packed.index("{") :])
    for entry in entries.values() if isinstance(entries, dict) else entries:
        specification = f"{entry['name']}@{entry['version']}"
        _extract(scratch / entry["filename"], CORPUS[specification], ready / _folder_name(specification))


def _folder_name(specification: str) -> str:
    return specification.lstrip("@").replace("/", "-")


def _extract(package: Path, scripts: tuple[str, ...], folder: Path) -> None:
    """Take the maps of some scripts out of a package, and the scripts where they are small."""
    folder.mkdir(parents=True)
    wanted = {f"package/{script}{end}" for script in scripts for end in (".map", ".js", "")}
    with tarfile.open(package) as archive:
        for member in archive:
            if member.name in wanted and (member.name.endswith(".map") or member.size <= LARGEST_SCRIPT_BYTES):
                content = archive.extractfile(member)
                assert content is not None, member.name
                (folder / Path(member.name).name).write_bytes(content.read())
    missing = {Path(script).name + ".map" for script in scripts} - {path.name for path in folder.iterdir()}
    assert not missing, f"{package.name} has no {missing}"


def _turbopack(scratch: Path, ready: Path) -> None:
    """Build a page with Turbopack, which writes index maps (`sections`) where it does not minify."""
    shutil.copytree(HERE / "turbopack", scratch)
    _npm(["install", "--silent", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"], scratch)
    subprocess.run(
        ["node", "node_modules/next/dist/bin/next", "build", "--turbopack"],
        cwd=scratch,
        env=os.environ | {"NEXT_TELEMETRY_DISABLED": "1", "CI": "true"},
        stdout=subprocess.DEVNULL,
        check=True,
        timeout=300,
    )
    folder = ready / "turbopack"
    folder.mkdir(parents=True)
    maps = sorted((scratch / ".next").rglob("*.js.map"), key=lambda path: -path.stat().st_size)
    for number, path in enumerate(maps[:LARGEST_TURBOPACK_MAPS]):
        shutil.copy(path, folder / f"{number}.js.map")


def _npm(arguments: list[str], folder: Path) -> str:
    done = subprocess.run(["npm", *arguments], cwd=folder, stdout=subprocess.PIPE, text=True, check=True, timeout=300)
    return done.stdout


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except (OSError, subprocess.SubprocessError) as error:
        sys.exit(str(error))

"""What an application may report to harm who looks at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.apps.hosts import Host


def attacks(url: str) -> list[str]:
    """Return texts that run scripts and reach a URL where they are taken for HTML, a link or code."""
    ran = f"window.ran=1;alert(1);new Image().src='{url}/leak-script'"
    return [
        f"<script>{ran}</script>",
        f"<img src='{url}/leak-image' onerror=\"{ran}\">",
        f"<a href=\"javascript:{ran}\">click</a><iframe srcdoc='<script>parent.ran=1</script>'></iframe>",
        f"</script></style></textarea></title><script>{ran}</script>",
        f"</pre></td></table><svg onload=\"{ran}\"><style>@import '{url}/leak-style'</style>",
        f"javascript:{ran}",
        "__proto__",
        f"{{{{constructor.constructor('{ran}')()}}}} ${{{ran}}} {url}/leak-link",
    ]


_KEYS = {
    "title",
    "culprit",
    "level",
    "lastRelease",
    "tags",
    "standsOut",
    "stack",
    "request",
    "breadcrumbs",
    "cut",
    "version",
}


@dataclass
class Attacker:
    """Puts a text wherever an application can: into every key and every line under `reported`."""

    text: str
    times: int = 0

    def wrote(self, value: Any, *, reported: bool = False) -> Any:
        """Return a copy of an answer that is full of the text."""
        if isinstance(value, list):
            return [self.wrote(item, reported=reported) for item in value]
        if isinstance(value, dict):
            return {
                self._key(key) if reported else key: self.wrote(item, reported=reported or key == "reported")
                for key, item in value.items()
            }
        if not reported or not isinstance(value, str):
            return value
        return "\n".join(f"> {self._next()}" for _ in value.split("\n"))

    def _key(self, key: str) -> str:
        return key if key in _KEYS else self._next()

    def _next(self) -> str:
        self.times += 1
        return self.text if self.times % 2 else f"{self.times} {self.text}"


def left(host: Host) -> dict[str, Any]:
    """Return what attacks did: what ran, and what reached a person or the network."""
    host.tab.run("fetch('/fence').then((answer) => answer.text())")  # whatever was asked for before arrives before it
    own = ("/host?", "/view?", "/fence")
    paths = [url.removeprefix(host.site.url) for url in host.tab.requested]
    return {
        "ran": host.view("window.ran"),
        "dialogs": host.tab.dialogs,
        "asked": [path for path in host.site.asked if not path.startswith(own)],
        "requested": [path for path in paths if not path.startswith(own)],
    }

"""A host of MCP Apps in a browser: it shows the view in a sandboxed frame and plays the server's part."""

from __future__ import annotations

import itertools
import json
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests import websites
from tests.apps.devtools import Tab

from provenance_server.apps import issues_app

PAGE = Path(__file__).with_name("host.html")
STRICT = "; ".join(
    [
        "default-src 'none'",
        "script-src 'unsafe-inline'",
        "style-src 'unsafe-inline'",
        "require-trusted-types-for 'script'",  # every place that would parse HTML or run a text throws
        "trusted-types 'none'",
    ]
)


@dataclass
class Site(websites.Site):
    """Where the host and the view are published, and every path that was asked for."""

    asked: list[str] = field(default_factory=list[str])


class _Handler(websites.SiteHandler[Site]):
    def do_GET(self) -> None:
        self.site.asked.append(self.path)
        match self.path.split("?"):
            case ["/host", _]:
                page = PAGE.read_text(encoding="utf-8")
            case ["/view", _]:
                page = issues_app.html()
            case _:
                page = ""
        self.send_response(200 if page else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        if self.path.startswith("/view?strict"):
            self.send_header("Content-Security-Policy", STRICT)
        self.end_headers()
        self.wfile.write(page.encode())


def publishing() -> AbstractContextManager[Site]:
    """Publish the host and the view on a free port."""
    return websites.publishing(Site(), _Handler)


@dataclass
class Host:
    """The host in its tab, and the view that it shows."""

    tab: Tab
    site: Site
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def open(self, context: dict[str, Any] | None = None, *, policy: str = "strict") -> None:
        """Show a new view and wait until it is initialized; a `lax` host sets no policy, and lets it open dialogs."""
        for heard in (self.tab.requested, self.tab.dialogs, self.tab.problems, self.site.asked):
            heard.clear()
        new = f"{policy}&{next(self._numbers)}"  # else the browser would stay on the page
        self.tab.open(f"{self.site.url}/host?{new}#{quote(json.dumps(context or {}))}")
        introduced = "host.received.some(({method}) => method === 'ui/notifications/initialized')"
        self.tab.wait(f"typeof host === 'object' && {introduced}")

    def tell(self, method: str, parameters: dict[str, Any]) -> None:
        """Send the view a notification."""
        message = json.dumps({"method": method, "params": parameters})
        self.tab.run(f"host.post(JSON.parse({json.dumps(message)}))")  # as a literal, `__proto__` would be no key
        self.settle()

    def give(self, result: dict[str, Any], **arguments: Any) -> None:
        """Tell the view of a call of a tool and of its result."""
        self.tell("ui/notifications/tool-input", {"arguments": arguments})
        self.tell("ui/notifications/tool-result", result)

    def ready(self, **answer: Any) -> None:
        """Make an answer ready for the next call of a tool: a result, or an error of JSON-RPC."""
        self.tab.run(f"host.answers.push(JSON.parse({json.dumps(json.dumps(answer))})), null")

    def request(self, method: str) -> dict[str, Any]:
        """Send the view a request and return its answer."""
        number = f"of-host-{next(self._numbers)}"
        self.tab.run(f"host.post({json.dumps({'id': number, 'method': method, 'params': {}})})")
        return self.tab.wait(f"host.received.find(({{id}}) => id === {json.dumps(number)})")

    def settle(self) -> None:
        """Wait until the view has handled every message that was sent: it answers them in their order."""
        self.request("ping")

    def received(self, method: str) -> list[Any]:
        """Return the parameters of every message of the view with a method."""
        messages = self.tab.run("host.received")
        return [message.get("params") for message in messages if message.get("method") == method]

    def view(self, expression: str) -> Any:
        """Run JavaScript in the view."""
        return self.tab.run(expression, self.tab.frame)

    def wait(self, condition: str) -> Any:
        """Wait until an expression is true in the view."""
        return self.tab.wait(condition, self.tab.frame)

    def text(self, selector: str = "body") -> str:
        """Return the text that a part of the view shows."""
        return self.view(f"document.querySelector({json.dumps(selector)}).innerText")

    def texts(self, selector: str) -> list[str]:
        """Return the text of each part of the view that a selector finds."""
        return self.view(
            f"[...document.querySelectorAll({json.dumps(selector)})].map((part) => part.textContent.trim())"
        )

    def click(self, text: str) -> None:
        """Click the button with a text, once it is there."""
        found = f"[...document.querySelectorAll('button')].find((each) => each.textContent === {json.dumps(text)})"
        self.wait(found + " !== undefined")
        self.view(found + ".click()")

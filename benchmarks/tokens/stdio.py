"""An MCP server as a process, and what of its answers a model gets to read."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.machine import stop

PROTOCOL = "2025-11-25"


class Server:
    """Speak JSON-RPC with a server over its pipes."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process = process
        self._log = log
        self._last = 0

    def ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request and return its result, passing over what the server says unasked.

        Raises:
            SystemExit: The server ended, or refused.
        """
        self._last += 1
        self._send({"jsonrpc": "2.0", "id": self._last, "method": method, "params": params})
        assert self._process.stdout is not None
        for line in self._process.stdout:
            message: dict[str, Any] = json.loads(line)
            if message.get("id") == self._last:
                if "result" not in message:
                    raise SystemExit(f"{method} was refused: {message}")
                return message["result"]
        raise SystemExit(f"The server ended.\n{self._log.read_text()}")

    def start(self) -> dict[str, Any]:
        """Shake hands and return what the server says of itself."""
        info = {"name": "benchmark", "version": "1"}
        told = self.ask("initialize", {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": info})
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return told

    def tools(self) -> list[dict[str, Any]]:
        """Return the definitions of the tools."""
        return self.ask("tools/list", {})["tools"]

    def call(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call a tool and return its whole result.

        Raises:
            SystemExit: The tool refused.
        """
        result = self.ask("tools/call", {"name": tool, "arguments": arguments})
        if result.get("isError"):
            raise SystemExit(f"{tool} {arguments} was refused: {text_of(result)[:2_000]}")
        return result

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(compact(message) + "\n")
        self._process.stdin.flush()


@contextmanager
def running(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Generator[Server]:
    """Run a server; its stderr goes into a file."""
    with log.open("w") as errors:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdout, process.stdin:
        try:
            yield Server(process, log)
        finally:
            stop(process)


def compact(value: object) -> str:
    """Return JSON as hosts write it into a model's context: no spaces, no escapes but the needed ones."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def text_of(result: Mapping[str, Any]) -> str:
    """Return the text blocks of a result."""
    return "\n".join(block["text"] for block in result["content"] if block["type"] == "text")


def shown(result: Mapping[str, Any]) -> str:
    """Return what a host shows the model of a result, once: the structured content where there is one, else the text.

    Hosts that show both pay twice, for any server that sends both.
    """
    structured = result.get("structuredContent")
    return compact(structured) if structured is not None else text_of(result)

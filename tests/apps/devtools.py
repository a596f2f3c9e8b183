"""A tab of Chromium, driven over its debugging port: pages, the frames in them, keys, and what they ask the network."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx

SECONDS = 20
_FINAL_TEXT = 0x81
_PING = 9
_CLOSE = 8


class WebSocket:
    """The client's half of RFC 6455, as far as Chromium's debugging port needs it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._socket = socket.create_connection((parts.hostname, parts.port or 80), timeout=SECONDS)
        self._reader = self._socket.makefile("rb")
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {parts.path} HTTP/1.1",
            f"Host: {parts.netloc}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}",
        ]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        assert b" 101 " in self._reader.readline()
        while self._reader.readline().strip():
            pass

    def send(self, text: str) -> None:
        """Send a text."""
        payload = text.encode()
        size = len(payload)
        if size < 126:
            head = struct.pack("!BB", _FINAL_TEXT, 0x80 | size)
        elif size < 1 << 16:
            head = struct.pack("!BBH", _FINAL_TEXT, 0x80 | 126, size)
        else:
            head = struct.pack("!BBQ", _FINAL_TEXT, 0x80 | 127, size)
        self._socket.sendall(
            head + bytes(4) + payload
        )  # masked with zeros, as a client must, so that it stays readable

    def receive(self) -> str:
        """Return the next text."""
        parts: list[bytes] = []
        while True:
            first, size = self._reader.read(2)
            if size == 126:
                (size,) = struct.unpack("!H", self._reader.read(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", self._reader.read(8))
            payload = self._reader.read(size)
            assert first & 0x0F != _CLOSE, "Chromium closed the connection"
            if first & 0x0F == _PING:
                continue
            parts.append(payload)
            if first & 0x80:
                return b"".join(parts).decode()

    def close(self) -> None:
        """Close the connection."""
        self._reader.close()
        self._socket.close()


class Tab:
    """One tab, with the frames that Chromium isolates from it; each of them is a session."""

    def __init__(self, connection: WebSocket) -> None:
        self._connection = connection
        self._last_id = 0
        self.frame = ""
        self.requested: list[str] = []
        self.dialogs: list[str] = []
        self.problems: list[str] = []
        self._listen("")
        self.call("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=True, flatten=True)

    def call(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        """Call a method of Chromium, hearing meanwhile what happens."""
        number = self._send(method, session, parameters)
        while True:
            message = self._next()
            if message.get("id") == number:
                assert "error" not in message, f"{method}: {message['error']}"
                return message["result"]

    def run(self, expression: str, session: str = "") -> Any:
        """Run JavaScript and return what it gives, or the promise of it."""
        answer = self.call(
            "Runtime.evaluate", session, expression=expression, awaitPromise=True, returnByValue=True, userGesture=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, condition: str, session: str = "") -> Any:
        """Wait until an expression is true, and return its value."""
        limit = time.monotonic() + SECONDS
        while time.monotonic() < limit:
            value = self.run(f"new Promise((go) => requestAnimationFrame(() => go({condition})))", session)
            if value:
                return value
        raise AssertionError(f"never true: {condition}")

    def open(self, url: str) -> None:
        """Open a page and wait until its frame is there, which Chromium isolates in a process of its own."""
        self.frame = ""
        self.call("Page.navigate", url=url)
        limit = time.monotonic() + SECONDS
        while not self.frame and time.monotonic() < limit:
            self.call("Page.getFrameTree")
        assert self.frame, "the frame is in no process of its own"

    def press(self, key: str, code: int, text: str = "") -> None:
        """Press and release a key in the frame."""
        for kind in ("keyDown", "keyUp"):
            typed = {"text": text} if kind == "keyDown" and text else {}
            self.call("Input.dispatchKeyEvent", self.frame, type=kind, key=key, windowsVirtualKeyCode=code, **typed)

    def _listen(self, session: str) -> None:
        for domain in ("Page", "Network", "Runtime", "Log"):
            self._send(f"{domain}.enable", session, {})

    def _send(self, method: str, session: str, parameters: dict[str, Any]) -> int:
        self._last_id += 1
        message = {"id": self._last_id, "method": method, "params": parameters}
        self._connection.send(json.dumps(message | ({"sessionId": session} if session else {})))
        return self._last_id

    def _next(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._connection.receive())
        parameters = message.get("params", {})
        session = message.get("sessionId", "")
        match message.get("method"):
            case "Target.attachedToTarget":
                if parameters["targetInfo"]["type"] == "iframe":
                    self.frame = parameters["sessionId"]
                    self._listen(self.frame)
                self._send("Runtime.runIfWaitingForDebugger", parameters["sessionId"], {})
            case "Network.requestWillBeSent":
                self.requested.append(parameters["request"]["url"])
            case "Page.javascriptDialogOpening":
                self.dialogs.append(parameters["message"])
                self._send("Page.handleJavaScriptDialog", session, {"accept": True})
            case "Runtime.exceptionThrown":
                self.problems.append(str(parameters["exceptionDetails"]))
            case "Log.entryAdded":
                if parameters["entry"]["level"] == "error":
                    self.problems.append(parameters["entry"]["text"])
            case _:
                pass
        return message


@contextmanager
def tab(port: int) -> Generator[Tab]:
    """Open a tab in the Chromium that listens on a port."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=SECONDS, trust_env=False) as client:
        target = client.put("/json/new?about:blank").raise_for_status().json()
    connection = WebSocket(target["webSocketDebuggerUrl"])
    try:
        yield Tab(connection)
    finally:
        connection.close()

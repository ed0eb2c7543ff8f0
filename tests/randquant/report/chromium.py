"""A page in headless Chromium, driven through the pipe of the DevTools protocol; no other package is needed."""

import json
import os
import shutil
import subprocess
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BROWSER = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu-sandbox", "--no-first-run", "--disable-extensions"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio"),
    *("--enable-unsafe-swiftshader", "--use-angle=swiftshader", "--hide-scrollbars", "--disable-dev-shm-usage"),
)


class Page:
    """One tab.

    Attributes:
        events: what the browser told, in order: its method and parameters.
    """

    def __init__(self, send: int, receive: int) -> None:
        self._send, self._receive, self._held, self._number = send, receive, b"", 0
        self._session: str | None = None
        self.events: list[tuple[str, dict[str, Any]]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The answer to a command."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._send, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def open(self, path: Path, *, width: int = 1200, height: int = 900, dark: bool = False) -> None:
        """Show a file in a window of this size."""
        self.look(width=width, height=height, dark=dark)
        self.events.clear()
        self.call("Page.navigate", url=path.resolve().as_uri())
        self.until("Page.loadEventFired")

    def look(self, *, width: int, height: int, dark: bool = False, media: str = "") -> None:
        """Change the window, and light or dark."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def until(self, method: str, seconds: float = 20.0) -> None:
        """Wait for an event."""
        end = time.monotonic() + seconds
        while not any(name == method for name, _ in self.events):
            assert time.monotonic() < end, method
            self._next()

    def value(self, expression: str) -> Any:
        """Of an expression in the page, or what its promise comes to."""
        found = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True, userGesture=True
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def press(self, key: str) -> None:
        """Press and leave a key."""
        code = {"Tab": 9, "Enter": 13, "ArrowRight": 39, "ArrowLeft": 37, "ArrowUp": 38, "ArrowDown": 40, " ": 32}
        typed = {"key": key, "windowsVirtualKeyCode": code[key]}
        text = {"Enter": "\r", " ": " "}.get(key)
        self.call("Input.dispatchKeyEvent", type="keyDown", **typed, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **typed)

    def picture(self, out: Path, *, whole: bool = True) -> None:
        """Write what is seen as PNG."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        out.write_bytes(b64decode(shot["data"]))

    def complaints(self) -> list[str]:
        """Errors and warnings of the console, exceptions, and what the page's policy refused."""
        told = []
        for name, facts in self.events:
            if name == "Runtime.exceptionThrown":
                told.append(json.dumps(facts["exceptionDetails"]))
            elif name == "Log.entryAdded":
                told.append(facts["entry"]["text"])
            elif name == "Runtime.consoleAPICalled" and facts["type"] in ("error", "warning", "assert"):
                told.append(json.dumps(facts["args"]))
        return told

    def requests(self) -> list[str]:
        """Addresses that the page asked for, other than itself and data inside it."""
        sent = [facts["request"]["url"] for name, facts in self.events if name == "Network.requestWillBeSent"]
        return [url for url in sent if not url.startswith(("data:", "file:", "blob:"))]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._held:
            part = os.read(self._receive, 2**20)
            assert part, "the browser is gone"
            self._held += part
        line, _, self._held = self._held.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        if "method" in message:
            self.events.append((message["method"], message.get("params", {})))
        return message


@contextmanager
def browser(profile: Path) -> Iterator[Page]:
    """A page of a browser of its own, which ends with the block."""
    assert BROWSER is not None
    (read_commands, send), (receive, write_answers) = os.pipe(), os.pipe()
    shell = f'exec "$@" 3<&{read_commands} 4>&{write_answers}'
    command = [BROWSER, *_FLAGS, "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"]
    running = subprocess.Popen(
        ["bash", "-c", shell, "bash", *command],
        pass_fds=(read_commands, write_answers),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(read_commands)
    os.close(write_answers)
    try:
        yield Page(send, receive)
    finally:
        running.terminate()
        running.wait(20)
        os.close(send)
        os.close(receive)

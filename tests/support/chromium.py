"""Chromium, driven over its debugging pipe: a page as a reader meets it, on any screen, with a keyboard, on paper."""

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update"),
]
KEYS = {"Tab": 9, "Enter": 13, "Space": 32}


class Page:
    """One open page; `errors` are what it threw or logged, `requests` what it asked for beside itself."""

    def __init__(self, call: Callable[..., dict[str, Any]], events: list[dict[str, Any]]) -> None:
        self.call, self.events = call, events

    def open(self, path: Path, width: int = 1280, height: int = 900) -> None:
        """Load a file in a window of a size, and wait until it is loaded; what earlier pages did is forgotten."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.events.clear()
        self.call("Page.navigate", url=path.as_uri())
        self.run("new Promise(r => document.readyState === 'complete' ? r() : addEventListener('load', r))")

    def visit(self, url: str, width: int = 1440, height: int = 1000) -> None:
        """Go to an address of a server."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Page.navigate", url=url)

    def wait_for(self, script: str, seconds: float = 120) -> None:
        """Until an expression is true; one that fails is not yet."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.run(f"(() => {{ try {{ return Boolean({script}) }} catch {{ return false }} }})()"):
                return
            time.sleep(0.25)
        raise AssertionError(f"{script} does not come true; the page says: {self.run('document.body?.innerText')}")

    def emulate(self, media: str = "", **features: str) -> None:
        """Print instead of a screen, or a preference such as prefers_color_scheme="dark"."""
        wanted = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.call("Emulation.setEmulatedMedia", media=media, features=wanted)

    def run(self, script: str) -> Any:  # noqa: ANN401 (any JSON value)
        """The value of an expression of JavaScript, awaited."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def press(self, key: str) -> None:
        """Press and release a key."""
        text = {"Enter": "\r", "Space": " "}.get(key, "")
        code = {"key": " " if key == "Space" else key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **code)
        self.call("Input.dispatchKeyEvent", type="keyUp", **code)

    def picture(self) -> bytes:
        """The whole page as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"])

    def pdf(self) -> bytes:
        """The page on paper, A4."""
        return base64.b64decode(self.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)["data"])

    @property
    def errors(self) -> list[str]:
        """Exceptions and whatever the browser logged as an error."""
        thrown = [e["params"]["exceptionDetails"]["text"] for e in self._named("Runtime.exceptionThrown")]
        entries = [e["params"]["entry"] for e in self._named("Log.entryAdded")]
        return thrown + [entry["text"] for entry in entries if entry["level"] == "error"]

    @property
    def requests(self) -> list[str]:
        """Addresses beyond the page itself and what it carries in it."""
        urls = [event["params"]["request"]["url"] for event in self._named("Network.requestWillBeSent")]
        return [url for url in urls if not url.startswith("data:")][1:]

    def _named(self, method: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event.get("method") == method]


@contextmanager
def browser(profile: Path) -> Iterator[Page]:
    """A page of a fresh browser, closed at the end."""
    into, commands = os.pipe()
    answers, out = os.pipe()

    def pipes() -> None:
        ends = os.dup(into), os.dup(out)
        os.dup2(ends[0], 3)
        os.dup2(ends[1], 4)

    # The pipe's file descriptors are 3 and 4 by Chromium's contract.
    process = subprocess.Popen(
        [str(CHROMIUM), *FLAGS, "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"],
        preexec_fn=pipes,
        close_fds=False,
        stderr=subprocess.DEVNULL,
    )
    os.close(into)
    os.close(out)
    try:
        with os.fdopen(commands, "wb") as writer, os.fdopen(answers, "rb") as reader:
            yield _attach(_Talk(writer, reader))
            writer.write(b'{"id":0,"method":"Browser.close"}\0')
    finally:
        process.wait(timeout=30)


class _Talk:
    """Commands and answers, a zero byte after each."""

    def __init__(self, writer: Any, reader: Any) -> None:  # noqa: ANN401 (files of a pipe)
        self.writer, self.reader = writer, reader
        self.events: list[dict[str, Any]] = []
        self.last, self.waiting = 0, b""

    def call(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:  # noqa: ANN401
        self.last += 1
        message = {"id": self.last, "method": method, "params": params} | ({"sessionId": session} if session else {})
        self.writer.write(json.dumps(message).encode() + b"\0")
        self.writer.flush()
        while True:
            answer = json.loads(self._message())
            if answer.get("id") == self.last:
                assert "error" not in answer, (method, answer["error"])
                return dict(answer["result"])
            self.events.append(answer)

    def _message(self) -> bytes:
        while b"\0" not in self.waiting:
            read = self.reader.read1(1 << 20)
            assert read, "the browser is gone"
            self.waiting += read
        message, _, self.waiting = self.waiting.partition(b"\0")
        return message


def _attach(talk: _Talk) -> Page:
    target = next(t for t in talk.call("Target.getTargets")["targetInfos"] if t["type"] == "page")
    session = talk.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
    return Page(lambda method, **params: talk.call(method, session=session, **params), talk.events)

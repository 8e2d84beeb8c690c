"""Chromium without a window, told what to do through its debugging pipe.

Debian's browser and the standard library are all it needs. Keys and clicks are
real input events: what they reach is up to the page. Everything that a page
does beside what was asked is kept: console lines, exceptions, requests.
"""

import atexit
import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

import support

PROGRAMS = ("chromium-headless-shell", "chromium-shell", "chromium")

# Keys by the names that pages see: code, and the text that they type.
KEYS = {"Tab": (9, ""), "Enter": (13, "\r"), "Escape": (27, ""), " ": (32, " "),
        "ArrowDown": (40, ""), "ArrowUp": (38, ""), "Home": (36, ""), "End": (35, "")}


def require_browser():
    for name in PROGRAMS:
        if shutil.which(name):
            return name
    support.skip(f"none of {', '.join(PROGRAMS)} is installed")


class Browser:
    """One browser with one page; ends when the test does."""

    def __init__(self, width=1280, height=900, script=True):
        command = [require_browser(), "--headless", "--remote-debugging-pipe",
                   "--disable-gpu", "--no-first-run", "--hide-scrollbars",
                   "--disable-dev-shm-usage", "--force-color-profile=srgb",
                   f"--user-data-dir={tempfile.mkdtemp(prefix='browser-', dir=support.temp_dir())}"]
        if os.geteuid() == 0:
            # Its sandbox refuses to be built by root; what it reads is ours.
            command.append("--no-sandbox")
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        # It reads descriptor 3 and writes 4.
        self.process = support.start(
            ["bash", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "browser", *command],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            pass_fds=(theirs_in, theirs_out))
        os.close(theirs_in)
        os.close(theirs_out)
        self._number, self._rest, self._session = 0, b"", None
        self.console, self.requests, self.page = [], [], ""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target,
                                  flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")
        self.send("Emulation.setScriptExecutionDisabled", value=not script)
        self.size(width, height)
        atexit.register(self.close)

    def close(self):
        with contextlib.suppress(OSError):
            os.close(self._out)
            os.close(self._in)
        support.stop(self.process)

    # --- The protocol ------------------------------------------------------

    def send(self, method, **words):
        self._number += 1
        message = {"id": self._number, "method": method, "params": words}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + 60
        while True:
            answer = self._receive(until)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def _receive(self, until):
        """The next message; what it tells of the page is kept."""
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._in], [], [], max(0, until - time.monotonic()))
            piece = os.read(self._in, 1 << 20) if ready else b""
            if not piece:
                raise TimeoutError("the browser does not answer")
            self._rest += piece
        text, self._rest = self._rest.split(b"\0", 1)
        message = json.loads(text)
        method, words = message.get("method"), message.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(words["request"]["url"])
        elif method == "Runtime.consoleAPICalled":
            self.console.append(f"{words['type']}: {words['args']}")
        elif method == "Runtime.exceptionThrown":
            self.console.append(f"exception: {words['exceptionDetails']}")
        elif method == "Log.entryAdded":
            self.console.append(f"{words['entry']['level']}: {words['entry']['text']}")
        return message

    # --- What a person does ------------------------------------------------

    def open(self, url):
        """Opens an address and waits until it is loaded."""
        self.page = url.split("#", maxsplit=1)[0]
        self.send("Page.navigate", url=url)
        self.wait("document.readyState == 'complete' && location.href != 'about:blank'")

    def key(self, name, shift=False):
        code, text = KEYS.get(name, (ord(name.upper()[0]), name))
        words = {"key": name, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **words)
        self.send("Input.dispatchKeyEvent", type="keyUp", **words)

    def type(self, text):
        self.send("Input.insertText", text=text)

    def click(self, selector):
        """Clicks in the middle of what the selector finds first."""
        place = self.value(f"""(() => {{
            const found = document.querySelector({json.dumps(selector)});
            if (!found) return null;
            found.scrollIntoView({{block: 'center', behavior: 'instant'}});
            const box = found.getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2];
        }})()""")
        if place is None:
            raise AssertionError(f"nothing is {selector}")
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1],
                      button="left", clickCount=1)

    def size(self, width, height):
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=False)

    def prefer(self, theme="light", medium=""):
        self.send("Emulation.setEmulatedMedia", media=medium,
                  features=[{"name": "prefers-color-scheme", "value": theme}])

    # --- What a person sees ------------------------------------------------

    def value(self, expression):
        """What an expression in the page gives, as JSON."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True,
                           awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait(self, expression):
        support.wait_until(lambda: self.value(expression), what=expression)

    def picture(self, path, whole=False):
        answer = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        _keep(path, answer["data"])

    def pdf(self, path):
        answer = self.send("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
        _keep(path, answer["data"])


def _keep(path, data):
    with open(path, "wb") as out:
        out.write(base64.b64decode(data))

"""Where this machine has Debian's archive from, for fetching of it what is not installed.

The machine's own apt state is left alone: apt is told of the file that is written here
and of folders of its own.
"""

import os
import re

MODERN = "/etc/apt/sources.list.d/debian.sources"
PLAIN = "/etc/apt/sources.list"


def write_sources(folder, kind, suite=None):
    """Writes a file for apt's Dir::Etc::sourcelist and returns its path: the places that
    this machine uses, as `kind` ("deb", "deb-src"); with a suite, the first place alone
    with that suite. FileNotFoundError if the machine does not say where the archive is.
    """
    if os.path.exists(MODERN):
        with open(MODERN, encoding="utf-8") as file:
            text = re.sub(r"^Types:.*$", f"Types: {kind}", file.read(), flags=re.M)
        if suite:
            text = re.sub(r"^Suites:.*$", f"Suites: {suite}", text.split("\n\n")[0], flags=re.M) + "\n"
        path = f"{folder}/archive.sources"
    else:
        with open(PLAIN, encoding="utf-8") as file:
            lines = re.findall(r"^deb +((?:\[.*?\] +)?\S+) +(\S+) +(.*)$", file.read(), re.M)
        if not lines:
            raise FileNotFoundError(f"{PLAIN} does not say where Debian's archive is")
        text = "".join(f"{kind} {place} {suite or listed} {parts}\n"
                       for place, listed, parts in (lines[:1] if suite else lines))
        path = f"{folder}/archive.list"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path

#!/usr/bin/env python3
"""Looks through the pure rooms for what only an edge may touch.

A source is pure if its CMakeLists.txt lists it in a pure_library. It may not
name files, sockets, threads, the clock or the environment, nor may its header;
tests beside it may.
Prints the line of each offense; exit 1 if there is one.

    scripts/check_rooms.py [SOURCE_FOLDER]
"""

import os
import re
import sys

HEADERS = ("fstream", "filesystem", "unistd.h", "fcntl.h", "thread", "mutex",
           "sys/socket.h", "sys/stat.h", "sys/mman.h", "sys/ioctl.h", "dirent.h",
           "iostream", "future")
FORBIDDEN = [
    (re.compile(r'#\s*include\s*[<"](' + "|".join(map(re.escape, HEADERS)) + r')[>"]'),
     "includes what only an edge may"),
    (re.compile(r"\bnow\s*\(\s*\)"), "reads the clock"),
    (re.compile(r"\b(secure_)?getenv\s*\("), "reads the environment"),
]
# base owns descriptors: closing one is all that Fd does.
ALLOWED = {("base/fd.cc", "unistd.h")}


def pure_sources(source):
    """The sources that pure_library(name a.cc b.cc USES ...) lists, with their
    headers."""
    for folder, _, names in os.walk(source):
        if "CMakeLists.txt" not in names:
            continue
        with open(os.path.join(folder, "CMakeLists.txt"), encoding="utf-8") as text:
            script = re.sub(r"#.*", "", text.read())
        for call in re.findall(r"\bpure_library\(([^)]*)\)", script):
            for word in call.split()[1:]:
                if word in ("USES", "LINKS"):
                    break
                yield os.path.join(folder, word)
                yield os.path.join(folder, os.path.splitext(word)[0] + ".h")


def without_comments(line):
    return line.split("//", 1)[0]


def offenses(source):
    for path in sorted(set(pure_sources(source))):
        if not os.path.exists(path):
            continue
        place = os.path.relpath(path, source)
        with open(path, encoding="utf-8") as text:
            for number, line in enumerate(text, 1):
                for pattern, why in FORBIDDEN:
                    match = pattern.search(without_comments(line))
                    if match and (place, match.group(match.lastindex or 0)) not in ALLOWED:
                        yield f"{path}:{number}: {why}: {line.strip()}"


def main():
    default = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "src")
    source = sys.argv[1] if len(sys.argv) > 1 else os.path.normpath(default)
    if not os.path.isdir(source):
        sys.exit(f"check_rooms: no folder {source}")
    found = list(offenses(source))
    for offense in found:
        print(offense)
    if not list(pure_sources(source)):
        sys.exit(f"check_rooms: no pure room below {source}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()

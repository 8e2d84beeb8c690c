#!/usr/bin/env python3
"""clang-tidy over the product's sources (src/ without its tests), room by room.

    scripts/tidy.py [BUILD] [--changed]

BUILD (build-check) must be configured by the preset `check`: it compiles the
sources of a room together, so that clang-tidy walks the headers once per room
and not once per source. A room that passed is not looked at again until one of
its sources, a header of ours or .clang-tidy changes. With --changed only rooms
with a source that differs from main. Prints the findings; exit 1 if there is
one.
"""

import concurrent.futures
import glob
import hashlib
import json
import os
import re
import subprocess
import sys

PROJECT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OURS = re.compile(re.escape(PROJECT) + r"/src/.*\.cc$")
INCLUDED = re.compile(r'#include "([^"]+\.cc)"')


def content(path):
    with open(path, "rb") as file:
        return file.read()


def rooms(build):
    """What the build compiles, each with the sources of ours that are in it."""
    for entry in json.loads(content(f"{build}/compile_commands.json")):
        path = entry["file"]
        if path.endswith("_cxx.cxx"):
            sources = INCLUDED.findall(content(path).decode())
        else:
            sources = [path]
        sources = [one for one in sources if OURS.match(one)]
        if sources and not any(one.endswith("_test.cc") for one in sources):
            yield path, sources


def changed():
    words = ["git", "diff", "--name-only", "main", "--", "*.cc"]
    names = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=True)
    return {f"{PROJECT}/{name}" for name in names.stdout.split()}


def common_digest():
    digest = hashlib.sha256(content(f"{PROJECT}/.clang-tidy"))
    for header in sorted(glob.glob(f"{PROJECT}/src/**/*.h", recursive=True)):
        digest.update(content(header))
    return digest


def look(build, common, path, sources):
    """The findings in one room: "" if there are none."""
    digest = common.copy()
    for source in sources:
        digest.update(content(source))
    passed = f"{build}/tidy/{digest.hexdigest()[:32]}"
    if os.path.exists(passed):
        return ""
    done = subprocess.run(["nice", "clang-tidy-19", "--quiet", "-p", build, path],
                          capture_output=True, text=True)
    if done.returncode == 0:
        open(passed, "w").close()
        return ""
    return done.stdout or done.stderr


def main():
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    build = os.path.abspath(words[0] if words else f"{PROJECT}/build-check")
    if not os.path.exists(f"{build}/compile_commands.json"):
        print(f"tidy: no {build}/compile_commands.json: cmake --preset check first", file=sys.stderr)
        return 4
    os.makedirs(f"{build}/tidy", exist_ok=True)
    wanted = list(rooms(build))
    if "--changed" in sys.argv:
        names = changed()
        wanted = [room for room in wanted if names & set(room[1])]
    common = common_digest()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(lambda room: look(build, common, *room), wanted))
    print("".join(found), end="")
    bad = sum(1 for one in found if one)
    sources = sum(len(room[1]) for room in wanted)
    print(f"tidy: {sources} sources in {len(wanted)} pieces, {bad} with findings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

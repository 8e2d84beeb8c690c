#!/usr/bin/env python3
"""Which libraries `vambrace analyze` finds for the programs of this machine, and
which its own loader says.

The loader is asked with --list, which loads libraries and runs nothing of the
program. Programs that need the same libraries in the same way are asked about
once: the search would answer the same for each.
"""

import concurrent.futures
import os
import subprocess

import support

LOADER = "/lib64/ld-linux-x86-64.so.2"
FOLDERS = ("/usr/bin", "/usr/sbin")
# Nothing of the environment may say where libraries are.
PLAIN = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
AT_ONCE = 10


def programs():
    """ELF files of 64 bits with an interpreter, without links."""
    for folder in FOLDERS:
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not os.path.islink(path) and os.access(path, os.R_OK):
                with open(path, "rb") as file:
                    if file.read(5) == b"\x7fELF\x02":
                        yield path


def needs(path):
    """What the file says of its libraries, as one text; empty: it needs none."""
    done = subprocess.run(["readelf", "-W", "-d", "-l", path], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=False, env=PLAIN)
    said = [line.split("]")[0].split("[")[1] if "interpreter" in line else
            line.split(")", 1)[1].strip()
            for line in done.stdout.splitlines()
            if "interpreter:" in line and "[" in line or
            any(f"({tag})" in line for tag in ("NEEDED", "RPATH", "RUNPATH"))]
    if not any("NEEDED" not in text and "Shared library" in text for text in said):
        return ""
    # $ORIGIN makes it a matter of the place.
    return "\n".join(said + ([path] if "$ORIGIN" in done.stdout else []))


def by_loader(path):
    """Resolved paths, and names that are missing; None if it cannot be loaded."""
    done = subprocess.run([LOADER, "--list", path], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=False, env=PLAIN)
    if done.returncode != 0:
        return None
    found, missing = set(), set()
    for line in done.stdout.splitlines():
        words = line.split()
        if "=>" in words and words[2] == "not":
            missing.add(words[0])
        elif "=>" in words or words and words[0].startswith("/"):
            found.add(os.path.realpath(words[words.index("=>") + 1 if "=>" in words else 0]))
    return found - {os.path.realpath(LOADER)}, missing


def by_analysis(paths):
    """By path: what was found because something needs it, and what is missing."""
    done = support.vambrace("analyze", "--linked-only", "--json", *paths, expect=0, timeout=900, env=PLAIN)
    answer = done.json()
    found = {}
    for one in answer.get("programs", [answer]):
        missing = {gap["detail"].split(":")[0] for gap in one["gaps"]
                   if gap["kind"] == "library-missing"}
        # What the program loads itself, and what that needs, is not the loader's.
        files = {}
        for file in one["libraries"]:
            files[file["path"]] = file["why"].removeprefix("needed by ") \
                if file["why"].startswith("needed by ") else None
        needed = set()
        for path in files:
            at = path
            while files.get(at):
                at = files[at]
            if at == one["program"] and path != at:
                needed.add(path)
        found[one["program"]] = (needed - {os.path.realpath(LOADER)}, missing)
    return found


def test_libraries_are_those_that_the_loader_loads():
    support.require_program("readelf")
    if not os.path.exists(LOADER):
        support.skip(f"no {LOADER} here")
    kinds = {}
    for path in programs():
        if text := needs(path):
            kinds.setdefault(text, []).append(path)
    asked = [paths[0] for paths in kinds.values()]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        theirs = dict(zip(asked, pool.map(by_loader, asked)))
    asked = [path for path in asked if theirs[path] is not None]
    ours = {}
    parts = [asked[begin:begin + AT_ONCE] for begin in range(0, len(asked), AT_ONCE)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for part in pool.map(by_analysis, parts):
            ours.update(part)
    # More may be missing of what the program loads itself.
    different = {path: (sorted(theirs[path][0] ^ ours[path][0]), theirs[path][1], ours[path][1])
                 for path in asked
                 if theirs[path][0] != ours[path][0] or not theirs[path][1] <= ours[path][1]}
    print(f"{sum(map(len, kinds.values()))} programs with {len(kinds)} different needs; "
          f"{len(asked)} asked, {len(asked) - len(different)} agree", flush=True)
    assert not different, different
    assert asked, "no program to ask about"


if __name__ == "__main__":
    support.main()

#!/usr/bin/env python3
"""How long `vambrace synth` takes for evidence of many paths, and what profile comes out.

    bench/synth_paths.py [--paths 100000] [--rounds 5] [--only server|files|mixed]

A recording of `true` gets the paths in the place of its own: those of a made-up server
(bench/generalize prints them), those of the files that lie on this machine, or half of each. Prints
the medians of the elapsed and the CPU time of the whole program (read, generalize, render, print,
write), the rules, what made them few, and the time that apparmor_parser takes to compile them.
"""

import argparse
import collections
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

PROJECT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VAMBRACE = os.environ.get("VAMBRACE", os.path.join(PROJECT, "build", "vambrace"))
GENERALIZE = os.path.join(os.path.dirname(VAMBRACE), "bench", "generalize")
FOLDERS = ("/usr", "/etc", "/var/lib", "/var/cache", "/opt", "/srv", "/home")


def made_up(count):
    """(path, access) of the server that bench/generalize makes up."""
    done = subprocess.run([GENERALIZE, str(count), "0"], check=True, stdout=subprocess.PIPE)
    return [tuple(line.split("\t")) for line in done.stdout.decode().splitlines()]


def on_disk(count):
    """What a program would access that looked at every file of this machine."""
    found = []
    for folder in FOLDERS:
        for top, folders, names in os.walk(folder):
            folders.sort()
            for name in sorted(names):
                path = os.path.join(top, name)
                if path.isascii() and not os.path.islink(path):
                    found.append((path, "mr" if ".so" in name else "r"))
    # Every n-th, so that all folders take part.
    step = max(1.0, len(found) / count)
    return [found[int(at * step)] for at in range(min(count, len(found)))]


def mixed(count):
    return made_up(count // 2) + on_disk(count - count // 2)


KINDS = {"server": made_up, "files": on_disk, "mixed": mixed}


def evidence(paths, template):
    """The template with these files as those of its main program."""
    with open(template, encoding="utf-8") as file:
        document = json.load(file)
    recording = document["recordings"][0]
    when = recording["start"]
    for process in document["processes"]:
        if process["origin"] != "app":
            continue
        process["files"] = [
            {"path": path, "access": access, "owner": False, "count": 1,
             "phases": {"startup": 1}, "errnos": {}, "denied": 0,
             "by": {recording["id"]: {
                 "count": 1, "phases": {"startup": 1}, "errnos": {}, "denied": 0,
                 "denied_errnos": {}, "first": when, "last": when}}}
            for path, access in sorted(set(paths), key=lambda one: (os.fsencode(one[0]), one[1]))]
    return document


def timed(command):
    """Elapsed and CPU seconds, and what it said."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    elapsed = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return elapsed, cpu, done.stdout


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def measure(kind, count, rounds, folder):
    paths = KINDS[kind](count)
    template = os.path.join(folder, "true.json")
    if not os.path.exists(template):
        subprocess.run([VAMBRACE, "record", "-o", template, "--", "/bin/true"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    document = evidence(paths, template)
    name = os.path.join(folder, f"{kind}.json")
    with open(name, "w", encoding="utf-8") as file:
        json.dump(document, file)
    elapsed, cpu = [], []
    for at in range(rounds):
        bundle = os.path.join(folder, f"{kind}-{at}")
        wall, used, said = timed([VAMBRACE, "synth", name, "-o", bundle, "--target", "process",
                                  "--json"])
        elapsed.append(wall)
        cpu.append(used)
    answer = json.loads(said)["apparmor"]
    print(f"{kind}: {len({path for path, _ in paths})} paths -> {answer['file_rules']} rules; "
          f"synth {spread(elapsed)} s, {spread(cpu)} s of CPU")
    for word, rules in sorted(answer["widened"].items()):
        print(f"  {word:16} {rules} rules")
    profile = os.path.join(bundle, "apparmor.profile")
    with open(profile, encoding="utf-8") as file:
        lines = file.read().splitlines()
    depth = collections.Counter(line.count("/") for line in lines if "/**" in line)
    print(f"  trees by depth   {dict(sorted(depth.items()))}")
    try:
        compiled = [timed(["apparmor_parser", "-QK", profile])[:2] for _ in range(rounds)]
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"  apparmor_parser: {error}")
        return
    print(f"  apparmor_parser  {spread([one[0] for one in compiled])} s, "
          f"{spread([one[1] for one in compiled])} s of CPU")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--paths", type=int, default=100000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=sorted(KINDS))
    options = parser.parse_args()
    if not os.path.exists(VAMBRACE):
        sys.exit(f"no {VAMBRACE}: run ./test first, or set VAMBRACE")
    with tempfile.TemporaryDirectory(prefix="synth-paths-") as folder:
        for kind in [options.only] if options.only else KINDS:
            measure(kind, options.paths, options.rounds, folder)


if __name__ == "__main__":
    main()

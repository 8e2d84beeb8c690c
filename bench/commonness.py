#!/usr/bin/env python3
"""Counts how many programs make each system call, for src/review/commonness.inc.

    bench/commonness.py --evidence DIR --loupe REPOSITORY > src/review/commonness.inc

DIR holds recordings of Debian 12's programs (bench/elf_reach.py --evidence DIR): each
program file in them that makes more than 15 different calls is counted once.
REPOSITORY is a checkout or a bare repository of github.com/unikraft/loupedb. The
programs by which bench/review_usefulness.py measures the review are left out of both.
"""

import argparse
import collections
import csv
import glob
import io
import json
import os
import subprocess
import textwrap

FEW = 15
MEASURED = {"/usr/bin/python3.11", "/usr/bin/perl", "/usr/bin/busybox", "/usr/bin/git",
            "/usr/bin/tar"}
MEASURED_FOLDERS = {"python", "python2", "python3", "perl", "perlhello", "busybox"}


def recorded(folder):
    """{program file: names of its calls}"""
    calls = collections.defaultdict(set)
    for path in sorted(glob.glob(os.path.join(folder, "*.json"))):
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        for process in document["processes"]:
            if process["origin"] in ("app", "helper"):
                calls[process["exe"]] |= {fact["name"] for fact in process["syscalls"]
                                          if fact["count"] > 0}
    return {exe: names for exe, names in calls.items()
            if len(names) > FEW and exe not in MEASURED and "/git-core/" not in exe}


def git(repository, *words):
    return subprocess.run(["git", "-C", repository, *words], check=True, capture_output=True,
                          text=True).stdout


def loupe(repository):
    """{application: names of its calls}, and the commit."""
    numbers = {}
    with open("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", encoding="ascii") as file:
        for line in file:
            if line.startswith("#define __NR_"):
                _, name, number = line.split()
                numbers[int(number)] = name.removeprefix("__NR_")
    calls = collections.defaultdict(set)
    for path in git(repository, "ls-tree", "-r", "--name-only", "HEAD").splitlines():
        application = path.split("/")[0]
        if not path.endswith("data/dyn.csv") or application in MEASURED_FOLDERS:
            continue
        rows = csv.reader(io.StringIO(git(repository, "show", f"HEAD:{path}")))
        for number, used, *_ in list(rows)[1:]:
            if used == "Y":
                calls[application].add(numbers[int(number)])
    return calls, git(repository, "rev-parse", "--short=12", "HEAD").strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--evidence", required=True)
    parser.add_argument("--loupe", required=True)
    arguments = parser.parse_args()
    ours = recorded(arguments.evidence)
    theirs, commit = loupe(arguments.loupe)
    counts = collections.Counter(name for names in [*ours.values(), *theirs.values()]
                                 for name in names)
    about = (f"How many of {len(ours) + len(theirs)} programs were seen to make a call, written by "
             f"bench/commonness.py: {len(ours)} program files of Debian 12 under the loads of "
             f"tests/elf_programs.py, and {len(theirs)} applications in benchmarks and test "
             'suites, counted from the data set of Loupe (H. Lefeuvre and others, "Loupe: '
             'Driving the Development of OS Compatibility Layers", ASPLOS 2024; '
             f"github.com/unikraft/loupedb at {commit}, CC BY 4.0: the rows of x86_64 with "
             '"used" in data/dyn.csv). Sorted by name; calls of a single program are left out, '
             "and so are python, perl, busybox, git and tar, by which "
             "bench/review_usefulness.py measures.")
    for line in textwrap.wrap(about, 77):
        print("//", line)
    for name, programs in sorted(counts.items()):
        if programs > 1:
            print(f'{{"{name}", {programs}}},')


if __name__ == "__main__":
    main()

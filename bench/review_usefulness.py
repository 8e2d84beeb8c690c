#!/usr/bin/env python3
"""How often the review names what a program is going to need.

The test suites that the authors of five programs wrote (upstream_suites.py) run on
Debian's own binaries, and each test is recorded by itself. Then, for each of ten
seeded splits, a bundle is made of half of the tests and reviewed with the program's
static analysis; what the other half needs and the bundle does not grant is looked
for among what has the first 30 ranks: calls that open the same have one. To compare,
beside it stands how many are found among the 30 calls with the highest scores (calls),
among as many calls with the highest scores as the 30 ranks name (as many), and among as
many drawn by lot, in the mean (chance). Splits in which fewer than 8 calls are needed
tell nothing and are left out; how many is printed.

    bench/review_usefulness.py [--folder DIR] [--tests N] [--splits 10] [--top 30]
                               [--json FILE] [PROGRAM...]

--tests N takes N tests of each suite, chosen evenly by a fixed seed, instead of all:
with few, the other half needs much that was not seen; with all, hardly anything.
Sources, built helpers and recordings are kept in DIR and made only where they are
missing; root is needed for that alone. VAMBRACE names the binary that is measured.
"""

import argparse
import collections
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile

import measure  # noqa: F401 pylint: disable=unused-import

import support
import upstream_suites
from upstream_suites import SUITES

ENOUGH = 8
PROGRAMS = ("python3", "perl", "busybox", "git", "tar")


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, timeout=600, check=False)


def needs(path, program):
    """The calls that the program itself made in one test."""
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    return {fact["name"] for process in document["processes"]
            if process["exe"] == program and process["origin"] in ("app", "helper")
            for fact in process["syscalls"] if fact["count"] > 0}


def analyze(program, path):
    done = run(support.VAMBRACE, "analyze", program, "--json")
    if not done.stdout:
        sys.exit(f"{program}: {done.stderr}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(done.stdout)
    return path


def candidates(files, reach):
    """[(name, rank)] of the calls that a review of these recordings ranks, the highest
    score first, and the names of those that need no candidate: what is granted, and what
    the policy answers so that another call is made (clone3)."""
    with tempfile.TemporaryDirectory() as place:
        bundle = os.path.join(place, "b")
        done = run(support.VAMBRACE, "synth", *files, "-o", bundle, "--target", "process")
        if done.returncode != 0:
            sys.exit(done.stderr)
        done = run(support.VAMBRACE, "review", bundle, "--reach", reach, "--json")
        if not done.stdout:
            sys.exit(done.stderr)
        with open(os.path.join(bundle, "policy.json"), encoding="utf-8") as file:
            answered = {one["name"] for one in json.load(file)["expected"]} & {"clone3"}
    made = json.loads(done.stdout)
    granted = {grant["subject"].split(" ", 1)[1] for grant in made["grants"]
               if grant["layer"] == "seccomp"}
    made = sorted((one for one in made["candidates"] if not one["granted"]),
                  key=lambda one: (-one["score"], one["subject"]))
    return [(one["subject"].split(" ", 1)[1], one["rank"]) for one in made], granted | answered


def splits_of(name, files, reach, arguments):
    program = os.path.realpath(SUITES[name].program)
    by_file = {path: needs(path, program) for path in files}
    for seed in range(arguments.splits):
        order = sorted(files)
        random.Random(f"{name} {seed}").shuffle(order)
        half = order[:len(order) // 2]
        ranked, granted = candidates(sorted(half), reach)
        # What the first half shows is not unseen, whatever the policy makes of it:
        # it answers clone3 with ENOSYS, since the C library then asks for clone.
        seen = granted.union(*(by_file[path] for path in half))
        wanted = set().union(*(by_file[path] for path in order[len(half):])) - seen
        listed = {call for call, rank in ranked if rank <= arguments.top}
        found = wanted & listed
        yield {"program": name, "seed": seed, "tests": len(files), "needed": len(wanted),
               "found": len(found), "listed": len(listed),
               "found_by_score": len(wanted & {call for call, _ in ranked[:arguments.top]}),
               "found_in_as_many": len(wanted & {call for call, _ in ranked[:len(listed)]}),
               "by_chance": len(wanted) * len(listed) / max(len(ranked), 1),
               "candidates": len(ranked), "ranks": max((rank for _, rank in ranked), default=0),
               "missed": sorted(wanted - found),
               "not_reachable": sorted(wanted - {call for call, _ in ranked})}


def total(rows, key):
    return sum(row[key] for row in rows)


def mean(rows, key):
    return statistics.mean(row[key] for row in rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("programs", nargs="*", default=[], metavar="PROGRAM")
    parser.add_argument("--folder", default=os.path.join(tempfile.gettempdir(), "suites"))
    parser.add_argument("--tests", type=int)
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--top", type=int, default=30)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    results = []
    print(f"{'program':<10} {'tests':>5} {'splits':>6} {'needed':>6} {'found':>6} "
          f"{'recall':>7} {'precision':>9} {'worst':>6} {'listed':>7} {'of':>6} {'calls':>6} "
          f"{'as many':>7} {'chance':>6}")
    for name in arguments.programs or PROGRAMS:
        files = [path for _, path in upstream_suites.recorded(
            name, arguments.folder, arguments.tests)]
        with tempfile.TemporaryDirectory() as place:
            reach = analyze(os.path.realpath(SUITES[name].program), os.path.join(place, "reach"))
            rows = list(splits_of(name, files, reach, arguments))
        results += rows
        counted = [row for row in rows if row["needed"] >= ENOUGH]
        needed, found = total(counted, "needed"), total(counted, "found")
        worst = min((row["found"] / row["needed"] for row in counted), default=None)
        print(f"{name:<10} {len(files):>5} {len(counted):>6} {needed:>6} {found:>6} "
              + (f"{found / needed:>7.0%} "
                 f"{found / total(counted, 'listed'):>9.0%} {worst:>6.0%} "
                 f"{mean(counted, 'listed'):>7.1f} {mean(counted, 'candidates'):>6.1f} "
                 f"{total(counted, 'found_by_score') / needed:>6.0%} "
                 f"{total(counted, 'found_in_as_many') / needed:>7.0%} "
                 f"{total(counted, 'by_chance') / needed:>6.0%}" if counted
                 else f"{'-':>7} {'-':>9} {'-':>6} {'-':>7} {'-':>6} {'-':>6} {'-':>7} {'-':>6}"),
              flush=True)
    counted = [row for row in results if row["needed"] >= ENOUGH]
    reached = [row for row in counted if row["found"] >= 0.8 * row["needed"]]
    needed, found = total(counted, "needed"), total(counted, "found")
    print(f"{len(counted)} of {len(results)} splits need {ENOUGH} calls or more; "
          f"{len(reached)} of them have 80% in the first {arguments.top} ranks; of all that they "
          f"need {found} of {needed}" + (f", {found / needed:.1%}" if needed else ""))
    room = sum(min(row["needed"], arguments.top) for row in counted)
    print(f"the {arguments.top} calls with the highest scores are "
          f"{total(counted, 'found_by_score')} of them, with room for {room}; as many calls as the "
          f"ranks name are {total(counted, 'found_in_as_many')}, by chance "
          f"{total(counted, 'by_chance'):.0f}")
    unseen = sum(len(row["not_reachable"]) for row in results)
    print(f"needed and not among the candidates at all: {unseen}")
    missed = collections.Counter(call for row in counted for call in row["missed"])
    print("missed most:", ", ".join(f"{call} {count}" for call, count in missed.most_common(20)))
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()

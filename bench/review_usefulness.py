#!/usr/bin/env python3
"""How often the review names what a program is going to need.

The test suites that the authors of programs wrote (upstream_suites.py) run on
Debian's own binaries, and each test is recorded by itself. Then, for each of ten
seeded splits, a bundle is made of half of the tests and reviewed with the program's
static analysis; what the other half needs and the bundle does not grant is looked
for

* among the 30 calls with the highest scores (calls), beside as many drawn by lot, in the
  mean (chance), and among the first 30 in the order in which they are listed (listed);
* among the calls that the first 30 ranks name (ranks): the first is what opens nothing
  new, the others are calls that open the same.

Then what opens nothing new is added, as the review offers it: how many calls these are
and how many of them are needed (right), and what is found once more among the 30 calls
with the highest scores, together with those (with). Splits in which fewer than 8 calls
are needed tell nothing and are left out, the same ones everywhere; how many is printed,
and how many still need 8 after the offer was taken. "least" is the share in the split in
which it is smallest.

    bench/review_usefulness.py [--folder DIR] [--tests N] [--splits 10] [--top 30]
                               [--json FILE] [PROGRAM...]

--tests N takes N tests of each suite, chosen evenly by a fixed seed, instead of all:
with few, the other half needs much that was not seen. Sources, built helpers and
recordings are kept in DIR and made only where they are missing; root is needed for that
alone. VAMBRACE names the binary that is measured.
"""

import argparse
import collections
import json
import os
import random
import subprocess
import sys
import tempfile

import measure  # noqa: F401 pylint: disable=unused-import

import support
import upstream_suites
from upstream_suites import SUITES

ENOUGH = 8
PROGRAMS = ("python3-classes", "perl", "busybox", "git", "tar", "bash", "memcached")
# Of each program: single calls, ranks, and once what opens nothing new is added.
HEAD = (f"{'program':<15} {'tests':>5} {'splits':>6} {'needed':>6} | {'calls':>5} {'least':>5} "
        f"{'right':>5} {'chance':>6} {'listed':>6} | {'ranks':>5} {'named':>5} {'chance':>6} | "
        f"{'added':>5} {'right':>5} {'with':>5} {'least':>5} {'still':>5} {'needed':>6} {'found':>5}")


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


def reviewed(bundle, reach):
    """[(name, rank, whether it opens nothing new)] of the calls that a review ranks, the
    highest score first, and the names of those that need no candidate: what is granted,
    and what the policy answers so that another call is made (clone3)."""
    done = run(support.VAMBRACE, "review", bundle, "--reach", reach, "--json")
    if not done.stdout:
        sys.exit(done.stderr)
    with open(os.path.join(bundle, "policy.json"), encoding="utf-8") as file:
        answered = {one["name"] for one in json.load(file)["expected"]} & {"clone3"}
    made = json.loads(done.stdout)
    granted = {grant["subject"].split(" ", 1)[1] for grant in made["grants"]
               if grant["layer"] == "seccomp"}
    ranked = sorted((one for one in made["candidates"] if not one["granted"]),
                    key=lambda one: (-one["score"], one["subject"]))
    return [(one["subject"].split(" ", 1)[1], one["rank"], bool(one["opened_by"]))
            for one in ranked], granted | answered


def before_and_after(files, reach):
    """As reviewed(): of a bundle of these recordings, and once what opens nothing new was
    added to it."""
    with tempfile.TemporaryDirectory() as place:
        bundle = os.path.join(place, "b")
        done = run(support.VAMBRACE, "synth", *files, "-o", bundle, "--target", "process")
        if done.returncode != 0:
            sys.exit(done.stderr)
        before = reviewed(bundle, reach)
        if not any(new for _, _, new in before[0]):
            return before, before
        for words in (("review", bundle, "--reach", reach, "add", "what opens nothing new",
                       "--why", "to measure", "--as", "bench"), ("synth", "-o", bundle)):
            done = run(support.VAMBRACE, *words)
            if done.returncode != 0:
                sys.exit(done.stderr)
        return before, reviewed(bundle, reach)


def judged(ranked, wanted, top):
    """How much of what is wanted is among the first calls."""
    first = {call for call, _, _ in ranked[:top]}
    return {"needed": len(wanted), "found": len(wanted & first), "listed": len(first),
            "by_chance": len(wanted) * len(first) / max(len(ranked), 1),
            "missed": sorted(wanted - first),
            "not_reachable": sorted(wanted - {call for call, _, _ in ranked})}


def splits_of(name, files, reach, arguments):
    program = os.path.realpath(SUITES[name].program)
    by_file = {path: needs(path, program) for path in files}
    for seed in range(arguments.splits):
        order = sorted(files)
        random.Random(f"{name} {seed}").shuffle(order)
        half = order[:len(order) // 2]
        (ranked, granted), (rest, granted_then) = before_and_after(sorted(half), reach)
        # What the first half shows is not unseen, whatever the policy makes of it:
        # it answers clone3 with ENOSYS, since the C library then asks for clone.
        seen = set().union(*(by_file[path] for path in half))
        needed = set().union(*(by_file[path] for path in order[len(half):])) - seen
        wanted = needed - granted
        named = {call for call, rank, _ in ranked if rank <= arguments.top}
        added = {call for call, _, new in ranked if new}
        # "missed" and "found" of what is left once they are added.
        then = judged(rest, needed - granted_then, arguments.top)
        yield {"program": name, "seed": seed, "tests": len(files), "needed": len(wanted),
               "calls": judged(ranked, wanted, arguments.top),
               "in_order": judged(sorted(ranked, key=lambda one: one[1]), wanted,
                                  arguments.top),
               "ranks": {"found": len(wanted & named), "listed": len(named),
                         "by_chance": len(wanted) * len(named) / max(len(ranked), 1)},
               "added": {"listed": len(added), "found": len(wanted & added)},
               "after": then | {"both": len(wanted & added) + then["found"]}}


def of(rows, which, key):
    return sum(row[which][key] for row in rows)


def share(part, whole):
    """As a percentage, "-" where there is nothing to tell of."""
    return f"{part / whole:.0%}" if whole else "-"


def least(rows, which, key="found"):
    return share(*min(((row[which][key], row["needed"]) for row in rows),
                      key=lambda pair: pair[0] / pair[1], default=(0, 0)))


def mean(rows, which):
    return f"{of(rows, which, 'listed') / len(rows):.1f}" if rows else "-"


def line(name, every):
    rows = [row for row in every if row["needed"] >= ENOUGH]
    needed = sum(row["needed"] for row in rows)
    still = [row for row in rows if row["after"]["needed"] >= ENOUGH]
    return (f"{name:<15} {every[0]['tests']:>5} {len(rows):>6} {needed:>6} | "
            f"{share(of(rows, 'calls', 'found'), needed):>5} {least(rows, 'calls'):>5} "
            f"{share(of(rows, 'calls', 'found'), of(rows, 'calls', 'listed')):>5} "
            f"{share(of(rows, 'calls', 'by_chance'), needed):>6} "
            f"{share(of(rows, 'in_order', 'found'), needed):>6} | "
            f"{share(of(rows, 'ranks', 'found'), needed):>5} {mean(rows, 'ranks'):>5} "
            f"{share(of(rows, 'ranks', 'by_chance'), needed):>6} | {mean(rows, 'added'):>5} "
            f"{share(of(rows, 'added', 'found'), of(rows, 'added', 'listed')):>5} "
            f"{share(of(rows, 'after', 'both'), needed):>5} {least(rows, 'after', 'both'):>5} "
            f"{len(still):>5} {of(still, 'after', 'needed'):>6} {of(still, 'after', 'found'):>5}")


def summary(rows, top):
    """What the first columns come to, in sentences."""
    needed = sum(row["needed"] for row in rows)

    def told(which, words, key="found"):
        reached = [row for row in rows if row[which][key] >= 0.8 * row["needed"]]
        found = of(rows, which, key)
        return (f"{words}: {found} of {needed} ({share(found, needed)}), in {len(reached)} of "
                f"{len(rows)} splits 80% or more")
    yield told("calls", f"the {top} calls with the highest scores")
    yield (f"  with room for {sum(min(row['needed'], top) for row in rows)}, by chance "
           f"{of(rows, 'calls', 'by_chance'):.0f}")
    yield told("in_order", f"the first {top} calls as they are listed")
    yield told("ranks", f"the first {top} ranks")
    yield f"  by chance {of(rows, 'ranks', 'by_chance'):.0f}"
    yield told("after", f"what opens nothing new and {top} calls more", "both")
    yield (f"  {of(rows, 'added', 'found')} by what opens nothing new, with "
           f"{of(rows, 'added', 'listed') - of(rows, 'added', 'found')} that are not needed")
    for which in ("calls", "after"):
        missed = collections.Counter(call for row in rows for call in row[which]["missed"])
        yield f"missed most ({which}): " + ", ".join(
            f"{call} {count}" for call, count in missed.most_common(20))


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
    print(HEAD)
    for name in arguments.programs or PROGRAMS:
        files = [path for _, path in upstream_suites.recorded(
            name, arguments.folder, arguments.tests)]
        with tempfile.TemporaryDirectory() as place:
            reach = analyze(os.path.realpath(SUITES[name].program), os.path.join(place, "reach"))
            rows = list(splits_of(name, files, reach, arguments))
        results += rows
        print(line(name, rows), flush=True)
    counted = [row for row in results if row["needed"] >= ENOUGH]
    print(f"{len(counted)} of {len(results)} splits need {ENOUGH} calls or more")
    for words in summary(counted, arguments.top):
        print(words)
    unseen = sum(len(row["calls"]["not_reachable"]) for row in results)
    print(f"needed and not among the candidates at all: {unseen}")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()

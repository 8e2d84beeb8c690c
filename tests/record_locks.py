"""Locks are told of the file that their descriptor stood for, and counted, whether or not the
recorder remembers which file that was (src/recorder/ebpf/bpf/locks.bpf.h)."""

import collections
import os

import support
from record_counts import kinds, record

# Ways in which a descriptor comes to stand for another file: four locks before, five after.
SWAPPED = ("close", "close_range", "dup3", "thread", "child", "threads", "execl")
EXPECTED = {
    **{(f"{way}-a", "kw"): 4 for way in SWAPPED},
    **{(f"{way}-b", "kw"): 5 for way in SWAPPED},
    ("io_uring-a", "kw"): 7, ("io_uring-b", "kw"): 5, ("bpf-a", "kw"): 7, ("bpf-b", "kw"): 5,
    ("owners-a", "kw"): 7, ("owners-a", "kw of another"): 7,
    ("crowded-a", "kw"): 9,
    ("two-a", "kw"): 9, ("two-b", "kw"): 10,
    ("kinds-a", "kw"): 10, ("kinds-a", "k"): 10,
    **{(f"crowded-{number}", "kw"): 3 for number in range(64)},
    ("reborn-a", "kw"): 80, ("reborn-b", "kw"): 100,
    ("ranges-a", "kw"): 16, ("ranges-a", "k"): 41,
    ("others-a", "kw"): 8, ("others-a", "k"): 11,
    ("refused-a", "kw"): 10, ("refused-a", "k"): 1,
}
if os.uname().machine == "x86_64":
    for old_way in ("dup2", "int80"):
        EXPECTED[f"{old_way}-a", "kw"] = 4
        EXPECTED[f"{old_way}-b", "kw"] = 5


def accesses(*words):
    folder = support.temp_dir()
    program = support.built("locks.c", "-O1", "-pthread")
    evidence = record(*words, command=[program, folder])
    assert kinds(evidence) <= {"io_uring"}, evidence["verdict"]
    found = collections.Counter()
    for process in evidence["processes"]:
        for fact in process["files"]:
            if fact["path"].startswith(folder + "/"):
                letters = fact["access"] + ("" if fact["owner"] else " of another")
                found[fact["path"].removeprefix(folder + "/"), letters] += fact["count"]
    return found


def check(found):
    locks = {one: count for one, count in found.items() if "k" in one[1]}
    assert locks == EXPECTED, (f"missing {sorted(EXPECTED.items() - locks.items())}, "
                               f"more {sorted(locks.items() - EXPECTED.items())}")


def test_locks_are_told_of_the_file_that_the_descriptor_stands_for():
    check(accesses())


def test_locks_are_told_the_same_when_calls_are_seen_to_enter():
    check(accesses("--enters"))


if __name__ == "__main__":
    support.main()

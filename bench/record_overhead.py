#!/usr/bin/env python3
"""What recording costs, against nothing, an empty program, and strace.

usage: bench/record_overhead.py [--rounds N] [--only getppid|cpus|nginx|redis|files]
                                [--load WORD]

Needs root, a Release build in build/, strace, nginx, wrk, redis.
"""

import argparse
import json
import os
import subprocess
import sys
import time

import rates
from attached import EMPTY, attached, awake
from file_loads import PROGRAMS, file_loads
from measure import (BUILD, VAMBRACE, added, added_ratio, machine, median, need,
                     output_of, ratio, ratio_cell, rounds, scratch, spread, table)

import support  # pylint: disable=wrong-import-order

LOOP = os.path.join(BUILD, "bench", "getppid_loop")


def wrap(condition, command, directory):
    """The command line that runs `command` under a condition."""
    evidence = os.path.join(directory, "evidence.json")
    return {
        "nothing": [],
        "empty enter": [EMPTY, "enter"],
        "empty enter+exit": [EMPTY, "both"],
        "record --light": [VAMBRACE, "record", "--light", "-o", evidence, "--"],
        "record": [VAMBRACE, "record", "-o", evidence, "--"],
        "record --enters": [VAMBRACE, "record", "--enters", "-o", evidence, "--"],
        "strace -f -c": ["strace", "-f", "-c", "-o", "/dev/null"],
        "strace -f -e trace=file": ["strace", "-f", "-e", "trace=file", "-o", "/dev/null"],
    }[condition] + command


def getppid(count):
    """One loop that never ends, its conditions in turn."""
    conditions = ["nothing", "empty enter", "empty enter+exit", "record --light", "record"]
    with scratch() as directory, subprocess.Popen(
            [*rates.SERVER, LOOP, "forever"], stdout=subprocess.PIPE, text=True) as loop:
        def once(condition):
            with attached(condition, loop.pid, directory):
                # What waited in the pipe, and the line that it began in.
                os.set_blocking(loop.stdout.fileno(), False)
                while loop.stdout.read(65536):
                    pass
                os.set_blocking(loop.stdout.fileno(), True)
                loop.stdout.readline()
                return median([float(loop.stdout.readline().split()[0]) for _ in range(8)])

        try:
            results = rounds(count, conditions, once)
        finally:
            loop.kill()
        # strace's price is the time that the stopped thread waits.
        slow = [float(output_of(wrap("strace -f -c", [LOOP, "4000"], directory)).split()[1])
                for _ in range(5)]
    base = "nothing"
    rows = [[name, f"{median(results[name]):.1f}", f"{added(results, name, base):+.1f}",
             f"{spread(results[name]):.1f}"] for name in conditions]
    traced = median(slow) - median(results[base])
    rows.append(["strace -f -c (elapsed)", f"{median(slow):.0f}", f"{traced:+.0f}",
                 f"{spread(slow):.0f}"])
    print("\n### One getppid, ns of thread CPU time\n")
    print(table(["condition", "median ns", "added", "half quartile distance"], rows))
    light = added_ratio(results, "record --light", "empty enter", base)
    full = added_ratio(results, "record", "empty enter+exit", base)
    print(f"\nlight: {light:.2f}x the empty program (target 1.25)")
    print(f"full: {full:.2f}x two empty programs (target 1.40)")
    print(f"strace adds {traced / added(results, 'record', base):.0f}x what record adds"
          " (target 100)")


def two_cpus(count):
    """Two threads on two CPUs in one scope against one thread."""
    with scratch() as directory:
        def once(name):
            condition, threads = name.rsplit(", ", 1)
            command = wrap(condition, [LOOP, "4000000", threads[0]], directory)
            # A line for each thread, then what record says.
            lines = output_of(command).splitlines()[:int(threads[0])]
            return median([float(line.split()[0]) for line in lines])

        names = [f"{c}, {n} thread{'s' if n > 1 else ''}"
                 for c in ("nothing", "empty enter+exit", "record") for n in (1, 2)]
        results = rounds(count, names, once)
    rows = []
    for condition in ("nothing", "empty enter+exit", "record"):
        one, two = f"{condition}, 1 thread", f"{condition}, 2 threads"
        rows.append([condition, f"{median(results[one]):.1f}", f"{median(results[two]):.1f}",
                     f"{ratio(results, two, one):.3f}"])
    print("\n### Two CPUs recording into one scope, ns per getppid\n")
    print(table(["condition", "one thread", "two threads", "two / one"], rows))


def server(name, count, server_for, count_of):
    """One server for all rounds, its conditions in turn."""
    conditions = ["nothing", "empty enter", "empty enter+exit", "record --light", "record"]
    with scratch() as directory, awake():
        os.chmod(directory, 0o755)
        target = server_for(directory)
        program = os.path.basename(target.command[0])
        with subprocess.Popen([*rates.SERVER, *target.command], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:
            def once(condition):
                with attached(condition, process.pid, directory):
                    begin, before = time.monotonic(), rates.cpu_times(program)
                    requests = count_of(target.port)
                    elapsed = time.monotonic() - begin
                    used = rates.cpu_seconds_between(before, rates.cpu_times(program))
                    return requests / elapsed, requests / used

            try:
                target.wait()
                count_of(target.port)
                both = rounds(count, conditions, once)
                traced = [once("strace -f -c") for _ in range(3)]
            finally:
                process.terminate()
    for column, unit in enumerate(["second", "second of the server's CPU time"]):
        results = {c: [pair[column] for pair in both[c]] for c in conditions}
        rows = [[c, f"{median(results[c]):.0f}", ratio_cell(results, c, "nothing"),
                 f"{spread(results[c]):.0f}"] for c in conditions]
        slow = median([pair[column] for pair in traced])
        rows.append(["strace -f -c", f"{slow:.0f}", f"{slow / median(results['nothing']):.3f}", ""])
        print(f"\n### {name}, requests per {unit}\n")
        print(table(["condition", "median", "of unrecorded (95%)", "half quartile distance"],
                    rows))
        print(f"\nlight {ratio(results, 'record --light', 'nothing'):.3f} (target 0.97), "
              f"full {ratio(results, 'record', 'nothing'):.3f} (target 0.93)")


def files(count, wanted):
    """Commands that are mostly about files, each measured by itself; with strace
    only twice, which takes minutes."""
    conditions = ["nothing", "empty enter+exit", "record --light", "record", "record --enters"]
    slow = "strace -f -e trace=file"
    with scratch() as directory:
        for name, command in file_loads(directory).items():
            if wanted not in name:
                continue
            verdicts = set()

            def once(condition, command=command, verdicts=verdicts):
                said = output_of(wrap(condition, command, directory)).split("\n", 1)[0]
                if condition in ("record", "record --enters"):
                    with open(os.path.join(directory, "evidence.json"), encoding="utf-8") as file:
                        verdict = json.load(file)["verdict"]
                    verdicts.add(" ".join([verdict["state"], *sorted(
                        {gap["kind"] for gap in verdict["gaps"]})]))
                elapsed, user, system = said.split()
                return 1e9 / int(elapsed), float(user) + float(system)

            once("nothing")
            both = rounds(count, conditions, once)
            results = {c: [pair[0] for pair in both[c]] for c in conditions}
            # Who else uses the machine only adds to it.
            least = {c: min(pair[1] for pair in both[c]) for c in conditions}
            rows = [[c, f"{1000 / median(results[c]):.0f}", ratio_cell(results, c, "nothing"),
                     f"{1000 * least[c]:.0f}", f"{least['nothing'] / least[c]:.3f}"]
                    for c in conditions]
            traced = median([once(slow)[0] for _ in range(2)])
            rows.append([slow, f"{1000 / traced:.0f}",
                         f"{traced / median(results['nothing']):.3f}", "", ""])
            print(f"\n### {name}\n")
            print(table(["condition", "median ms", "throughput of unrecorded (95%)",
                         "least ms of CPU time", "per CPU time of unrecorded"], rows))
            print(f"\nfull {ratio(results, 'record', 'nothing'):.3f}, with --enters "
                  f"{ratio(results, 'record --enters', 'nothing'):.3f} (target 0.85); "
                  f"verdict: {', '.join(sorted(verdicts))}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", choices=["getppid", "cpus", "nginx", "redis", "files"])
    parser.add_argument("--load", default="", metavar="WORD",
                        help="of the loads about files those whose name has it")
    words = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("record_overhead needs root: recording attaches BPF programs")
    need(VAMBRACE, LOOP, EMPTY, "strace", "nginx", "wrk", "redis-server", "redis-benchmark",
         *PROGRAMS)
    print(f"record_overhead on {machine()}, {words.rounds} rounds")
    if words.only in (None, "getppid"):
        getppid(words.rounds)
    if words.only in (None, "cpus"):
        two_cpus(words.rounds)
    if words.only in (None, "nginx"):
        server("nginx under wrk (1 worker, 16 connections)", words.rounds, support.nginx,
               lambda port: rates.wrk_count(port, 1))
    if words.only in (None, "redis"):
        server("redis-benchmark GET (16 clients)", words.rounds, support.redis,
               lambda port: rates.redis_count(port, 60000))
    if words.only in (None, "files"):
        files(words.rounds, words.load)


if __name__ == "__main__":
    main()

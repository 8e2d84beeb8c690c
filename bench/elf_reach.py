#!/usr/bin/env python3
"""What the static analysis answers for programs of Debian 12 beside what their loads
were seen doing and beside published figures, and how long it takes.

    bench/elf_reach.py --install             says which packages it needs, installs them
    bench/elf_reach.py                       records every program, then analyzes
    bench/elf_reach.py --evidence DIR        analyzes what was recorded into DIR before
    bench/elf_reach.py --only nginx,redis
    bench/elf_reach.py --time                nginx alone on one core, medians of 9: analyzed,
                                             and answered again from the cache; --cold drops
                                             the page cache before each analysis (root)
    bench/elf_reach.py --together            all programs with one command, by processors at a
                                             time and one by one, warm and cold (root)

Prints markdown for bench/RESULTS.md, and writes the times by the size of the code to
bench/elf_reach.svg. Needs root to record, and to drop the page cache.
"""

import argparse
import json
import math
import os
import re
import statistics
import subprocess
import sys

import measure
import plot

import elf_programs
import elf_sound
import support
import upstream_suites
from elf_languages import MUSL_LUA

# Allowed calls by binary analysis, Ubuntu 18.04: sysfilter and SysPart (SysPart,
# CCS 2023, table 2). Seen in the program's own test suite, and found in its source:
# Loupe (ASPLOS 2024, unikraft/loupedb).
SYSFILTER = {"nginx": 115, "redis": 104, "apache2": 98, "memcached": 104, "named": 119, "lighttpd": 99}
SYSPART = {"nginx": 108, "redis": 92, "apache2": 92, "memcached": 98, "named": 112, "lighttpd": 95}
LOUPE = {"nginx": (71, 85), "redis": (68, 80), "haproxy": (79, 91), "lighttpd": (55, 84),
         "sqlite3": (50, 59), "memcached": (66, None)}



def packages():
    return sorted({name for program in elf_programs.all_programs().values() for name in program.packages}
                  - {"attr", "mime-support", "bash", "openssh-sftp-server"})


def install():
    """Debian's packages, and Lua on musl from Debian's source."""
    measure.install(packages())
    if not os.path.exists(MUSL_LUA):
        os.makedirs(os.path.dirname(MUSL_LUA), exist_ok=True)
        with measure.scratch() as folder:
            place = upstream_suites.unpack("lua5.4", folder, patched=False)
            elf_programs.sh(f"""
              must make -s CC='musl-gcc -std=gnu99' MYCFLAGS=-DLUA_USE_POSIX MYLDFLAGS=-static SYSLIBS= lua
              must cp lua {MUSL_LUA}""", os.path.join(place, "src"))


def record(names, folder):
    for name in names:
        file = f"{folder}/{name}.json"
        if os.path.exists(file):
            continue
        try:
            elf_programs.record(name, file)
            print(f"recorded {name}", file=sys.stderr)
        except Exception as error:  # pylint: disable=broad-except
            print(f"{name}: not recorded: {str(error)[:300]}", file=sys.stderr)


# A process begins with the peak of memory of the one that started it, so that this
# bench, which holds all evidence, does not start the analysis itself.
# The answer goes to a file.
MEASURED = """
import json, resource, subprocess, sys, time
with open(sys.argv[1], "wb") as out:
    begin = time.monotonic()
    done = subprocess.run(sys.argv[2:], stdout=out, stderr=subprocess.PIPE)
    whole = time.monotonic() - begin
used = resource.getrusage(resource.RUSAGE_CHILDREN)
json.dump([done.returncode, done.stderr.decode(), whole, used.ru_utime + used.ru_stime, used.ru_maxrss], sys.stdout)
"""


class Timed:
    """One run: its answer, the time it says it took, the elapsed and the CPU time of the
    whole command in milliseconds, the peak of memory in MB."""

    def __init__(self, exe, evidence, *more):
        words = [word for file in evidence for word in ("--evidence", file)]
        with measure.scratch() as folder:
            out = folder + "/reach.json"
            done = support.run("/usr/bin/python3", "-c", MEASURED, out, support.VAMBRACE, "analyze", exe, "--json",
                               *words, *more, timeout=300)
            code, said, whole, cpu, peak = done.json()
            if code != 0:
                raise AssertionError(f"analyze {exe}: {said}")
            with open(out, encoding="utf-8") as text:
                self.answer = text.read()
        self.cached = "from the cache" in said
        self.said = float(re.search(r" in ([0-9.]+) s", said)[1]) * 1000
        self.whole, self.cpu, self.peak = whole * 1000, cpu * 1000, peak / 1024


def median_of(runs, name):
    return statistics.median(getattr(run, name) for run in runs)


def drop_page_cache():
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
        file.write("1\n")


def again(exe, evidence, rounds, folder):
    """Runs that are answered from a cache, as an analysis answers."""
    fresh = Timed(exe, evidence, "--cache", folder)
    runs = [Timed(exe, evidence, "--cache", folder) for _ in range(rounds)]
    assert not fresh.cached and all(run.cached and run.answer == fresh.answer for run in runs), exe
    return runs


def rows_of(names, folder, rounds):
    programs, documents, files = elf_programs.all_programs(), {}, {}
    for name in names:
        file = f"{folder}/{name}.json"
        if os.path.exists(file):
            with open(file, encoding="utf-8") as text:
                documents[name], files[name] = json.load(text), file
    seen = elf_sound.observed(documents)
    for name in names:
        path = os.path.realpath(programs[name].file)
        if path not in seen or not os.path.exists(path):
            continue
        calls = seen[path]
        loads = sorted({load for loads in calls.values() for load in loads})
        evidence = [files[load] for load in loads]
        drop_page_cache()
        cold = Timed(path, evidence, "--no-cache")
        warm = [Timed(path, evidence, "--no-cache") for _ in range(rounds)]
        with measure.scratch() as kept:
            cached = again(path, evidence, rounds, kept + "/cache")
        reach = json.loads(cold.answer)
        static = {call["name"] for call in reach["syscalls"]}
        linked = support.vambrace("analyze", path, "--linked-only", "--json").json()
        yield {"name": name, "observed": len(calls), "static": len(static),
               "linked": len(linked["syscalls"]),
               "direct": sum(call["confidence"] == "direct" for call in reach["syscalls"]),
               "outside": [(call, elf_sound.explain_by_load(path, call, calls[call], reach["gaps"]))
                           for call in sorted(set(calls) - static)], "gaps": len(reach["gaps"]),
               "unknown": sum(gap["kind"] == "number-unknown" for gap in reach["gaps"]),
               "code": sum(file["code_bytes"] for file in reach["libraries"]) / 1e6,
               "ms": median_of(warm, "said"), "cpu": median_of(warm, "cpu"), "cold": cold.said,
               "cached": median_of(cached, "said"), "memory": max(run.peak for run in warm)}


def cell(value):
    return "" if value is None else str(value)


def table(rows):
    lines = []
    for row in rows:
        name, suite = row["name"], LOUPE.get(row["name"], (None, None))
        lines.append([name, row["observed"], row["static"], row["linked"], row["direct"],
                      f"{row['static'] / row['observed']:.2f}", len(row["outside"]),
                      f"{row['gaps']} ({row['unknown']})", f"{row['code']:.1f}",
                      *(f"{row[name]:.0f}" for name in ("ms", "cold", "cached", "cpu", "memory")), cell(SYSFILTER.get(name)), cell(SYSPART.get(name)),
                      cell(suite[0]), cell(suite[1])])
    return measure.table(["program", "observed", "static", "linked", "direct", "ratio", "outside", "gaps (numbers)",
                          "code MB", "ms", "cold ms", "cached ms", "CPU ms", "peak MB", "sysfilter", "SysPart", "Loupe suite", "Loupe source"], lines)


def fit(rows):
    """Least squares: ms = start + slope * MB of code, and how much of it that explains."""
    xs, ys = [row["code"] for row in rows], [row["ms"] for row in rows]
    slope, start = statistics.linear_regression(xs, ys)
    return slope, start, statistics.correlation(xs, ys) ** 2


def power(rows):
    """ms grow with that power of the code's size, and how much of it that explains."""
    xs, ys = [math.log(row["code"]) for row in rows], [math.log(row["ms"]) for row in rows]
    return statistics.linear_regression(xs, ys).slope, statistics.correlation(xs, ys) ** 2


def draw(rows, path):
    slope, start, _ = fit(rows)
    with open(path, "w", encoding="utf-8") as file:
        file.write(plot.scatter([(row["name"], row["code"], row["ms"]) for row in rows],
                                lambda x: start + slope * x, "code of the program and its libraries, MB",
                                "time of the analysis, ms"))


def time_nginx(rounds, cold):
    os.sched_setaffinity(0, {0})
    exe, runs = os.path.realpath("/usr/sbin/nginx"), []
    for _ in range(rounds):
        if cold:
            drop_page_cache()
        runs.append(Timed(exe, [], "--no-cache"))
    reach = json.loads(runs[0].answer)
    code = sum(file["code_bytes"] for file in reach["libraries"]) / 1e6
    print(f"nginx, {code:.1f} MB of code in {len(reach['libraries'])} files, one core, "
          f"{'cold' if cold else 'warm'} page cache, medians of {rounds}")
    with measure.scratch() as kept:
        for what, some in (("analyzed", runs), ("from the cache", again(exe, [], rounds, kept + "/cache"))):
            print(f"{what}: whole command {median_of(some, 'whole'):.0f} ms elapsed "
                  f"(from {min(run.whole for run in some):.0f}), {median_of(some, 'cpu'):.0f} ms of CPU time "
                  f"(from {min(run.cpu for run in some):.0f}), {max(run.peak for run in some):.0f} MB peak")


def time_together(names, rounds):
    """All programs with one command, as many at a time as there are processors and one
    by one, with a warm and a cold page cache, in turns; the rest of a user's cache
    is of no help (--no-cache)."""
    programs = elf_programs.all_programs()
    files = sorted({os.path.realpath(programs[name].file) for name in names})
    files = [file for file in files if os.path.exists(file)]
    runs = {}
    for _ in range(rounds):
        for jobs in (1, len(os.sched_getaffinity(0))):
            for cache in ("warm", "cold"):
                if cache == "cold":
                    drop_page_cache()
                runs.setdefault((jobs, cache), []).append(
                    Timed(files[0], [], *files[1:], "--no-cache", "--jobs", str(jobs)))
    for (jobs, cache), some in runs.items():
        assert all(run.answer == runs[1, "warm"][0].answer for run in some)
        print(f"{len(files)} programs, {jobs} at a time, {cache} page cache: {median_of(some, 'whole') / 1e3:.1f} s elapsed "
              f"(from {min(run.whole for run in some) / 1e3:.1f}), {median_of(some, 'cpu') / 1e3:.1f} s of CPU time, "
              f"{max(run.peak for run in some):.0f} MB peak, medians of {rounds}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--install", action="store_true")
    parser.add_argument("--evidence")
    parser.add_argument("--only")
    parser.add_argument("--time", action="store_true")
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--together", action="store_true")
    parser.add_argument("--rounds", type=int, default=9)
    words = parser.parse_args()
    measure.need(support.VAMBRACE)
    print(measure.machine())
    if words.time or words.cold:
        return time_nginx(words.rounds, words.cold)
    if words.install:
        install()
    names = words.only.split(",") if words.only else list(elf_programs.all_programs())
    if words.together:
        return time_together(names, words.rounds)
    with measure.scratch() as scratch:
        folder = words.evidence or scratch
        if not words.evidence:
            record(names, folder)
        os.sched_setaffinity(0, {0})
        rows = list(rows_of(names, folder, 3))
    print(table(rows))
    ratios = [row["static"] / row["observed"] for row in rows]
    linked = statistics.median(row["linked"] / row["observed"] for row in rows)
    print(f"\n{len(rows)} programs: median of static/observed {statistics.median(ratios):.2f}, "
          f"of linked/observed {linked:.2f}; "
          f"{sum(len(row['outside']) for row in rows)} observed calls outside of the static sets; "
          f"all analyses together {sum(row['ms'] for row in rows) / 1e3:.1f} s warm, "
          f"{sum(row['cold'] for row in rows) / 1e3:.1f} s with a cold page cache, "
          f"{sum(row['cached'] for row in rows) / 1e3:.1f} s from the cache; "
          f"{sum(row['cpu'] for row in rows) / 1e3:.1f} s of CPU time warm, reading the evidence included")
    for row in rows:
        if row["outside"]:
            print(f"outside: {row['name']}: " + ", ".join(
                f"{call} ({'at a listed gap' if gap else 'MISSED'})" for call, gap in row["outside"]))
    if len(rows) > 2:
        slope, start, explained = fit(rows)
        print(f"ms = {start:.0f} + {slope:.0f} per MB of code, r2 = {explained:.2f}, {len(rows)} programs")
        print("ms grow with the code's size to the power of {:.2f}, r2 = {:.2f}".format(*power(rows)))
        if not words.only:
            draw(rows, os.path.join(measure.ROOT, "bench/elf_reach.svg"))
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Static sets beside what the programs' own test suites show.

    bench/suite_reach.py [--folder DIR] [--tests N] [SUITE...]

Records the tests of each suite (upstream_suites.py), merges the recordings, and
compares what every program file in them did with what the analysis says it could do.
A call outside of the static set is looked for once more with strace in the tests that
made it: only if all its places are listed gaps it is explained. Prints markdown for
bench/RESULTS.md; exit 1 if a call is outside and not explained. Root is needed.

"host" is the static set as this machine is set up, "container" with the nsswitch.conf
that Debian's packages bring, which is what images have: a machine with systemd names
libnss_systemd in it. "linked" leaves out all that is loaded at run time.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile

import measure

import elf_sound
import support
import upstream_suites
from upstream_suites import SUITES


def merged(name, files, folder):
    """The evidence of all tests of a suite as one file."""
    path = os.path.join(folder, f"{name}.json")
    # A command line has room for a few hundred names only.
    parts = [files[first:first + 200] for first in range(0, len(files), 200)]
    for index, part in enumerate(parts):
        made = f"{path}.{index}"
        rest = [f"{path}.{index - 1}"] if index > 0 else []
        done = support.run(support.VAMBRACE, "evidence", "merge", *rest, *part, "-o", made, timeout=600)
        if done.code != 0:
            sys.exit(f"{name}: {done.err}")
    os.rename(f"{path}.{len(parts) - 1}", path)
    with open(path, encoding="utf-8") as file:
        return path, json.load(file)


def in_a_container(program):
    """The number of calls with Debian's own nsswitch.conf in place of the machine's."""
    done = support.run("unshare", "--mount", "sh", "-ec",
                       'mount --bind /usr/share/libc-bin/nsswitch.conf /etc/nsswitch.conf; exec "$@"',
                       "sh", support.VAMBRACE, "analyze", program, "--json", timeout=300)
    if done.code != 0:
        sys.exit(f"{program}: {done.err}")
    return len(done.json()["syscalls"])


def explain_by_tests(name, folder, tests):
    """As elf_sound.explain_by_load, by the tests in which the program makes the call."""
    suite = SUITES[name]
    place = upstream_suites.prepare(suite, folder)

    def explain(exe, call, _loads, gaps):
        for test, path in tests:
            with open(path, encoding="utf-8") as file:
                document = json.load(file)
            if call not in elf_sound.observed({"": document}).get(exe, {}):
                continue
            os.environ["P"] = os.path.realpath(suite.program)
            if elf_sound.explained(["sh", "-c", suite.command(place, test)],
                                   support.temp_dir(), exe, call, gaps):
                return True
        return False
    return explain


def row_of(name, arguments):
    tests = upstream_suites.recorded(name, arguments.folder, arguments.tests)
    program = os.path.realpath(SUITES[name].program)
    with tempfile.TemporaryDirectory() as folder:
        path, document = merged(name, [path for _, path in tests], folder)
        # Programs that a test built in its own folder are gone with it.
        document["processes"] = [process for process in document["processes"]
                                 if os.path.exists(process["exe"])]
        answers = {}

        def answer(exe, evidence):
            answers[exe] = elf_sound.analyze(exe, evidence)
            return answers[exe]

        programs, calls, outside = elf_sound.compare(
            {name: document}, {name: path}, answer, explain_by_tests(name, arguments.folder, tests))
    linked = support.vambrace("analyze", program, "--linked-only", "--json").json()
    return {"name": name, "tests": len(tests), "programs": programs, "calls": calls,
            "outside": outside, "linked": len(linked["syscalls"]),
            "observed": len(elf_sound.observed({name: document})[program]),
            "host": len(answers[program]["syscalls"]), "container": in_a_container(program)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("suites", nargs="*", metavar="SUITE")
    parser.add_argument("--folder", default=os.path.join(tempfile.gettempdir(), "suites"))
    parser.add_argument("--tests", type=int)
    arguments = parser.parse_args()
    measure.need(support.VAMBRACE, "strace")
    print(measure.machine())
    rows = []
    for name in arguments.suites or SUITES:
        rows.append(row_of(name, arguments))
        for one in rows[-1]["outside"]:
            print(f"{name}: {one.exe}: {one.call}: "
                  f"{'at a listed gap' if one.explained else 'OUTSIDE'}", flush=True)
    kinds = ("host", "container", "linked")
    print(measure.table(
        ["suite", "tests", "observed", *(word for kind in kinds for word in (kind, "ratio")),
         "program files", "their calls", "outside", "at a gap"],
        [[row["name"], row["tests"], row["observed"],
          *(word for kind in kinds for word in (row[kind], f"{row[kind] / row['observed']:.2f}")),
          row["programs"], row["calls"], sum(not one.explained for one in row["outside"]),
          sum(one.explained for one in row["outside"])] for row in rows]))
    for kind in kinds:
        ratio = statistics.median(row[kind] / row["observed"] for row in rows)
        print(f"median of {kind}/observed: {ratio:.2f} over {len(rows)} suites")
    return any(not one.explained for row in rows for one in row["outside"])


if __name__ == "__main__":
    sys.exit(main())

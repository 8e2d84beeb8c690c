#!/usr/bin/env python3
"""Sound: whatever programs that nobody here wrote were seen doing is in the set
that the static analysis gives for them.

Each is recorded under its load (elf_programs.py), and each program file that the
evidence has, the shells and tools of the load among them, is analyzed. There is no
list of exceptions. A call outside the set passes only if strace, around the same
load, shows that every place it was made from is a gap that the analysis lists;
those are counted and printed.

What the recorder's own launcher did before it became the load is not looked at,
nor is a signal's return or a call that the kernel makes again by itself.
"""

import collections
import functools
import json
import os
import re
import struct

import elf_programs
import support
from support import vambrace

# The kernel enters it by itself, after a signal has interrupted another call.
BY_THE_KERNEL = {"restart_syscall"}

Outside = collections.namedtuple("Outside", "exe call loads explained")


def is_elf(path):
    try:
        with open(path, "rb") as file:
            return file.read(4) == b"\x7fELF"
    except OSError:
        return False


def observed(documents):
    """{program file: {call of x86-64: {loads in which it was seen}}}."""
    seen = {}
    for name, document in documents.items():
        for process in document["processes"]:
            if process["origin"] == "runtime":
                continue
            calls = seen.setdefault(process["exe"], {})
            for fact in process["syscalls"]:
                # Refused and failed ones count as well: they were made.
                if fact["arch"] == "x86_64" and fact["name"] not in BY_THE_KERNEL:
                    calls.setdefault(fact["name"], set()).add(name)
    return seen


def analyze(exe, evidence, tool=None):
    """The static answer, with the libraries that the evidence has of it."""
    words = [word for file in sorted(evidence) for word in ("--evidence", file)]
    done = support.run(tool or support.VAMBRACE, "analyze", exe, "--json", *words)
    if done.code != 0:
        raise AssertionError(f"analyze {exe}: {done.err}")
    return done.json()


# --- Where a call was made --------------------------------------------------------

FRAME = re.compile(r"^ > (.+?)(?:\(.*\))? \[(0x[0-9a-f]+)\]$")
CALL = re.compile(r"^(?:\d+ +)?(?:<\.\.\. )?(\w+)")


def stacks(log):
    """{call: [stack]} of a log of `strace -f -k`; a stack is [(file, address)], the
    place of the call first."""
    found, current = {}, None
    for line in log.splitlines():
        frame = FRAME.match(line)
        if frame and current is not None:
            current.append((frame[1], int(frame[2], 16)))
        elif not line.startswith(" >"):
            call = CALL.match(line)
            current = []
            if call:
                found.setdefault(call[1], []).append(current)
    return found


@functools.cache
def segments(path):
    """[(address, offset in the file, size)] of what an x86-64 file has loaded."""
    with open(path, "rb") as file:
        header = file.read(64)
        start, = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        file.seek(start)
        table = file.read(size * count)
    found = []
    for at in range(0, size * count, size):
        kind, _, offset, address, _, length = struct.unpack_from("<IIQQQQ", table, at)
        if kind == 1:  # PT_LOAD
            found.append((address, offset, length))
    return found


def offset_of(path, address):
    """Where in the file an address is: strace tells places as offsets."""
    return next((address - start + offset for start, offset, length in segments(path)
                 if start <= address < start + length), None)


def at_a_gap(stack, gaps):
    """Whether the number came from a listed gap: the instruction itself, or the call
    of the function, such as syscall(2), that was given the number."""
    for depth, (file, place) in enumerate(stack[:3]):
        # A frame's place is past its instruction: 2 bytes, a call has up to 7.
        longest = 2 if depth == 0 else 7
        for gap in gaps:
            if os.path.realpath(gap["object"]) == os.path.realpath(file):
                offset = offset_of(file, int(gap["address"], 16))
                if offset is not None and 0 < place - offset <= longest:
                    return True
    return False


def explained(command, directory, exe, call, gaps):
    """Whether all places from which the program makes the call are gaps. Not, if it
    is not seen again: then nobody knows where it came from."""
    log = f"{directory}/strace-{call}"
    support.run("strace", "-f", "-k", "-qq", "-e", f"trace={call}", "-o", log, *command,
                cwd=directory, timeout=300)
    with open(log, encoding="utf-8", errors="replace") as file:
        seen = stacks(file.read()).get(call, [])
    ours = [stack for stack in seen if any(os.path.realpath(file) == exe for file, _ in stack)]
    return bool(ours) and all(at_a_gap(stack, gaps) for stack in ours)


# --- The comparison -----------------------------------------------------------------

def compare(documents, files, answer=analyze, explain=None):
    """(programs compared, calls compared, [Outside])."""
    programs = calls = 0
    outside = []
    for exe, seen in sorted(observed(documents).items()):
        if not is_elf(exe):
            print(f"{exe}: gone since, or no ELF file; not compared")
            continue
        loads = sorted({name for names in seen.values() for name in names})
        reach = answer(exe, [files[name] for name in loads])
        static = {call["name"] for call in reach["syscalls"]}
        programs, calls = programs + 1, calls + len(seen)
        for call in sorted(set(seen) - static):
            shown = explain is not None and explain(exe, call, seen[call], reach["gaps"])
            outside.append(Outside(exe, call, sorted(seen[call]), shown))
    return programs, calls, outside


def explain_by_load(exe, call, loads, gaps):
    directory = support.temp_dir()
    command = ["/usr/bin/python3", elf_programs.__file__, "--load", sorted(loads)[0], directory]
    return explained(command, directory, exe, call, gaps)


@functools.cache
def recorded(names):
    """Documents and files of the evidence of these programs."""
    support.require_root()
    support.require_btf()
    programs, documents, files = elf_programs.all_programs(), {}, {}
    folder = support.temp_dir()
    for name in names:
        if not os.path.exists(programs[name].file):
            support.skip(f"{programs[name].file} is not installed")
        files[name] = f"{folder}/{name}.json"
        documents[name] = elf_programs.record(name, files[name])
    return documents, files


def check(*names):
    support.require_program("strace")
    documents, files = recorded(names)
    programs, calls, outside = compare(documents, files, explain=explain_by_load)
    by_gap = [row for row in outside if row.explained]
    print(f"{', '.join(names)}: {calls} calls of {programs} program files, "
          f"{len(by_gap)} at a listed gap")
    for row in outside:
        print(f"  {row.exe}: {row.call}, {'at a listed gap' if row.explained else 'OUTSIDE'}, "
              f"in {', '.join(row.loads)}")
    missed = [row for row in outside if not row.explained]
    assert not missed, f"{len(missed)} calls outside of the static set: {missed}"
    main = {os.path.realpath(elf_programs.all_programs()[name].file) for name in names}
    assert main <= set(observed(documents)), "a program does not appear in its evidence"


def test_servers_stay_in_their_static_set():
    check("nginx", "memcached")


def test_interpreters_stay_in_their_static_set():
    check("perl", "bash")


def test_tools_stay_in_their_static_set():
    check("sqlite3", "gzip")


def test_a_static_program_stays_in_its_static_set():
    check("busybox")


# --- That the comparison can fail ------------------------------------------------------

def _perl_evidence(script):
    support.require_root()
    support.require_btf()
    support.require_program("strace", "perl")
    directory = support.temp_dir()
    file = f"{directory}/e.json"
    vambrace("record", "-o", file, "--", "/usr/bin/perl", "-e", script, expect=0, cwd=directory)
    with open(file, encoding="utf-8") as text:
        return {"perl": json.load(text)}, {"perl": file}, directory


def test_a_call_at_a_gap_is_explained_by_its_place():
    """keyctl, by a number that only the script knows."""
    script = "syscall(250, 0, 0, 0, 0)"
    documents, files, directory = _perl_evidence(script)
    perl = os.path.realpath("/usr/bin/perl")

    def explain(exe, call, _loads, gaps):
        return explained([perl, "-e", script], directory, exe, call, gaps)

    _, _, outside = compare(documents, files, explain=explain)
    assert [(row.exe, row.call, row.explained) for row in outside] == [(perl, "keyctl", True)], outside


def test_a_call_that_the_analysis_forgets_is_found():
    """openat is made where its number is known, so that no gap explains it."""
    documents, files, directory = _perl_evidence("open my $f, '<', '/etc/passwd'")
    perl = os.path.realpath("/usr/bin/perl")

    def forgetful(exe, evidence):
        reach = analyze(exe, evidence)
        reach["syscalls"] = [call for call in reach["syscalls"] if call["name"] != "openat"]
        return reach

    def explain(exe, call, _loads, gaps):
        return explained([perl, "-e", "open my $f, '<', '/etc/passwd'"], directory, exe, call, gaps)

    _, _, outside = compare(documents, files, answer=forgetful, explain=explain)
    assert [(row.exe, row.call, row.explained) for row in outside] == [(perl, "openat", False)], outside


if __name__ == "__main__":
    support.main()

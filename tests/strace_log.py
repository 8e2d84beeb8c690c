"""Counts system calls per program in the output of `strace -f -o FILE`.

Each call is counted where it is entered, whether it returned or not, as the
kernel's sys_enter does. A program is the real path of the executable: for a
script, of its interpreter.
"""

import collections
import os
import re

ENTRY = re.compile(r"^(\d+) +([a-z_0-9]+)\((.*)$")
RESUMED = re.compile(r"^(\d+) +<\.\.\. ([a-z_0-9]+) resumed>(.*)$")
RESULT = re.compile(r"\)\s+= (-?\d+)")
FORKS = {"clone", "clone3", "fork", "vfork"}


def program_of(path, directory="/"):
    """The executable that runs when `path` is executed."""
    real = os.path.realpath(os.path.join(directory, path))
    for _ in range(4):
        try:
            with open(real, "rb") as file:
                head = file.read(256)
        except OSError:
            return real
        if not head.startswith(b"#!"):
            return real
        real = os.path.realpath(head[2:].split(b"\n")[0].split()[0].decode())
    return real


class _Task:
    def __init__(self):
        self.events = []  # ("call", name) | ("exec", path) | ("fork", child)
        self.parent = None
        self.unanswered = None  # the last call, while it has no result


def _tasks(lines):
    tasks = collections.defaultdict(_Task)
    pending = {}  # pid -> (name, arguments)
    for line in lines:
        entry, resumed = ENTRY.match(line), RESUMED.match(line)
        if entry:
            pid, name, rest = int(entry[1]), entry[2], entry[3]
            tasks[pid].events.append(("call", name))
            tasks[pid].unanswered = name
            if "<unfinished ...>" in rest:
                pending[pid] = (name, rest)
                continue
            arguments, tail = rest, rest
        elif resumed:
            pid, name, tail = int(resumed[1]), resumed[2], resumed[3]
            arguments = pending.pop(pid, (name, ""))[1]
        else:
            continue
        result = RESULT.search(tail)
        if result is None:
            continue
        value = int(result[1])
        tasks[pid].unanswered = None
        if name in FORKS and value > 0:
            child = tasks[value]
            child.parent = (pid, sum(1 for e in tasks[pid].events if e[0] == "exec"))
        if name in ("execve", "execveat") and value == 0:
            path = re.search(r'"((?:[^"\\]|\\.)*)"', arguments)
            tasks[pid].events.append(("exec", path[1] if path else "?"))
    return tasks


def counts(path, first_program, directory="/"):
    """Two of {program: {syscall: times}}: all calls, and the calls that a task
    was killed in before they were answered. `first_program` is what the first
    task runs before its first exec."""
    with open(path, encoding="utf-8", errors="replace") as log:
        tasks = _tasks(log)
    images = {}  # pid -> [program before the 1st exec, after it, ...]

    def programs(pid):
        if pid not in images:
            task = tasks[pid]
            start = first_program
            if task.parent is not None:
                parent, execs = task.parent
                start = programs(parent)[execs]
            images[pid] = [start] + [program_of(e[1], directory)
                                     for e in task.events if e[0] == "exec"]
        return images[pid]

    result = collections.defaultdict(collections.Counter)
    killed_in = collections.defaultdict(collections.Counter)
    for pid, task in tasks.items():
        at = 0
        for kind, what in task.events:
            if kind == "exec":
                at += 1
            elif kind == "call":
                result[programs(pid)[at]][what] += 1
        if task.unanswered not in (None, "exit", "exit_group"):
            killed_in[programs(pid)[at]][task.unanswered] += 1
    return result, killed_in

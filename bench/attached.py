"""One process, watched and left alone in turn.

Two processes of one program differ by more than what a recorder costs: where
their memory lies and on which connections they began. So the conditions come to
one process that goes on running.
"""

import contextlib
import os
import signal
import subprocess
import time

from measure import BUILD, VAMBRACE

import support  # pylint: disable=wrong-import-order
from record_counts import state_of  # pylint: disable=wrong-import-order

EMPTY = os.path.join(BUILD, "bench", "empty_probe")
SPIN = "while :; do :; done"


@contextlib.contextmanager
def awake():
    """No CPU halts: a virtual machine's wake-ups cost more than a request, and
    how often they come changes from second to second. The loops get a CPU only
    while nothing else wants it."""
    spinners = []
    try:
        for cpu in range(os.cpu_count() or 1):
            # pylint: disable=consider-using-with
            spinners.append(subprocess.Popen(
                ["taskset", "-c", str(cpu), "chrt", "-i", "0", "sh", "-c", SPIN]))
        yield
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()


def _tree(pid):
    """The process and those below it."""
    pids = [pid]
    for parent in pids:
        with open(f"/proc/{parent}/task/{parent}/children", encoding="ascii") as file:
            pids += [int(child) for child in file.read().split()]
    return pids


def _each(pids):
    return [word for pid in pids for word in ("-p", str(pid))]


@contextlib.contextmanager
def attached(condition, pid, directory):
    """The condition holds for that process tree until the end of the block."""
    evidence = os.path.join(directory, "evidence.json")
    command = {
        "nothing": None,
        "empty enter": [EMPTY, "enter", "cat"],
        "empty enter+exit": [EMPTY, "both", "cat"],
        "record --light": [VAMBRACE, "record", "--light", "-o", evidence, "--pid", str(pid)],
        "record": [VAMBRACE, "record", "-o", evidence, "--pid", str(pid)],
        "strace -f -c": ["strace", "-f", "-c", "-o", "/dev/null", *_each(_tree(pid))],
    }[condition]
    if command is None:
        yield
        return
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as process:
        try:
            if command[0] == EMPTY:
                process.stdin.write(b"attached\n")
                process.stdin.flush()
                process.stdout.readline()
            elif command[0] == VAMBRACE:
                support.wait_until(lambda: state_of(process), what="the recording begins")
            else:
                time.sleep(1)
            yield
        finally:
            if command[0] != EMPTY:
                process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)

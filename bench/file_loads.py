"""Loads that are mostly about files; each says itself how long it took, and how much
CPU time, so that what a recorder needs to begin and to end is not counted."""

import atexit
import os
import shutil
import subprocess
import tempfile

PROGRAMS = ("find", "make", "gcc", "git", "sqlite3")
SELF_TIMED = ("TIMEFORMAT='%U %S'; begin=$(date +%s%N); "
              "used=$({{ time {{ {work}; }} >/dev/null 2>&1; }} 2>&1); "
              "echo $(($(date +%s%N) - begin)) $used")


def _sources(directory):
    """A C project of forty files and a Makefile."""
    project = os.path.join(directory, "project")
    os.makedirs(project)
    for number in range(40):
        with open(os.path.join(project, f"part{number}.c"), "w", encoding="ascii") as file:
            file.write(f"#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
                       f"int part{number}(int x) {{ return x + {number}; }}\n")
    with open(os.path.join(project, "Makefile"), "w", encoding="ascii") as file:
        file.write("CFLAGS = -O0\nall: $(patsubst %.c,%.o,$(wildcard *.c))\n"
                   "clean:\n\trm -f *.o\n")
    return project


def _repository(directory):
    """A git repository of two thousand files."""
    root = os.path.join(directory, "repository")
    for number in range(2000):
        folder = os.path.join(root, f"d{number % 40}")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, f"f{number}"), "w", encoding="ascii") as file:
            file.write(f"{number}\n")
    git = ["git", "-c", "user.name=bench", "-c", "user.email=bench@localhost", "-C", root]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "all"]):
        subprocess.run([*git, *words], check=True)
    return root


def _on_ext4(directory):
    """A folder on ext4 in a file in memory: a file system that does something at fsync, on a
    medium whose times stay. None where it cannot be mounted."""
    image = os.path.join("/dev/shm", os.path.basename(directory) + ".img")
    if os.getuid() != 0 or not shutil.which("mkfs.ext4") or not os.path.exists("/dev/shm"):
        return None
    with open(image, "wb") as file:
        file.truncate(400 << 20)
    atexit.register(os.unlink, image)
    place = tempfile.mkdtemp(prefix="vambrace-bench-")
    atexit.register(os.rmdir, place)
    for words in (["mkfs.ext4", "-q", image], ["mount", "-o", "loop", image, place]):
        if subprocess.run(words, check=False).returncode != 0:
            return None
    atexit.register(subprocess.run, ["umount", place], check=True)
    return place


def file_loads(directory):
    """{name: command}; each prints its nanoseconds first, and seconds of CPU time in user
    and in kernel mode."""
    project, repository = _sources(directory), _repository(directory)
    bases = {"this disk": (4000, os.path.join(directory, "base.db"))}
    if os.path.exists("/dev/shm"):
        # No disk, whose times change; more transactions, of which each takes a few
        # hundredths of a millisecond.
        bases = {"tmpfs": (20000, os.path.join("/dev/shm", os.path.basename(directory) + ".db"))}
    if ext4 := _on_ext4(directory):
        bases["ext4 in memory"] = (4000, os.path.join(ext4, "base.db"))
    work = {
        "find over /usr/lib and /usr/share": "find /usr/lib /usr/share -type f -size +1G",
        "make of 40 C files": f"make -s -C {project} clean; make -s -j2 -C {project}",
        "git status of 2,000 files, 80 times":
            f"for i in $(seq 80); do git -C {repository} status; done",
    }
    for place, (transactions, base) in bases.items():
        script = os.path.join(directory, f"{transactions}.sql")
        with open(script, "w", encoding="ascii") as file:
            file.write("create table t(a integer primary key, b text);")
            file.writelines(f"insert into t values({number}, 'x');"
                            for number in range(transactions))
        work[f"sqlite, {transactions:,} transactions, on {place}"] = \
            f"rm -f {base}; sqlite3 {base} < {script}; rm -f {base}"
    return {name: ["bash", "-c", SELF_TIMED.format(work=text)] for name, text in work.items()}

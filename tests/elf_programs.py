"""Programs that nobody here wrote, each with a load that does more than a
benchmark: it is reloaded, refused, signaled, fed large and small requests, and
makes, renames and removes files. What they do is recorded, and compared with
what the static analysis says that they could do.

A load is a function that takes an empty folder and fails when an answer is
wrong. It runs in a process of its own below the recorder:

    vambrace record -o E.json -- python3 tests/elf_programs.py --load nginx DIR

so that the evidence has every program that the load starts, not the one alone
after which it is named.
"""

import collections
import json
import os
import subprocess
import sys

import support

# name: as in tables; file: the program (an absolute path, or None where the load
# makes it); packages: of Debian 12, what the program and its load need; load: the
# function. `usual` programs come with `scripts/packages.sh test`, and their loads
# are short: continuous integration records these (elf_sound.py), bench/elf_reach.py
# all.
Program = collections.namedtuple("Program", "name file packages load usual")

PROGRAMS = {}


def program(file, packages="", usual=False):
    """Registers the decorated function as the load of a program."""
    def register(load):
        name = load.__name__.removeprefix("load_")
        PROGRAMS[name] = Program(name, file, packages.split(), load, usual)
        return load
    return register


# `must COMMAND...` ends the load where the command fails; other commands of a
# load may fail, and many are there to.
PRELUDE = 'must() { "$@" || { echo "failed: $*" >&2; exit 9; }; }\n'


def sh(script, directory, seconds=120, **variables):
    """Runs a script of bash in the folder; what it says is kept in `said` there, a
    file that daemons it starts may keep open."""
    with open(f"{directory}/said", "w+b") as said:
        done = subprocess.run(["/bin/bash", "-c", PRELUDE + script], cwd=directory,
                              stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                              timeout=seconds, check=False,
                              env={**os.environ, "HOME": directory, "LC_ALL": "C.UTF-8", **variables})
        if done.returncode != 0:
            said.seek(0)
            raise AssertionError(f"exit {done.returncode}: {said.read()[-2000:].decode(errors='replace')}")


# --- Recording -----------------------------------------------------------------

# No two recordings at once on one machine: each slows the other's system calls.
LOCK = "/tmp/host-record.lock"


def all_programs():
    """{name: Program}, with the loads of all modules."""
    # Imported late: the modules register themselves here.
    # pylint: disable=import-outside-toplevel,unused-import
    import elf_languages
    import elf_servers
    import elf_servers_more
    import elf_tools
    return sys.modules["elf_programs"].PROGRAMS


def record(name, evidence, seconds=300, vambrace=None):
    """Records the program under its load; the evidence as a document."""
    directory = support.temp_dir()
    command = [vambrace or support.VAMBRACE, "record", "-o", evidence, "--",
               "/usr/bin/python3", os.path.abspath(__file__), "--load", name, directory]
    done = support.run("flock", LOCK, *command, timeout=seconds)
    if done.code != 0:
        raise AssertionError(f"{name}: {done}")
    with open(evidence, encoding="utf-8") as file:
        return json.load(file)


def main():
    words = sys.argv[1:]
    programs = all_programs()
    if len(words) == 3 and words[0] == "--load" and words[1] in programs:
        programs[words[1]].load(words[2])
    elif words == ["--list"]:
        print("\n".join(programs))
    else:
        sys.exit("usage: elf_programs.py --load NAME DIR | --list")


if __name__ == "__main__":
    # The modules of loads import this one by its name: it is the same module.
    sys.modules["elf_programs"] = sys.modules["__main__"]
    main()

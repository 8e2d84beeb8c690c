"""What the tests of run, verify and attest share: bundles made from real loads,
and the attack program's answers."""

import errno
import functools
import json
import os
import re

import support

# Where the workload's program lies, for --workload.
PROGRAMS = {
    "nginx": "/usr/sbin/nginx",
    "redis": "/usr/bin/redis-server",
    "memcached": "/usr/bin/memcached",
    "python3": "/usr/bin/python3",
}
DRIVER = os.path.join(support.TESTS, "drive.py")


def program(name, directory):
    if name == "static":
        return f"{directory}/static_server"
    if name == "postgres":
        versions = sorted(os.listdir("/usr/lib/postgresql"))
        return f"/usr/lib/postgresql/{versions[-1]}/bin/postgres"
    return os.path.realpath(PROGRAMS[name])


def driver(name, directory):
    """The test command, and the words that single the workload out. The driver
    of the Python server is a shell script: it must not be what is recorded."""
    if name == "python3":
        port = support.free_port()
        script = support.write(f"{directory}/drive.sh", f"""
            /usr/bin/python3 -m http.server {port} --bind 127.0.0.1 --directory {directory} &
            server=$!
            for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
              curl -sf http://127.0.0.1:{port}/ -o /dev/null && break
              sleep 0.2
            done
            curl -sf http://127.0.0.1:{port}/ -o /dev/null; status=$?
            curl -s -o /dev/null http://127.0.0.1:{port}/missing
            curl -s -o /dev/null -d x http://127.0.0.1:{port}/
            kill $server; wait $server
            exit $status
            """)
        return ["sh", script]
    return ["python3", DRIVER, name, directory]


def fresh_directory(name):
    directory = support.temp_dir()
    if name == "static":
        support.static_server(directory)
    return directory


def record(name, directory, out, *words):
    support.vambrace("record", "-o", out, "--workload", program(name, directory), *words,
                     "--", *driver(name, directory), expect=0)


class Case:
    """One server on one target: how it is recorded, driven and confined."""

    def __init__(self, directory, recorded, confined, driver_words):
        self.directory, self.recorded, self.confined = directory, recorded, confined
        self.driver = driver_words


def case(name, target):
    directory = fresh_directory(name)
    if target == "process":
        chosen = ["--workload", program(name, directory)]
        return Case(directory, chosen, chosen,
                    lambda: driver(name, fresh_copy(name, directory)))
    container = support.container_name(f"enforce-{name}")
    return Case(directory, ["--container", container], [],
                lambda: ["python3", DRIVER, name, directory, target, container])


def fresh_copy(name, directory):
    """Servers find no files of an earlier run; the static one must keep its
    binary."""
    return support.temp_dir() if name != "static" else directory


def verify(bundle_dir, name, directory, *words):
    return support.vambrace("verify", bundle_dir, "--json", "--workload",
                            program(name, directory), *words, "--",
                            *driver(name, fresh_copy(name, directory)))


class Attack:
    def __init__(self, line):
        name, self.arch, nr, *args = line.split()
        self.name, self.nr = name, int(nr)
        self.args = [int(arg) & 0xffffffffffffffff for arg in args]


def attack_list(program_path):
    return [Attack(line) for line in
            support.run(program_path, "--list").out.strip().splitlines()]


def answers(text):
    """NAME RESULT lines as a dictionary."""
    result = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) == 2 and words[1].lstrip("-").isdigit():
            result[words[0]] = int(words[1])
    return result


def errno_text(result):
    return errno.errorcode.get(-result, str(result)) if result < 0 else str(result)


# --- Bundles of their own making ---------------------------------------------

EXAMPLE = os.path.join(support.PROJECT, "src/evidence/testdata/example.json")
HEADER = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"


def decided(choices, capabilities=(), target="process", no_new_privs=True):
    """A bundle.yaml in which people decided on calls and added capabilities;
    choices maps the name of a call to "add" or "drop"."""
    lines = ["schema: vambrace.bundle/v1", "workload:", "  id: spiffe://local/test",
             "target:", f"  name: {target}",
             f"  no_new_privs: {'true' if no_new_privs else 'false'}", "stage: harden"]
    subjects = {f"syscall {name}": choice for name, choice in choices.items()}
    subjects |= {f"capability {name}": "add" for name in capabilities}
    if subjects:
        lines.append("decisions:")
    for what, choice in sorted(subjects.items()):
        lines += [f"  - what: {what}", f"    choice: {choice}", "    who: test", "    why: test"]
    if capabilities:
        lines.append("waivers:")
    for name in capabilities:
        lines += [f"  - what: capability {name}", "    who: test", "    why: test",
                  "    until: 2999-12-31"]
    directory = f"{support.temp_dir()}/bundle"
    support.write(f"{directory}/bundle.yaml", "\n".join(lines) + "\n")
    return directory


def synthesized(directory, evidence):
    path = support.write(f"{support.temp_dir()}/evidence.json", json.dumps(evidence))
    support.vambrace("synth", path, "-o", directory, expect=0)
    return directory


@functools.cache
def numbers_of_calls():
    """Of x86-64, by name."""
    if not os.path.exists(HEADER):
        support.skip("no linux-libc-dev: no list of the calls")
    with open(HEADER, encoding="utf-8") as file:
        return {name: int(number) for name, number in
                re.findall(r"#define __NR_(\w+) (\d+)", file.read())}


def handmade(refused, capabilities, target="process", no_new_privs=True):
    """A bundle that grants every call of x86-64 but the refused ones (None: next to
    none), and exactly these capabilities."""
    calls = [] if refused is None else [name for name in numbers_of_calls() if name not in refused]
    directory = decided({name: "add" for name in calls}, capabilities, target, no_new_privs)
    with open(EXAMPLE, encoding="utf-8") as file:
        evidence = json.load(file)
    evidence["workload"] = {"id": "spiffe://local/test", "container": "", "owner": ""}
    process, = evidence["processes"]
    process |= {"syscalls": process["syscalls"][:1], "capabilities": [], "network": [],
                "execs": []}
    return synthesized(directory, evidence)


def status_under(bundle_dir, *words):
    """The confinement that a program sees on itself under `run`."""
    done = support.vambrace("run", bundle_dir, *words, "--", "cat", "/proc/self/status")
    assert done.code == 0, done
    return dict(line.split(":\t", 1) for line in done.out.splitlines() if ":\t" in line)


def from_evidence(path, capabilities=(), leave_out=()):
    """A bundle for a plain process that allows the calls of one evidence file but
    those left out, and exactly these capabilities."""
    with open(path, encoding="utf-8") as file:
        evidence = json.load(file)
    made = {call["name"] for process in evidence["processes"] for call in process["syscalls"]}
    directory = decided({name: "drop" for name in leave_out if name in made}, capabilities)
    evidence["workload"] = {"id": "spiffe://local/test", "container": "", "owner": ""}
    return synthesized(directory, evidence)

"""What the tests of run, verify and attest share: bundles made from real loads,
and the attack program's answers."""

import errno
import json
import os

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

def handmade(profile, capabilities, target="process", no_new_privs=True):
    """A bundle with exactly this profile and these capabilities."""
    directory = f"{support.temp_dir()}/bundle"
    switch = "true" if no_new_privs else "false"
    support.write(f"{directory}/bundle.yaml",
                  "schema: vambrace.bundle/v1\nworkload:\n  id: spiffe://local/test\n"
                  f"target:\n  name: {target}\n  no_new_privs: {switch}\nstage: harden\n")
    support.write(f"{directory}/policy.json", json.dumps({
        "schema": "vambrace.policy/v1",
        "workload": {"id": "spiffe://local/test", "container": "", "owner": ""},
        "evidence": {"state": "complete", "gaps": []}, "arches": ["x86_64"],
        "syscalls": [], "expected": [], "capabilities": [], "noise": [], "findings": []}))
    support.write(f"{directory}/seccomp.json", json.dumps(profile))
    support.write(f"{directory}/capabilities.json", json.dumps({
        "schema": "vambrace.capabilities/v1", "target": target, "stage": "harden",
        "drop": ["ALL"], "add": sorted(capabilities), "refused": []}))
    return directory


def status_under(bundle_dir, *words):
    """The confinement that a program sees on itself under `run`."""
    done = support.vambrace("run", bundle_dir, *words, "--", "cat", "/proc/self/status")
    assert done.code == 0, done
    return dict(line.split(":\t", 1) for line in done.out.splitlines() if ":\t" in line)


# What libc, the launcher's execve and a stopped program may need besides what was
# seen.
ALWAYS = ["execve", "exit", "exit_group", "rt_sigreturn", "restart_syscall", "brk", "mmap",
          "munmap", "mprotect", "arch_prctl", "set_tid_address", "clock_gettime",
          "gettimeofday", "time", "getrandom"]


def from_evidence(path, capabilities=(), leave_out=()):
    """A bundle that allows exactly the calls of one evidence file, by name: made
    here, so that these tests depend on verify alone."""
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    names = {call["name"] for process in document["processes"]
             if process["origin"] != "harness" for call in process["syscalls"]}
    names = sorted((names | set(ALWAYS)) - set(leave_out))
    directory = handmade({"defaultAction": "SCMP_ACT_ERRNO",
                          "architectures": ["SCMP_ARCH_X86_64"],
                          "syscalls": [{"names": names, "action": "SCMP_ACT_ALLOW"}]},
                         capabilities)
    support.write(f"{directory}/evidence/a.json", json.dumps(document))
    return directory

"""Attack actions, made from inside a workload under a bundle's policy: refused with
the errno that the policy says for the target, and seen by the recorder in the
kernel. The control run without the policy ends in another way."""

import functools
import json
import shutil

import containers
import enforcement
import support

ENOUGH = 30
# What no server's policy may ever allow.
NEVER = {"unshare_newuser", "unshare_newns", "clone_newuser", "clone_newuser_garbage",
         "clone3_newuser", "mount", "ptrace", "bpf", "keyctl", "socket_alg",
         "socket_alg_garbage", "personality", "personality_garbage", "io_uring_setup",
         "userfaultfd", "process_vm_writev", "ioctl_tiocsti", "ioctl_tiocsti_garbage"}
# Docker 20.10 does not know them; CAP_SYS_ADMIN covers what they allow.
NEW_CAPABILITIES = ("CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE")
FOREIGN = ("i386_unshare", "x32_unshare")


class Place:
    """Where the attack program runs, with and without a policy."""

    def __init__(self, target):
        self.target = target
        self.directory = support.temp_dir()
        self.program = f"{self.directory}/attacks"
        shutil.copy(support.attacks(), self.program)
        self.workload = (self.program if target == "process" else
                         support.container_name(f"attacks-{target}"))

    def words(self, attacks, free=False):
        """The attack program's start. `free`: no filter and every capability."""
        command = [self.program, *attacks]
        if self.target == "process":
            return command
        if self.target == "docker":
            more = (["--security-opt", "seccomp=unconfined"] +
                    [f"--cap-add={name[4:]}" for name in capabilities_here()
                     if name not in NEW_CAPABILITIES]) if free else []
            return ["docker", "run", "--rm", "--name", self.workload, *more, "-v",
                    f"{self.directory}:{self.directory}", support.IMAGE, *command]
        config = containers.oci_config(command, self.directory)
        if free:
            config["process"]["noNewPrivileges"] = False
            config["process"]["capabilities"] = {
                kind: capabilities_here() for kind in ("bounding", "effective", "permitted")}
        folder = support.temp_dir()
        support.write(f"{folder}/config.json", json.dumps(config))
        return ["runc", "run", "--bundle", folder, self.workload]


def capabilities_here():
    """The names of what this process may give away."""
    with open("/proc/self/status", encoding="utf-8") as file:
        held = int(next(line.split()[1] for line in file if line.startswith("CapBnd:")), 16)
    names = support.run("capsh", f"--decode={held:016x}").out
    return [name.upper() for name in names.strip().split("=", 1)[1].split(",")]


@functools.cache
def place_of(target):
    """The place, the attacks that are made one after the other, and how each ends
    without a policy."""
    place = Place(target)
    plain = [attack for attack in enforcement.attack_list(place.program)
             if attack.arch == "x86_64"]
    control = support.run(*place.words([attack.name for attack in plain], free=True))
    free = enforcement.answers(control.out)
    assert set(free) == {attack.name for attack in plain}, control
    return place, plain, free


def holds(bundle, target):
    """How many actions the policy alone refuses; fails if one gets another answer
    than the policy's, was not seen, or must not be allowed to any server."""
    place, plain, free = place_of(target)
    names = [attack.name for attack in plain]
    log = f"{place.directory}/answers"
    script = support.write(f"{place.directory}/driver.sh",
                           '"$@" >' + log + "\n")
    done = support.vambrace("verify", bundle, "--json", "--workload", place.workload, "--",
                            "sh", script, *place.words(names))
    assert done.code == 1 and done.json()["confined"] == 1, done
    with open(log, encoding="utf-8") as file:
        confined = enforcement.answers(file.read())
    assert set(confined) == set(names), confined
    report = done.json()
    denied = {denial["nr"]: denial for denial in report["denials"] + report["expected_denials"]
              if denial["kind"] == "syscall"}

    held, same = [], []
    for attack in plain:
        says = support.vambrace("evaluate", bundle, attack.nr, *(f"{arg:#x}" for arg in attack.args),
                                "--json", expect=0).json()
        assert says["action"] == "SCMP_ACT_ERRNO" or attack.name not in NEVER, (attack.name, says)
        if says["action"] != "SCMP_ACT_ERRNO":
            continue
        assert confined[attack.name] == -says["errno"], (attack.name, confined[attack.name], says)
        seen = denied.get(attack.nr)
        errno = enforcement.errno_text(-says["errno"])
        assert seen and errno in seen["errnos"], (attack.name, errno, seen)
        (same if free[attack.name] == confined[attack.name] else held).append(attack.name)
    assert len(held) >= ENOUGH, (held, same)
    foreign_tables_are_closed(bundle, place)
    return len(held)


def foreign_tables_are_closed(bundle, place):
    """Calls by another table's numbers; filters may end the caller for them."""
    for name in FOREIGN:
        done = support.vambrace("run", bundle, "--", *place.words([name]))
        result = enforcement.answers(done.out).get(name)
        assert (result is None and done.code != 0) or result in (-1, -38), (name, done)

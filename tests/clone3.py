#!/usr/bin/env python3
"""A policy of evidence in which clone made all threads and children (an older glibc,
musl, Go) serves a glibc that asks for clone3 first: it is answered ENOSYS, so that
clone is asked for. Under filters that run, systemd's own among them."""

import json
import os
import re

import support

MADE = "thread: made, posix_spawn: made, fork: made\n"

UNIT = """
[Unit]
DefaultDependencies=no
SuccessAction=exit-force
FailureAction=exit-force
[Service]
Type=oneshot
ExecStart={program}
StandardOutput=file:{out}
{filter}
"""

# A manager in namespaces of its own: what it mounts and starts ends with it.
MANAGER = """
umount -l /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup && mount -t tmpfs tmpfs /run || exit 9
mkdir -p /run/user/0 /run/systemd/system
export XDG_RUNTIME_DIR=/run/user/0 SYSTEMD_UNIT_PATH=$1
exec timeout -s KILL 30 /lib/systemd/systemd --user --unit=vmb-clone3.service
"""


def bundle():
    """Of a program and of a recording in which it never asked for clone3."""
    support.require_root()
    support.require_btf()
    folder = support.temp_dir()
    program = support.built("children.c", "-O1", "-pthread")
    recorded = f"{folder}/recorded.json"
    support.vambrace("record", "-o", recorded, "--", program, expect=0)
    with open(recorded, encoding="utf-8") as file:
        document = json.load(file)
    names = {call["name"] for process in document["processes"] for call in process["syscalls"]}
    if "clone3" not in names:
        support.skip("this C library does not ask for clone3")
    # With fork it asked for clone, which stays; its flags are free but for namespaces.
    assert "clone" in names, names
    for process in document["processes"]:
        process["syscalls"] = [call for call in process["syscalls"] if call["name"] != "clone3"]
    old = support.write(f"{folder}/old.json", json.dumps(document))
    support.vambrace("synth", old, "-o", f"{folder}/bundle", expect=0)
    return f"{folder}/bundle", program


def test_threads_and_children_are_made_and_verify_holds():
    directory, program = bundle()
    done = support.vambrace("run", directory, "--", program)
    assert done.code == 0 and done.out == MADE, done
    done = support.vambrace("verify", directory, "--target", "process", "--json", "--", program)
    assert done.code == 0, done
    expected = [denial for denial in done.json()["expected_denials"]
                if denial.get("name") == "clone3"]
    assert expected and set(expected[0]["errnos"]) == {"ENOSYS"}, done


def test_explain_says_why():
    directory, _ = bundle()
    done = support.vambrace("explain", directory, "clone3", expect=0)
    assert "refused, ENOSYS" in done.out and "not seen" in done.out, done
    assert "clone, which is granted" in done.out and "knows" not in done.out, done


def under_systemd(drop_in, program):
    """What the program said as a service of a systemd that runs, with the drop-in's
    filter; None: it was not started."""
    support.require_program("systemd-analyze", "unshare")
    if not os.path.exists("/lib/systemd/systemd"):
        support.skip("no systemd is installed")
    folder = support.temp_dir()
    calls = "\n".join(line for line in drop_in.splitlines() if line.startswith("SystemCall"))
    unit = support.write(f"{folder}/vmb-clone3.service", UNIT.format(
        program=program, out=f"{folder}/out", filter=calls))
    read = support.run("systemd-analyze", "verify", unit)
    assert "SystemCall" not in read.out + read.err, read
    manager = support.write(f"{folder}/manager.sh", MANAGER)
    done = support.run("unshare", "-mpfC", "--mount-proc", "sh", manager, folder)
    if done.code == 9:
        support.skip(f"no cgroups or no /run of its own: {done}")
    if not os.path.exists(f"{folder}/out"):
        support.skip(f"systemd does not start here: {done}")
    with open(f"{folder}/out", encoding="utf-8") as file:
        return file.read()


def test_systemd_makes_threads_and_children_under_the_drop_in():
    directory, program = bundle()
    with open(f"{directory}/systemd.conf", encoding="utf-8") as file:
        drop_in = file.read()
    said = under_systemd(drop_in, program)
    assert said == MADE, said
    # Without the line that says ENOSYS it cannot.
    without = re.sub("SystemCallFilter=.*clone3.*\n", "", drop_in)
    assert without != drop_in
    said = under_systemd(without, program)
    assert said == MADE.replace("made", "Operation not permitted", 2), said


if __name__ == "__main__":
    support.main()

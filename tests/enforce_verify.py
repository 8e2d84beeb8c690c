#!/usr/bin/env python3
"""`verify` confines the workload of a test command and nothing else, and passes
only if the workload really ran under the policy and nothing was denied."""

import os

import enforcement
import support


def recorded(**options):
    """The static server's load, recorded; a bundle with the calls that it made."""
    support.require_root()
    support.require_btf()
    directory = support.temp_dir()
    support.static_server(directory)
    path = f"{directory}/evidence.json"
    enforcement.record("static", directory, path)
    return enforcement.from_evidence(path, **options), directory


def test_a_fitting_policy_holds():
    bundle, directory = recorded()
    done = enforcement.verify(bundle, "static", directory)
    assert done.code == 0, done
    verdict = done.json()
    assert verdict["holds"] and verdict["confined"] == 1 and not verdict["denials"], done
    # Only verify's own launcher loads a filter here.
    during = {denial.get("during") for denial in verdict["expected_denials"]}
    assert "seccomp" not in during, verdict


def test_the_workload_comes_from_the_evidence():
    bundle, directory = recorded()
    done = support.vambrace("verify", bundle, "--json", "--",
                            *enforcement.driver("static", directory))
    assert done.code == 0 and done.json()["confined"] == 1, done


def test_a_policy_too_narrow_is_caught_and_names_the_call():
    bundle, directory = recorded(leave_out=["accept", "accept4"])
    # The server tries accept for ever: the driver gives up and stops it.
    done = enforcement.verify(bundle, "static", directory)
    assert done.code == 1, done
    denials = [d for d in done.json()["denials"] if d.get("name") in ("accept", "accept4")]
    assert denials and denials[0]["errnos"].get("EPERM", 0) > 0, done
    assert denials[0]["exe"].endswith("static_server"), done


def test_the_driver_runs_free():
    bundle, directory = recorded()
    script = support.write(f"{directory}/driver.sh", f"""
        unshare --mount true || exit 9
        exec python3 {enforcement.DRIVER} static {directory}
        """)
    done = support.vambrace("verify", bundle, "--json", "--", "sh", script)
    assert done.code == 0 and done.json()["confined"] == 1, done


def test_a_workload_started_as_another_user_is_confined():
    bundle, directory = recorded()
    os.chmod(directory, 0o777)
    os.remove(f"{directory}/server.log")
    port = support.free_port()
    script = support.write(f"{directory}/driver.sh", f"""
        setpriv --reuid=65534 --regid=65534 --clear-groups {directory}/static_server {port} {directory}/server.log &
        sleep 0.5
        grep -c '^Seccomp:.2' /proc/$!/status >{directory}/seen
        grep Uid /proc/$!/status >>{directory}/seen
        kill $!; wait $!
        """)
    done = support.vambrace("verify", bundle, "--json", "--", "sh", script)
    assert done.code == 0 and done.json()["confined"] == 1, done
    with open(f"{directory}/seen", encoding="utf-8") as seen:
        count, uid = seen.read().splitlines()
    assert count == "1" and "65534" in uid, (count, uid)


# Starts a command as a starter with a filter of its own does (systemd, a sandbox).
FILTERED = """
import ctypes, os, struct, sys
libc = ctypes.CDLL(None)
allow = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0x7fff0000))
program = struct.pack("HxxxxxxQ", 1, ctypes.addressof(allow))
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program) == 0
os.execvp(sys.argv[1], sys.argv[1:])
"""


def test_a_starter_with_a_filter_of_its_own_starts_it_under_the_policy():
    bundle, directory = recorded()
    starter = support.write(f"{directory}/filtered.py", FILTERED)
    script = support.write(f"{directory}/driver.sh", f"""
        python3 {enforcement.DRIVER} static {directory} || exit 9
        python3 {starter} {directory}/static_server {support.free_port()} {directory}/other.log &
        for i in $(seq 100); do
          grep -q 'Seccomp_filters:.2' /proc/$!/status && break
          sleep 0.05
        done
        grep Seccomp_filters /proc/$!/status >{directory}/seen
        kill $!; wait $!
        exit 0
        """)
    done = support.vambrace("verify", bundle, "--json", "--", "sh", script)
    assert done.code == 0 and done.json()["confined"] == 2, done
    with open(f"{directory}/seen", encoding="utf-8") as seen:
        assert seen.read().split() == ["Seccomp_filters:", "2"], "not under the policy"


def test_a_start_past_the_cover_fails_the_verdict():
    bundle, directory = recorded()
    # The cover is a mount, which a bind mount of the root leaves behind.
    script = support.write(f"{directory}/driver.sh", f"""
        python3 {enforcement.DRIVER} static {directory} || exit 9
        mkdir {directory}/root && mount --bind / {directory}/root
        timeout 0.3 chroot {directory}/root {directory}/static_server {support.free_port()} /dev/null
        umount {directory}/root
        """)
    done = support.vambrace("verify", bundle, "--json", "--", "sh", script)
    assert done.code == 1 and done.json()["confined"] == 1, done
    assert "without the policy" in done.json()["failures"][0], done


def test_each_of_several_programs_must_be_started():
    bundle, directory = recorded()
    done = support.vambrace("verify", bundle, "--json",
                            "--workload", f"{directory}/static_server", "--workload", "/bin/date",
                            "--", *enforcement.driver("static", directory))
    assert done.code == 1 and "date" in done.json()["failures"][0], done


def test_nothing_confined_is_not_a_success():
    bundle, _ = recorded()
    done = support.vambrace("verify", bundle, "--", "true")
    assert done.code == 4 and "nothing ran under the policy" in done.err, done


def test_a_failing_test_command_is_a_failure():
    bundle, directory = recorded()
    done = support.vambrace("verify", bundle, "--json", "--", "sh", "-c",
                            f"python3 {enforcement.DRIVER} static {directory}; exit 7")
    assert done.code == 1 and done.json()["status"] == 7, done


def test_the_host_does_not_see_the_cover():
    bundle, directory = recorded()
    binary = f"{directory}/static_server"
    before = os.stat(binary)
    script = (f"grep -c ' {binary} ' /proc/self/mounts >{directory}/seen; "
              "second=$(grep -o ' [^ ]*/original/[^ ]*/static_server ' /proc/self/mounts); "
              f"ls ${{second%%/original/*}} >>{directory}/seen; "
              f"python3 {enforcement.DRIVER} static {directory}")
    done = support.vambrace("verify", bundle, "--", "sh", "-c", script)
    assert done.code == 0, done
    with open(f"{directory}/seen", encoding="utf-8") as seen:
        count, *place = seen.read().split()
    assert int(count) == 1, "the cover is not there for the command"
    # The launcher, which names the report, can be read through the cover alone.
    assert len(place) == 2 and place[0] == "original", place
    assert len(place[1]) == len("report-") + 32, place
    after = os.stat(binary)
    assert (before.st_ino, before.st_size, before.st_mtime) == (
        after.st_ino, after.st_size, after.st_mtime)
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        assert binary not in mounts.read()


def test_minimize_finds_the_capability_that_nobody_misses():
    bundle, directory = recorded(capabilities=["CAP_CHOWN"])
    done = enforcement.verify(bundle, "static", directory, "--minimize")
    assert done.code == 0, done
    minimum = done.json()["minimize"]
    assert minimum["minimal"] == [] and minimum["whole"]["holds"], minimum
    assert [t["missed"] for t in minimum["tried"]] == [False], minimum

# --- A container that never ran ------------------------------------------------

def in_docker():
    """The static server recorded in Docker: the bundle and its container's name."""
    support.require_root()
    support.require_btf()
    support.require_docker()
    support.image()
    case = enforcement.case("static", "docker")
    evidence, bundle = f"{case.directory}/evidence.json", f"{case.directory}/bundle"
    support.vambrace("record", "-o", evidence, *case.recorded, "--", *case.driver(), expect=0)
    support.vambrace("synth", evidence, "-o", bundle, "--target", "docker", expect=0)
    return bundle, case.recorded[-1]


def test_a_container_that_does_not_start_proves_nothing():
    bundle, name = in_docker()
    run = f"docker run --rm --name {name}"
    # The command hides it, and Docker itself may have made a container by then.
    done = support.vambrace("verify", bundle, "--", "sh", "-c",
                            f"{run} {support.IMAGE} /no/such/program; true")
    assert done.code != 0 and "holds: " not in done.out, done
    done = support.vambrace("verify", bundle, "--json", "--", "sh", "-c",
                            f"{run} --privileged {support.IMAGE} true; true")
    assert done.code == 1, done
    failure, = done.json()["failures"]
    assert "--privileged" in failure, done


def test_create_and_start_are_followed():
    bundle, name = in_docker()
    done = support.vambrace("verify", bundle, "--json", "--", "sh", "-c",
                            f"docker create --name {name} {support.IMAGE} unshare --user true; "
                            f"docker start -a {name}; docker rm {name}")
    verdict = done.json()
    assert done.code == 1 and verdict["confined"] == 1, done
    # Another program than the recorded one: its loader is refused already.
    assert {denial["exe"] for denial in verdict["denials"]} == {"/usr/bin/unshare"}, done


if __name__ == "__main__":
    support.main()

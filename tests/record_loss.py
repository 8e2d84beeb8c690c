"""Loss is never silent: each kind of loss is forced, and the verdict names that kind alone."""

import json
import os
import signal
import subprocess
import tempfile

import record_counts
import support
from record_counts import counts, kinds, record, recording, wait_for_program
from record_probe import PROBE, require_probe
from support import VAMBRACE, require_program, require_root, run, vambrace


def test_io_uring_is_a_gap():
    require_probe()
    evidence = record(command=[PROBE, "uring"])
    assert kinds(evidence) == {"io_uring"}, evidence["verdict"]
    detail = evidence["verdict"]["gaps"][0]["detail"]
    assert "io_uring_setup" in detail and PROBE in detail, detail


def test_a_ring_that_overflows_is_a_gap_and_loses_no_fact():
    # A page holds about a hundred hints; each program brings about twenty.
    command = ["sh", "-c", "sleep 1.5; for tool in 'ls /' id env date 'uname -a' 'df /' 'stat /' "
               "'sort /etc/passwd' 'du /etc/hostname' 'head /etc/passwd' ps; do "
               "$tool >/dev/null; done"]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "evidence.json")
        with recording(path, *command, words=["--ring-bytes", "4096"]) as (recorder, _):
            wait_for_program(recorder.pid, "sh")
            # Nobody empties the ring while the command runs.
            recorder.send_signal(signal.SIGSTOP)
            support.wait_until(lambda: has_ended(recorder.pid), what="the command's end")
            recorder.send_signal(signal.SIGCONT)
        with open(path, encoding="utf-8") as file:
            evidence = json.load(file)
    assert kinds(evidence) == {"ring_lost"}, evidence["verdict"]
    counters = evidence["recordings"][0]["counters"]
    assert counters["hints_lost"] > 0 and counters["facts_refused"] == 0, counters
    assert counters["hints_seen"] == counters["hints_sent"], counters
    # All that a recording without loss sees.
    whole = record(command=command)
    assert counts(evidence, is_tool) == counts(whole, is_tool)


def is_tool(process):
    return process["exe"].rsplit("/", 1)[-1] in ("ls", "id", "env")


def test_two_tasks_that_are_first_at_the_same_moment_are_no_loss():
    if len(os.sched_getaffinity(0)) < 2 or not {0, 1} <= os.sched_getaffinity(0):
        raise support.Skipped("needs processors 0 and 1")
    require_probe()
    for _ in range(10):
        evidence = record(command=[PROBE, "together"])
        assert evidence["verdict"]["state"] == "complete", evidence["verdict"]


def has_ended(recorder):
    """The recorder's child, the command, waits to be reaped."""
    done = run("ps", "-o", "stat=", "--ppid", recorder)
    return done.out.strip().startswith("Z")


def test_a_late_attach_is_a_gap():
    require_probe()
    require_root()
    sleeper = support.start(["sleep", "60"])
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "evidence.json")
        recorder = support.start([VAMBRACE, "record", "-o", path, "--pid", sleeper.pid],
                                 stdout=subprocess.DEVNULL)
        support.wait_until(lambda: record_counts.state_of(recorder), what="attached")
        support.stop(recorder)
        with open(path, encoding="utf-8") as file:
            evidence = json.load(file)
    # It made no call: that it is late is known all the same.
    assert kinds(evidence) == {"attached_late"}, evidence["verdict"]
    support.stop(sleeper)


def test_a_process_that_is_moved_into_an_empty_cgroup_is_the_workload_and_late():
    require_root()
    support.require_btf()
    mount = next((words[1] for words in map(str.split, open("/proc/mounts", encoding="utf-8"))
                  if words[2] == "cgroup2"), None)
    if mount is None:
        support.skip("no cgroup v2 hierarchy is mounted")
    name = f"/vmb-moved-{os.getpid()}"
    os.mkdir(mount + name)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "evidence.json")
        recorder = support.start([VAMBRACE, "record", "-o", path, "--cgroup", name],
                                 stdout=subprocess.DEVNULL)
        support.wait_until(lambda: record_counts.state_of(recorder), what="attached")
        mover = support.start(["python3", "-c", "import os, subprocess; input(); "
                               f"os.mkdir('{folder}/a'); subprocess.run(['ls', '/'])"],
                              stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        assert recorder.poll() is None, "an empty cgroup is waited for"
        support.write(f"{mount}{name}/cgroup.procs", str(mover.pid))
        mover.communicate(b"go\n")
        assert recorder.wait(10) == 0
        support.wait_until(lambda: os.rmdir(mount + name) is None, what="an empty cgroup")
        with open(path, encoding="utf-8") as file:
            evidence = json.load(file)
    assert kinds(evidence) == {"attached_late"}, evidence["verdict"]
    origins = {process["exe"].rsplit("/", 1)[-1].rstrip("0123456789."): process["origin"]
               for process in evidence["processes"]}
    assert origins == {"python": "app", "ls": "helper"}, origins
    assert counts(evidence)["mkdir"] == 1


def test_memory_that_is_not_there_yet_is_read_at_the_exit():
    require_probe()
    evidence = record(command=[PROBE, "unread"])
    assert kinds(evidence) == set(), evidence["verdict"]
    assert evidence["recordings"][0]["counters"]["user_reads_failed"] == 0
    app = [process for process in evidence["processes"] if process["origin"] == "app"]
    assert any(fact["operation"] == "connect" and fact["family"] == "unix"
               for process in app for fact in process["network"]), app
    clone3 = [call for process in app for call in process["syscalls"] if call["name"] == "clone3"]
    assert len(clone3) == 1 and clone3[0]["args"] == [["0x0"]], clone3


# Answers EPERM to symlinkat of x86_64.
FILTERED = r"""
import ctypes, os, struct, sys
code = b"".join(struct.pack("HBBI", *line) for line in [
    (0x20, 0, 0, 0), (0x15, 0, 1, 266), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7fff0000)])
buffer = ctypes.create_string_buffer(code)
prog = struct.pack("HxxxxxxQ", 4, ctypes.addressof(buffer))
libc = ctypes.CDLL(None)
libc.prctl(38, 1, 0, 0, 0)
libc.prctl(22, 2, prog, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_a_recording_under_an_active_filter_says_so_and_has_what_it_refused():
    require_probe()
    if os.uname().machine != "x86_64":
        support.skip("the filter is written for x86_64")
    require_program("python3", "ln")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "evidence.json")
        done = run("python3", "-c", FILTERED, VAMBRACE, "record", "-o", path, "--",
                   "ln", "-s", "nowhere", os.path.join(folder, "new"))
        assert done.code == 1, done
        with open(path, encoding="utf-8") as file:
            evidence = json.load(file)
    assert evidence["verdict"]["state"] == "filtered", evidence["verdict"]
    assert kinds(evidence) == {"filter_active"}, evidence["verdict"]
    refused = {call["name"]: call["denied"] for process in evidence["processes"]
               for call in process["syscalls"] if call["denied"]}
    assert refused == {"symlinkat": 1}, refused


def test_a_second_life_of_the_container_is_a_gap():
    require_root()
    support.require_docker()
    support.image()
    start = "docker run -d --name {name} --security-opt seccomp=unconfined {image} sleep 300"
    for again in ("docker kill {name}; docker start {name}",
                  "docker rm -f {name}; " + start):
        name = support.container_name("twice")
        words = f"{start}; sleep 0.3; {again}; sleep 0.3; docker rm -f {{name}}"
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "evidence.json")
            vambrace("record", "-o", path, "--container", name, "--", "sh", "-c",
                     words.format(name=name, image=support.IMAGE), expect=0)
            with open(path, encoding="utf-8") as file:
                evidence = json.load(file)
        assert kinds(evidence) == {"scope_lost"}, evidence["verdict"]
        assert "started 2 times" in evidence["verdict"]["gaps"][0]["detail"], evidence["verdict"]


def test_a_container_that_ends_at_once_is_seen_whole():
    """Its process is gone before anybody can look at its program."""
    require_root()
    support.require_docker()
    support.image()
    name = support.container_name("short")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "evidence.json")
        vambrace("record", "-o", path, "--container", name, "--", "docker", "run", "--rm",
                 "--name", name, "--security-opt", "seccomp=unconfined", support.IMAGE,
                 "true", expect=0)
        with open(path, encoding="utf-8") as file:
            evidence = json.load(file)
    assert evidence["verdict"]["state"] == "complete", evidence["verdict"]
    program, = [process for process in evidence["processes"] if process["origin"] == "app"]
    assert program["exe"].endswith("/true") and program["build_id"], program


def test_a_dead_recorder_is_told_from_another_process_of_its_number():
    """The state of a killed recorder, given the number of a process that runs."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "evidence.json")
        with recording(path, "sleep", "30") as (recorder, found):
            wait_for_program(recorder.pid, "sleep")
            recorder.kill()
            recorder.wait()
            state = f"/run/vambrace/{found}.json"
            with open(state, encoding="utf-8") as file:
                kept = json.load(file)
            kept["recorder"] = os.getpid()
            support.write(state, json.dumps(kept))
            done = vambrace("mark", "late", "--recording", found)
            assert done.code == 2 and "no recording" in done.err, done
            vambrace("record", "--resume", "--recording", found, "-o", path, expect=0)
        with open(path, encoding="utf-8") as file:
            assert "interrupted" in kinds(json.load(file))


if __name__ == "__main__":
    support.main()

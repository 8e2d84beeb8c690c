"""Nothing is missed and nothing is lost silently: recording real programs."""

import collections
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

import record_probe
import support
from support import VAMBRACE, require_btf, require_program, require_root, run, vambrace


def record(*words, command, expect=0):
    """Records the command; its evidence as a value."""
    require_root()
    require_btf()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "evidence.json")
        vambrace("record", "-o", path, *words, "--", *command, expect=expect)
        with open(path, encoding="utf-8") as file:
            return json.load(file)


def kinds(evidence):
    return {gap["kind"] for gap in evidence["verdict"]["gaps"]}


def counts(evidence, wanted=lambda process: True):
    total = collections.Counter()
    for process in evidence["processes"]:
        if wanted(process):
            for call in process["syscalls"]:
                total[call["name"]] += call["count"]
    return total


def compare_with_strace(*command):
    require_program("strace", command[0])
    with tempfile.TemporaryDirectory() as folder:
        trace = os.path.join(folder, "trace")
        evidence = record(command=["strace", "-f", "-o", trace, *command])
        with open(trace, encoding="utf-8", errors="replace") as file:
            seen = collections.Counter(
                match.group(1) for line in file
                if (match := re.match(r"\d+\s+(\w+)\(", line)))
    ours = counts(evidence, lambda process: process["origin"] != "runtime"
                  and not process["exe"].endswith("/strace"))
    # The first execve is made by strace's own child, which still is strace.
    seen["execve"] -= 1
    assert +seen == +ours, f"strace {seen - ours}, ours {ours - seen}"
    assert evidence["verdict"]["state"] == "complete", evidence["verdict"]


def users(evidence, program):
    return {(fact["uid"], fact["gid"], fact["raised"]): fact["count"]
            for process in evidence["processes"] if process["exe"].endswith(f"/{program}")
            and process["origin"] != "runtime" for fact in process["users"]}


def test_each_start_tells_its_user_and_whether_its_file_raised_it():
    require_root()
    require_program("setpriv")
    raised = f"{support.temp_dir()}/raised"
    shutil.copy(shutil.which("true"), raised)
    os.chmod(raised, 0o4755)
    if os.statvfs(raised).f_flag & os.ST_NOSUID:
        support.skip(f"{raised} lies where setuid has no effect")
    other = ["setpriv", "--reuid=1234", "--regid=4000000000", "--clear-groups"]
    evidence = record("--light", command=["sh", "-c", f"{raised}; {' '.join(other)} {raised}; "
                                          f"{' '.join(other)} {raised}; exec {' '.join(other)} env"])
    assert users(evidence, "raised") == {(0, 0, False): 1, (1234, 4000000000, True): 2}, evidence
    assert users(evidence, "env") == {(1234, 4000000000, False): 1}, evidence
    assert users(evidence, "setpriv") == {(0, 0, False): 3}, evidence


def test_who_lowered_itself_or_has_a_file_with_capabilities_is_told_apart():
    """A program that is started after seteuid gains nothing by its file; one of
    another user whose file has capabilities does."""
    support.require_program("setcap", "setpriv")
    gains = f"{support.temp_dir()}/gains"
    os.chmod(os.path.dirname(gains), 0o755)
    shutil.copy(shutil.which("true"), gains)
    if support.run("setcap", "cap_net_raw=ep", gains).code != 0:
        support.skip("no capabilities of files where temporary files are")
    lowered = f"import os; os.seteuid(33); os.execv('/usr/bin/env', ['env', '{gains}'])"
    evidence = record("--light", command=["python3", "-c", lowered])
    assert users(evidence, "env") == {(0, 0, False): 1}, evidence
    evidence = record("--light", command=["setpriv", "--reuid", "33", "--regid", "33",
                                          "--clear-groups", gains])
    assert users(evidence, "gains") == {(33, 33, True): 1}, evidence


# Sends signals to itself, a child, one that ended and was not waited for, one that is gone, and to
# the process of which it is told.
SIGNALS = '''
import os, signal, subprocess, sys, threading
child = subprocess.Popen(["sleep", "100"])
os.kill(child.pid, signal.SIGTERM)
child.wait()
ended = subprocess.Popen(["true"])
os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
os.kill(ended.pid, signal.SIGUSR1)
ended.wait()
try:
    os.kill(ended.pid, signal.SIGHUP)
except ProcessLookupError:
    pass
signal.signal(signal.SIGALRM, signal.SIG_IGN)
signal.setitimer(signal.ITIMER_REAL, 0.0001)
signal.pthread_kill(threading.get_ident(), signal.SIGURG)
os.kill(os.getpid(), 0)
other = int(sys.argv[1])
os.kill(other, signal.SIGCONT)
os.kill(other, signal.SIGCONT)
os.kill(other, 0)
'''


def test_signals_tell_whether_their_receiver_is_of_the_workload():
    other = support.start(["sleep", "100"])
    evidence = record("--file-probe", "calls", command=["python3", "-c", SIGNALS, str(other.pid)])
    found = {(fact["signal"], fact.get("other")): fact["count"]
             for process in evidence["processes"] if "/python" in process["exe"]
             for fact in process["signals"]}
    assert found == {
        (signal.SIGTERM, "program"): 1, (signal.SIGUSR1, "program"): 1,
        (signal.SIGURG, "program"): 1, (0, "program"): 1, (signal.SIGCONT, "outside"): 2,
        # By calls, one that is not of the workload may also be one that has ended.
        (0, None): 1}, found
    assert kinds(evidence) == set(), evidence["verdict"]


def test_counts_of_a_single_program_equal_strace():
    compare_with_strace("ls", "/")


def test_counts_of_a_pipeline_equal_strace():
    compare_with_strace("bash", "-c", "for i in 1 2 3; do ls / | sort | head -1; done")


def test_counts_of_threads_equal_strace():
    compare_with_strace(
        "python3", "-c",
        "import threading\nfor i in range(10): threading.Thread(target=print).start()")


def test_the_driver_is_kept_apart_from_the_workload():
    evidence = record("--workload", "sleep", command=["sh", "-c", "sleep 0.1; ls / >/dev/null"])
    origins = {process["exe"].rsplit("/", 1)[-1]: process["origin"]
               for process in evidence["processes"]}
    assert origins["sleep"] == "app", origins
    assert origins["ls"] == "harness", origins


def state_of(recorder):
    """The id of the recording that this process watches; None while there is none."""
    for name in os.listdir("/run/vambrace") if os.path.isdir("/run/vambrace") else []:
        with contextlib.suppress(OSError, ValueError):
            with open(f"/run/vambrace/{name}", encoding="utf-8") as file:
                if json.load(file)["recorder"] == recorder.pid:
                    return name.removesuffix(".json")
    return None


PINS = "/sys/fs/bpf/vambrace"


@contextlib.contextmanager
def recording(path, *command, words=(), **options):
    """A recording that goes on: its recorder and its id."""
    require_root()
    require_btf()
    before = set(os.listdir(PINS)) if os.path.isdir(PINS) else set()
    options.setdefault("stdout", subprocess.DEVNULL)
    recorder = support.start([VAMBRACE, "record", "-o", path, *words, "--", *command], **options)
    found = None
    for _ in range(200):
        time.sleep(0.05)
        new = set(os.listdir(PINS)) - before if os.path.isdir(PINS) else set()
        for name in new:
            state = f"/run/vambrace/{name}.json"
            if os.path.exists(state):
                with open(state, encoding="utf-8") as file:
                    if json.load(file)["recorder"] == recorder.pid:
                        found = name
        if found:
            break
    assert found, "the recording has no pins"
    yield recorder, found
    recorder.wait()


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


def is_parent_of(parent, name):
    """Does a child of the process run that program?"""
    for child in children_of(parent):
        with contextlib.suppress(OSError), open(f"/proc/{child}/comm", encoding="ascii") as file:
            if file.read().strip() == name:
                return True
    return False


def resumed_after_a_kill(*command):
    """The evidence of a command that says "done" and waits: its recorder is killed then, and
    the recording finished while the command, with what is remembered of it, is still there."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "evidence.json")
        with recording(path, *command, stdout=subprocess.PIPE, text=True) as (recorder, found):
            assert recorder.stdout.readline() == "done\n"
            program = children_of(recorder.pid)
            recorder.kill()
            recorder.wait()
            vambrace("record", "--resume", "--recording", found, "-o", path, expect=0)
            for pid in program:
                os.kill(pid, signal.SIGKILL)
        with open(path, encoding="utf-8") as file:
            return json.load(file)


def wait_for_program(parent, name):
    support.wait_until(lambda: is_parent_of(parent, name), what=f"{name} begins")


CHOICES = """
import ctypes, os, shutil, sys
libc = ctypes.CDLL(None)
first = int(sys.argv[1], 16)
for _ in range(3):
    for request in range(first, first + 40):
        libc.ioctl(-1, request, 0)
if len(sys.argv) > 2:
    # The same task, and another program with some of the same choices.
    copy = shutil.copy2(os.path.realpath(sys.executable), sys.argv[2] + "/other")
    os.environ["PYTHONHOME"] = sys.base_prefix
    os.execv(copy, [copy, "-c", sys.orig_argv[2], "0x7720"])
"""


def test_every_choice_of_arguments_is_kept_however_they_alternate():
    with tempfile.TemporaryDirectory() as folder:
        evidence = record(command=["python3", "-c", CHOICES, "0x7700", folder])
    found = {}
    for process in evidence["processes"]:
        for call in process["syscalls"]:
            if call["name"] == "ioctl":
                asked = {int(choice[0], 16) for choice in call["args"]}
                found[os.path.basename(process["exe"]) == "other"] = {
                    request for request in asked if 0x7700 <= request < 0x7800}
    assert found == {False: set(range(0x7700, 0x7728)), True: set(range(0x7720, 0x7748))}, found


def test_calls_after_a_mark_belong_to_its_phase():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "evidence.json")
        with recording(path, "sh", "-c", "sleep 1.5; mkdir $0/a; rmdir $0/a",
                       folder) as (_, found):
            done = vambrace("mark", "serving", "--recording", found, expect=0)
            assert f"recording {found[:8]} (spiffe://local/sh" in done.out, done
        with open(path, encoding="utf-8") as file:
            evidence = json.load(file)
    marked = [call for process in evidence["processes"] for call in process["syscalls"]
              if call["name"] in ("mkdir", "rmdir")]
    assert len(marked) == 2, marked
    assert all(list(call["phases"]) == ["serving"] for call in marked), marked


def calls_of(evidence):
    """{name: count} of the program itself."""
    return {call["name"]: call["count"] for process in evidence["processes"]
            if process["origin"] == "app" for call in process["syscalls"]}


KILLED = """
import os, signal, socket, threading, time
def accepts():
    place = socket.socket()
    place.bind(("127.0.0.1", 0))
    place.listen()
    place.accept()
def kills():
    time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGKILL)
threading.Thread(target=accepts).start()
threading.Thread(target=kills).start()
signal.pause()
"""


def test_calls_that_a_kill_ends_are_told_whether_or_not_enters_are_watched():
    both = []
    for words in ([], ["--enters"]):
        evidence = record(*words, command=["python3", "-c", KILLED], expect=1)
        assert calls_of(evidence)["pause"] == 1 and calls_of(evidence)["accept4"] == 1, evidence
        accepted = [fact for process in evidence["processes"] for fact in process["network"]
                    if fact["operation"] == "accept"]
        assert len(accepted) == 1, accepted
        both.append(sorted(calls_of(evidence)))
    assert both[0] == both[1]


def test_the_call_that_a_task_is_in_at_the_end_is_told_in_the_phase_that_it_began_in():
    require_root()
    require_btf()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "evidence.json")
        # It outlives the shell that is the command.
        pauses = "import os, signal; print(os.getpid(), flush=True); signal.pause()"
        with subprocess.Popen([VAMBRACE, "record", "-o", path, "--", "sh", "-c",
                               'python3 -c "$0" & wait', pauses], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as recorder:
            pid = 0
            while not pid:
                line = recorder.stdout.readline()
                pid = int(line) if line.strip().isdigit() else 0
            try:
                time.sleep(0.3)
                vambrace("mark", "later", "--recording", record_probe.recording_of(recorder),
                         expect=0)
                time.sleep(0.3)
                recorder.terminate()
                recorder.wait(timeout=30)
            finally:
                os.kill(pid, signal.SIGKILL)
        with open(path, encoding="utf-8") as file:
            evidence = json.load(file)
    pauses = [call for process in evidence["processes"] for call in process["syscalls"]
              if call["name"] == "pause"]
    assert len(pauses) == 1 and pauses[0]["count"] == 1, evidence
    assert pauses[0]["phases"] == {"startup": 1}, pauses
    assert kinds(evidence) == {"interrupted"}, evidence["verdict"]


def test_a_namespace_that_the_workload_makes_needs_no_capability_outside():
    require_program("unshare")
    evidence = record(command=["unshare", "-Urm", "mount", "-t", "tmpfs", "none", "/mnt"])
    asked = {(fact["name"], fact["user_namespace"]) for process in evidence["processes"]
             for fact in process["capabilities"] if fact["granted"]
             and fact["during"] and fact["during"]["name"] in ("mount", "fsmount", "fsopen")}
    assert ("CAP_SYS_ADMIN", "nested") in asked, asked
    assert not {where for _, where in asked} & {"own"}, asked


# Three places check CAP_FSETID or CAP_FOWNER in one chmod, as often as it is called; between
# these calls come the same capabilities from other calls.
CHECKS = """
import os, sys, tempfile, time
folder = tempfile.mkdtemp()
os.chown(folder, 1, 1)
for _ in range(int(sys.argv[1])):
    os.chmod(folder, 0o2755)
    os.chown(folder, 2, 2)
    os.chown(folder, 1, 1)
    os.utime(folder, (1, 1))
os.rmdir(folder)
print("done", flush=True)
time.sleep(float(sys.argv[2]))
"""


def expect_all_checks(evidence, rounds):
    checks = collections.Counter()
    for process in evidence["processes"]:
        for check in process["capabilities"]:
            call = check["during"]["name"] if check["during"] else "none"
            checks[call, check["name"], tuple(check["functions"])] += check["granted"]

    def counted(call, name):
        return sorted(count for (where, what, _), count in checks.items()
                      if (where, what) == (call, name))

    assert counted("chmod", "CAP_FOWNER") == [rounds], checks
    assert counted("chmod", "CAP_FSETID") == [rounds, rounds], checks
    assert sum(counted("chown", "CAP_CHOWN")) == 2 * (2 * rounds + 1), checks
    assert counted("utimensat", "CAP_FOWNER") == [rounds], checks


def test_capability_checks_are_told_apart_by_where_in_the_kernel_they_come_from():
    evidence = record(command=["/usr/bin/python3", "-c", CHECKS, "300", "0"])
    expect_all_checks(evidence, 300)
    assert evidence["verdict"]["state"] == "complete", evidence["verdict"]


def test_no_capability_check_is_lost_with_its_recorder():
    expect_all_checks(resumed_after_a_kill("/usr/bin/python3", "-c", CHECKS, "300", "300"), 300)


def test_full_tables_are_a_gap():
    assert "map_full" in kinds(record("--max-facts", "8", command=["ls", "/"]))


def test_a_full_ring_is_a_gap_and_loses_no_fact():
    evidence = record("--ring-bytes", "4096", command=["sh", "-c", "ls /; id; date; uname -a; env; ps"])
    counters = evidence["recordings"][0]["counters"]
    assert (counters["hints_lost"] > 0) == ("ring_lost" in kinds(evidence)), counters
    assert counters["facts_refused"] == 0


def test_light_says_what_it_does_not_see():
    assert kinds(record("--light", command=["ls", "/"])) == {"no_exit_probe"}


def test_a_killed_recorder_loses_nothing():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "evidence.json")
        with recording(path, "sh", "-c", "sleep 1.5; mkdir $0/a; sleep 0.2",
                       folder) as (recorder, found):
            wait_for_program(recorder.pid, "sh")
            recorder.send_signal(signal.SIGKILL)
            recorder.wait()
            time.sleep(2.5)
            other = os.path.join(folder, "other.json")
            said = vambrace("record", "-o", other, "--", "true", expect=0).err
            assert f"recording {found[:8]} " in said and "was left by" in said, said
            vambrace("record", "--resume", "--recording", found, "-o", path, expect=0)
            said = vambrace("record", "-o", other, "--", "true", expect=0).err
            assert found[:8] not in said, said
        with open(path, encoding="utf-8") as file:
            evidence = json.load(file)
    assert counts(evidence)["mkdir"] == 1
    assert "interrupted" in kinds(evidence)


def test_stop_ends_a_recording_and_its_command():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "evidence.json")
        with recording(path, "sleep", "60", stderr=subprocess.PIPE) as (recorder, found):
            vambrace("stop", found, expect=0)
            assert b"the command got SIGTERM" in recorder.stderr.read()
        assert os.path.exists(path)


def test_a_command_that_does_not_exist_is_one_clear_error():
    require_root()
    require_btf()
    done = run(VAMBRACE, "record", "-o", "/tmp/vmb-none.json", "--", "/no/such/program")
    assert done.code == 2 and "no such command" in done.err, done
    assert not os.path.exists("/tmp/vmb-none.json")


def test_a_thread_of_the_kernel_cannot_be_recorded():
    require_root()
    require_btf()
    done = run(VAMBRACE, "record", "-o", "/tmp/vmb-none.json", "--pid", "2")
    assert done.code == 2 and "thread of the kernel" in done.err, done


def test_without_root_the_next_step_is_named():
    require_root()
    done = run(*support.as_nobody(VAMBRACE, "record", "-o", "/tmp/vmb-none.json", "--", "ls"))
    assert done.code == 4 and "sudo" in done.err, done


if __name__ == "__main__":
    support.main()

"""Bad luck: what the machine lacks, what vanishes, what is full. Each is one clear
error with the next step and the exit code for it, and nothing half-written."""

import contextlib
import json
import os
import random
import shutil
import time

import record_origins
import support
from support import VAMBRACE, run, vambrace

ENVIRONMENT = 4


def one_error(done, code, *said, hint=True):
    """One message with its place, and, unless it names its own cure, a hint."""
    assert done.code == code, done
    lines = [line for line in done.err.splitlines() if line.startswith("vambrace")]
    assert len(lines) == 1, done
    assert not hint or "hint:" in done.err, done
    for text in said:
        assert text in done.err, f"{text!r} not in {done}"
    assert done.out == "", done


def nothing_in(folder):
    left = [os.path.join(place, name) for place, _, names in os.walk(folder) for name in names]
    assert not left, left


def in_private_mounts(prepare, *command):
    """The command where /sys and /run look as `prepare` makes them."""
    return run("unshare", "-m", "sh", "-ec", prepare + '\nexec "$@"', "sh", *command)


# --- What the kernel refuses ------------------------------------------------

def test_a_kernel_without_btf():
    support.require_root()
    support.require_btf()
    folder = support.temp_dir()
    for words in (["record", "-o", f"{folder}/e.json", "--", "true"],
                  ["calibrate", "--runtime", "runc", "-o", f"{folder}/runc.json"]):
        if words[0] == "calibrate" and shutil.which("runc") is None:
            continue
        done = in_private_mounts("mount -t tmpfs none /sys/kernel/btf", VAMBRACE, *words)
        one_error(done, ENVIRONMENT, "no BTF", "CONFIG_DEBUG_INFO_BTF")
    nothing_in(folder)


def test_root_without_the_capabilities_as_in_a_container():
    """What root of an ordinary container is: no CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN."""
    support.require_root()
    support.require_btf()
    folder = support.temp_dir()
    done = run("setpriv", "--bounding-set=-bpf,-perfmon,-sys_admin", "--inh-caps=-all",
               VAMBRACE, "record", "-o", f"{folder}/e.json", "--", "true")
    one_error(done, ENVIRONMENT, "CAP_BPF", "--cap-add BPF")
    nothing_in(folder)


# Refuses bpf(BPF_PROG_LOAD) and nothing else: ld [nr]; if bpf: ld [args[0]]; if 5: EPERM.
REFUSING = r"""
import ctypes, os, struct, sys
code = b"".join(struct.pack("HBBI", *line) for line in [
    (0x20, 0, 0, 0), (0x15, 0, 3, 321), (0x20, 0, 0, 16), (0x15, 0, 1, 5),
    (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7fff0000)])
buffer = ctypes.create_string_buffer(code)
prog = struct.pack("HxxxxxxQ", 6, ctypes.addressof(buffer))
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, prog, 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_a_kernel_that_refuses_the_probes_as_lockdown_does():
    """Lockdown "confidentiality" cannot be switched on and off again, so a filter
    stands for it that answers EPERM to the loading of a program and lets maps
    be made: where lockdown says no, and what it says."""
    support.require_root()
    support.require_btf()
    support.require_program("python3")
    folder = support.temp_dir()
    done = run("python3", "-c", REFUSING, VAMBRACE, "record", "-o", f"{folder}/e.json",
               "--", "true")
    one_error(done, ENVIRONMENT, "refused a recorder program", "lockdown")
    nothing_in(folder)
    pins = "/sys/fs/bpf/vambrace"
    assert not os.path.isdir(pins) or not [
        name for name in os.listdir(pins)
        if not os.path.exists(f"/run/vambrace/{name}.json")], os.listdir(pins)


def test_a_machine_without_cgroup_v2():
    support.require_root()
    support.require_btf()
    folder = support.temp_dir()
    done = in_private_mounts("umount -R -l /sys/fs/cgroup", VAMBRACE, "record", "-o",
                             f"{folder}/e.json", "--cgroup", "/nowhere")
    one_error(done, ENVIRONMENT, "no cgroup v2", "mount -t cgroup2")
    nothing_in(folder)


def test_a_folder_of_pins_that_another_user_made_first():
    """A bpffs is usually mounted for everybody to write to."""
    support.require_root()
    support.require_btf()
    folder = support.temp_dir()
    taken = ("mount -t bpf bpf /sys/fs/bpf; chmod 1777 /sys/fs/bpf; "
             + " ".join(support.as_nobody("mkdir", "/sys/fs/bpf/vambrace")))
    for words in (["record", "-o", f"{folder}/e.json", "--", "true"], ["mark", "serving"],
                  ["stop"], ["record", "--resume"]):
        one_error(in_private_mounts(taken, VAMBRACE, *words), ENVIRONMENT,
                  "/sys/fs/bpf/vambrace belongs to user 65534", "rm -r")
    nothing_in(folder)


# In mounts of its own, with a bpffs and a /run/vambrace that no other recording uses: while it
# records, something is done there ($1, a shell's); then both are looked at.
OVER = r"""
mount --make-rprivate /
mount -t bpf bpf /sys/fs/bpf
mkdir -p /run/vambrace
mount -t tmpfs -o mode=0700 tmpfs /run/vambrace
exec 9</sys/fs/bpf
"$2" record -o "$3" -- sleep 5 &
until ls /run/vambrace | grep -q json; do sleep 0.1; done
eval "$1"
wait $! && code=0 || code=$?
echo "code $code"
ls /proc/self/fd/9/vambrace/
echo states
ls /run/vambrace | grep json || true
"""


def test_a_bpffs_that_is_mounted_over_the_one_with_the_pins():
    """A recording that ends takes its probes out of the kernel all the same."""
    support.require_root()
    support.require_btf()
    path = f"{support.temp_dir()}/e.json"
    done = run("unshare", "-m", "sh", "-ec", OVER, "sh", "mount -t bpf bpf /sys/fs/bpf",
               VAMBRACE, path)
    assert done.code == 0, done
    assert done.out.endswith("code 0\nstates\n"), done
    with open(path, encoding="utf-8") as file:
        assert json.load(file)["verdict"]["state"] == "complete", path


def test_pins_that_cannot_be_removed():
    """It says so, and the recording stays known to `stop` and to the next `record`."""
    support.require_root()
    support.require_btf()
    path = f"{support.temp_dir()}/e.json"
    done = run("unshare", "-m", "sh", "-ec", OVER, "sh",
               "mount -o remount,bind,ro /sys/fs/bpf", VAMBRACE, path)
    assert "code 0" in done.out and os.path.exists(path), done
    assert "Read-only" in done.err and "hint: when that is mended: rm -r " in done.err, done
    assert done.out.strip().endswith(".json"), done


def test_nobody_is_told_to_be_root():
    support.require_root()
    place = support.temp_dir()
    binary = shutil.copy(VAMBRACE, f"{place}/vambrace")
    folder = support.temp_dir()
    os.chmod(folder, 0o777)
    for words in (["record", "-o", f"{folder}/e.json", "--", "true"],
                  ["record", "-o", f"{folder}/e.json", "--pid", "1"]):
        one_error(run(*support.as_nobody(binary, *words)), ENVIRONMENT, "root", "sudo")
    if shutil.which("runc"):
        one_error(run(*support.as_nobody(binary, "calibrate", "--runtime", "runc", "-o",
                                         f"{folder}/runc.json")), ENVIRONMENT, "root")
    nothing_in(folder)


# --- Containers that are not there, or no longer ------------------------------

def test_no_docker():
    support.require_root()
    support.require_btf()
    folder = support.temp_dir()
    nowhere = {**os.environ, "DOCKER_HOST": f"unix://{folder}/docker.sock"}
    for command in ([], ["--", "docker", "run", "--name", "web", "nginx"]):
        done = vambrace("record", "-o", f"{folder}/e.json", "--container", "web", *command,
                        env=nowhere)
        one_error(done, ENVIRONMENT, "no Docker daemon", "start it")
    nothing_in(folder)


def test_a_daemon_that_does_not_speak_docker():
    support.require_root()
    support.require_btf()
    support.require_program("python3")
    folder = support.temp_dir()
    answering = support.start(
        ["python3", "-c", "import socket, sys\ns = socket.socket(socket.AF_UNIX)\n"
         "s.bind(sys.argv[1])\ns.listen()\nwhile True:\n c, _ = s.accept()\n"
         " try: c.recv(999); c.send(b'HTTP/1.1 200 OK\\r\\n\\r\\n' + b'[' * 100000)\n"
         " except OSError: pass\n c.close()", f"{folder}/docker.sock"])
    support.wait_until(lambda: os.path.exists(f"{folder}/docker.sock"), what="the socket")
    out = f"{folder}/out"
    done = vambrace("record", "-o", f"{out}/e.json", "--container", "web",
                    env={**os.environ, "DOCKER_HOST": f"unix://{folder}/docker.sock"})
    support.stop(answering)
    assert done.code in (2, ENVIRONMENT), done
    one_error(done, done.code, hint=False)
    nothing_in(out)


def test_no_such_container():
    support.require_docker()
    support.require_btf()
    folder = support.temp_dir()
    done = vambrace("record", "-o", f"{folder}/e.json", "--container", "vmb-nobody")
    one_error(done, 2, "no container vmb-nobody", "docker run --name")
    nothing_in(folder)


def a_container(lives):
    """A container of runc that ends by itself."""
    support.require_btf()
    container = record_origins.Bundle("runc", 0, True, False,
                                      args=["/bin/busybox", "sleep", str(lives)])
    process = support.start(container.start, stdout=-3, stderr=-3)
    return container, process


def test_a_container_that_vanishes_during_attach():
    """At a moment of no choosing, many times: evidence of what was seen, or one
    error; never a recording of something else, never a hang."""
    support.require_root()
    moments = random.Random(5)
    outcomes = {}
    for number in range(10):
        folder = support.temp_dir()
        container, process = a_container(1.2)
        support.wait_until(lambda: process.poll() is not None
                           or os.path.exists(f"/run/runc/{container.name}"), what="a start")
        # From well before its end to just after it.
        time.sleep(moments.uniform(0, 1.2))
        done = vambrace("record", "-o", f"{folder}/e.json", "--container", container.name,
                        timeout=30)
        process.wait(10)
        container.kill()
        outcomes[done.code] = outcomes.get(done.code, 0) + 1
        if done.code in (0, 1):
            with open(f"{folder}/e.json", encoding="utf-8") as file:
                evidence = json.load(file)
            kinds = {gap["kind"] for gap in evidence["verdict"]["gaps"]}
            assert "attached_late" in kinds, evidence["verdict"]
            programs = {p["exe"].rsplit("/", 1)[-1] for p in evidence["processes"]}
            assert programs <= {"busybox", "runc", ""}, programs
        else:
            assert done.code in (2, ENVIRONMENT), f"run {number}: {done}"
            one_error(done, done.code)
            assert container.name in done.err or "no Docker" in done.err, done
            nothing_in(folder)
    print("outcomes by exit code:", outcomes)


def test_a_container_that_vanishes_while_recorded():
    support.require_root()
    folder = support.temp_dir()
    container, process = a_container(60)
    support.wait_until(lambda: run("runc", "state", container.name).code == 0, what="a start")
    recorder = support.start([VAMBRACE, "record", "-o", f"{folder}/e.json", "--container",
                              container.name], stdout=-3, stderr=-3)
    # Its state file tells that it watches.
    support.wait_until(lambda: watched_by(recorder), what="the recording")
    container.kill()
    # It slept all the time: of a container that made no call nothing was seen.
    assert recorder.wait(20) in (0, 1)
    process.wait(10)
    with open(f"{folder}/e.json", encoding="utf-8") as file:
        evidence = json.load(file)
    assert "attached_late" in {gap["kind"] for gap in evidence["verdict"]["gaps"]}, evidence


def watched_by(recorder):
    for name in os.listdir("/run/vambrace") if os.path.isdir("/run/vambrace") else []:
        with contextlib.suppress(OSError, ValueError):
            with open(f"/run/vambrace/{name}", encoding="utf-8") as file:
                if json.load(file)["recorder"] == recorder.pid:
                    return True
    return False


def test_a_container_whose_command_dies_at_once():
    """The evidence says that there was nothing to see; the command's failure shows."""
    support.require_root()
    support.require_btf()
    support.require_program("runc")
    folder = support.temp_dir()
    done = vambrace("record", "-o", f"{folder}/e.json", "--container", "vmb-none", "--",
                    "runc", "run", "--bundle", "/nonexistent", "vmb-none", timeout=30)
    assert done.code == 1 and "the command failed" in done.out, done
    with open(f"{folder}/e.json", encoding="utf-8") as file:
        verdict = json.load(file)["verdict"]
    assert verdict["state"] == "incomplete", verdict
    assert [gap["kind"] for gap in verdict["gaps"]] == ["scope_lost"], verdict


# --- Commands that are not there, or die at once -------------------------------

def test_a_command_that_is_missing():
    support.require_root()
    support.require_btf()
    folder = support.temp_dir()
    bundle = a_bundle(folder)
    for words in (["record", "-o", f"{folder}/none.json"], ["run", bundle], ["verify", bundle]):
        done = vambrace(*words, "--", "/no/such/program")
        assert done.code in (2, 127) or words[0] == "verify" and done.code == ENVIRONMENT, done
        assert "/no/such/program" in done.err, done
    assert not os.path.exists(f"{folder}/none.json")


def test_a_command_that_dies_at_once():
    """Its evidence is written all the same, and the failure is told."""
    support.require_root()
    support.require_btf()
    folder = support.temp_dir()
    for number, command in enumerate((["false"], ["sh", "-c", "kill -SEGV $$"])):
        path = f"{folder}/{number}.json"
        done = vambrace("record", "-o", path, "--", *command)
        assert done.code == 1 and "the command failed" in done.out, done
        with open(path, encoding="utf-8") as file:
            assert json.load(file)["processes"], path


# --- A full disk ------------------------------------------------------------

@contextlib.contextmanager
def small_disk(size="64k"):
    support.require_root()
    folder = support.temp_dir()
    if run("mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder).code != 0:
        support.skip("no tmpfs can be mounted here")
    try:
        yield folder
    finally:
        run("umount", folder)


def fill(folder):
    """Leaves no byte, and room for names."""
    with contextlib.suppress(OSError), open(f"{folder}/filler", "wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


def whole(folder):
    """Only complete files: no temporary ones, and none cut off."""
    for place, _, names in os.walk(folder):
        for name in names:
            assert not name.startswith("."), f"{place}/{name} was left"
            if name.endswith(".json"):
                with open(f"{place}/{name}", encoding="utf-8") as file:
                    json.load(file)


def some_evidence(folder, name="one.json", command=("ls", "/")):
    path = f"{folder}/{name}"
    if not os.path.exists(path):
        vambrace("record", "-o", path, "--id", "spiffe://test/ls", "--", *command, expect=0)
    return path


def a_bundle(folder):
    evidence = some_evidence(folder)
    vambrace("synth", evidence, "-o", f"{folder}/bundle", "--target", "process", expect=0)
    return f"{folder}/bundle"


def test_a_full_disk_does_not_lose_a_recording():
    support.require_btf()
    with small_disk() as folder:
        fill(folder)
        done = vambrace("record", "-o", f"{folder}/e.json", "--", "ls", "/")
        assert "No space left" in done.err and done.code == ENVIRONMENT, done
        assert os.listdir(folder) == ["filler"], os.listdir(folder)
        move, source, target = done.err.strip().rsplit(" ", 2)
        assert move.endswith("mv") and target == f"{folder}/e.json", done
        os.remove(f"{folder}/filler")
        with open(source, encoding="utf-8") as file:
            assert json.load(file)["verdict"]["state"] == "complete"
        os.remove(source)


def test_a_full_disk_leaves_what_was_there():
    """Every command that writes files, onto a disk without room."""
    support.require_btf()
    place = support.temp_dir()
    one = some_evidence(place)
    two = some_evidence(place, "two.json", ("ls", "-l", "/usr"))
    with small_disk("512k") as folder:
        vambrace("synth", one, "-o", f"{folder}/bundle", "--target", "process", expect=0)
        before = contents(f"{folder}/bundle")
        fill(folder)
        for words in (["synth", one, two, "-o", f"{folder}/bundle"],
                      ["synth", one, "-o", f"{folder}/other"],
                      ["evidence", "merge", one, two, "-o", f"{folder}/merged.json"],
                      ["evidence", "compact", one, two, "-o", f"{folder}/compact.json"],
                      ["man", "--output", f"{folder}/man"]):
            done = vambrace(*words)
            one_error(done, ENVIRONMENT, "No space left", "free some space")
            whole(folder)
            assert contents(f"{folder}/bundle") == before, words
            assert not os.path.exists(f"{folder}/merged.json"), words
        if shutil.which("runc"):
            done = vambrace("calibrate", "--runtime", "runc", "--runs", 1, "--no-new-privs", "on",
                            "-o", f"{folder}/runc.json")
            one_error(done, ENVIRONMENT, "No space left")
            assert not os.path.exists(f"{folder}/runc.json")
        vambrace("replay", f"{folder}/bundle", expect=0)


def contents(folder):
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            with open(f"{place}/{name}", "rb") as file:
                found[f"{place}/{name}"] = file.read()
    return found


if __name__ == "__main__":
    support.main()

"""Origins stay apart: the same server under Docker and as a bundle under runc and
crun has the same app layer, whatever the runtime itself does."""

import functools
import json
import os
import shutil
import time

import support
from support import (VAMBRACE, require_btf, require_docker, require_program, require_root,
                     run, vambrace)

AFTER, EXEC_AFTER = "after the filter", "exec, after the filter"
BEFORE, EXEC_BEFORE = "before the filter", "exec, before the filter"
SESSION, PROBE = ["/bin/busybox", "uname"], ["/bin/busybox", "true"]

# crun refuses hosts that mix cgroup v1 and v2.
PLAIN_CGROUPS = ["unshare", "-m", "sh", "-c",
                 "umount -l /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && "
                 "exec \"$@\"", "sh"]


def server(port):
    return ["/bin/busybox", "httpd", "-f", "-p", f"127.0.0.1:{port}", "-h", "/etc"]


CAPABILITIES = ["CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_SETGID", "CAP_SETUID"]


class Docker:
    """One container under Docker, hence runc."""

    def __init__(self, port, no_new_privs, filtered):
        require_docker()
        support.image()
        self.name = support.container_name("origins")
        self.runtime = "runc"
        self.start = ["docker", "run", "--rm", "--name", self.name, "--network", "host",
                      "--cap-drop", "all"]
        self.start += [f"--cap-add={name.removeprefix('CAP_')}" for name in CAPABILITIES]
        if no_new_privs:
            self.start += ["--security-opt", "no-new-privileges"]
        if not filtered:
            self.start += ["--security-opt", "seccomp=unconfined"]
        self.start += [support.IMAGE, *server(port)]

    def exec(self, command):
        return run("docker", "exec", self.name, *command)

    def kill(self):
        return run("docker", "kill", self.name)


class Bundle:
    """One container as an OCI bundle under runc or crun."""

    def __init__(self, runtime, port, no_new_privs, filtered, seccomp=None, args=None,
                 capabilities=None, mounts=()):
        require_root()
        require_program(runtime)
        self.runtime = runtime
        self.name = support.container_name("origins")
        self.folder = support.temp_dir()
        hybrid = not os.path.exists("/sys/fs/cgroup/cgroup.procs")
        self.around = PLAIN_CGROUPS if runtime == "crun" and hybrid else []
        granted = CAPABILITIES if capabilities is None else capabilities
        config = {
            "ociVersion": "1.0.2",
            "process": {
                "terminal": False, "user": {"uid": 0, "gid": 0}, "args": args or server(port),
                "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
                "cwd": "/", "noNewPrivileges": no_new_privs,
                "capabilities": {kind: granted
                                 for kind in ("bounding", "effective", "permitted")}},
            "root": {"path": support.image(docker=False), "readonly": True},
            "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                       {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"}, *mounts],
            "linux": {"namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")]}}
        if filtered:
            config["linux"]["seccomp"] = seccomp or {
                "defaultAction": "SCMP_ACT_ALLOW",
                "syscalls": [{"names": ["uselib"], "action": "SCMP_ACT_ERRNO"}]}
        support.write(f"{self.folder}/config.json", json.dumps(config))
        self.start = [*self.around, runtime, "run", "--bundle", self.folder, self.name]

    def exec(self, command):
        return run(*self.around, self.runtime, "exec", self.name, *command)

    def terminate(self):
        return run(*self.around, self.runtime, "kill", self.name, "TERM")

    def kill(self):
        return run(*self.around, self.runtime, "delete", "--force", self.name)


def load(port):
    require_program("curl")
    for _ in range(5):
        assert run("curl", "-sf", f"http://127.0.0.1:{port}/debian_version").out.strip()
    run("curl", "-s", f"http://127.0.0.1:{port}/missing")


@functools.cache
def recorded(kind, no_new_privs, filtered):
    """The evidence of one container, served from and executed into."""
    require_root()
    require_btf()
    port = support.free_port()
    make = Docker if kind == "docker" else functools.partial(Bundle, kind)
    container = make(port, no_new_privs, filtered)
    path = f"{support.temp_dir()}/evidence.json"
    with open(f"{path}.said", "w", encoding="utf-8") as said:
        recorder = support.start(
            [VAMBRACE, "record", "-o", path, "--container", container.name,
             "--probe", " ".join(PROBE), "--", *container.start],
            stdout=said, stderr=said)
    try:
        support.wait_until(lambda: recorder.poll() is not None or listens(port), 60, "the server")
        for command in (SESSION, PROBE, SESSION):
            load(port)
            done = container.exec(command)
            assert done.code == 0, done
            time.sleep(0.5)
    finally:
        container.kill()
        try:
            recorder.wait(60)
        finally:
            with open(f"{path}.said", encoding="utf-8") as said:
                print(said.read())
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def listens(port):
    return run("curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{port}/").code == 0


def layer_of(evidence, *origins):
    """Calls with their arguments."""
    return {(call["name"], json.dumps(sorted(args) if isinstance(args, list) else args))
            for process in evidence["processes"] if process["origin"] in origins
            for call in process["syscalls"] if call["count"]
            for args in [call.get("args")]}


def runtime_calls(evidence, script):
    """The calls of the runtime's processes, with the first argument's values."""
    found = {}
    for process in evidence["processes"]:
        if process["origin"] == "runtime" and process["script"] == script:
            for call in process["syscalls"]:
                args = call.get("args") or []
                values = {value[0] for value in args} if args != "unbounded" else {"any"}
                found.setdefault(call["name"], set()).update(values)
    return found


def shipped(runtime, no_new_privs):
    """Name to allowed values of one argument; None: any."""
    with open(f"{support.PROJECT}/src/runtime/layers/{runtime}.json", encoding="utf-8") as file:
        layers = json.load(file)
    variant, = [each for each in layers["variants"] if each["no_new_privs"] == no_new_privs]
    allowed = {}
    for call in variant["start"] + variant["exec"] + layers["closure"]["calls"]:
        values = call.get("values")
        if values is None or allowed.get(call["name"], ()) is None:
            allowed[call["name"]] = None
        else:
            allowed.setdefault(call["name"], set()).update(values)
    return allowed


def beyond(calls, allowed):
    namespaces = 0x7e020000
    for name, values in sorted(calls.items()):
        if name not in allowed:
            yield name
        elif allowed[name] is not None:
            if name == "clone":
                values = {hex(int(value, 16) & namespaces) for value in values}
            yield from (f"{name}({value})" for value in sorted(values - allowed[name]))


KINDS = ("docker", "runc", "crun")
CASES = [(kind, no_new_privs, True) for kind in KINDS for no_new_privs in (True, False)]
CASES += [(kind, False, False) for kind in KINDS]


def each_case():
    """The cases that this machine can run; skips if there are not two."""
    seen, missing = {}, []
    for case in CASES:
        try:
            seen[case] = recorded(*case)
        except support.Skipped as reason:
            missing.append(f"{case}: {reason}")
    if len(seen) < 2:
        support.skip("; ".join(missing))
    for text in missing:
        print("not shown:", text)
    return seen


def test_the_app_layer_is_the_same_under_every_runtime():
    cases = each_case()
    layers = {case: layer_of(evidence, "app") for case, evidence in cases.items()}
    first, expected = next(iter(layers.items()))
    assert len(expected) > 15, expected
    assert {"bind", "listen", "accept"} <= {name for name, _ in expected}, expected
    for case, layer in layers.items():
        assert layer == expected, f"{case} differs from {first}: {sorted(layer ^ expected)}"


def test_what_the_runtime_does_after_its_filter_is_what_was_calibrated():
    for (kind, no_new_privs, filtered), evidence in each_case().items():
        runtime = "crun" if kind == "crun" else "runc"
        for script in (AFTER, EXEC_AFTER):
            calls = runtime_calls(evidence, script)
            if filtered:
                assert "execve" in calls, f"{kind} {no_new_privs} {script}: {calls}"
            else:
                assert not calls, f"{kind} without a filter: {script}: {calls}"
            extra = list(beyond(calls, shipped(runtime, no_new_privs)))
            assert not extra, f"{kind} {no_new_privs} {script}: {extra}"
        before = runtime_calls(evidence, BEFORE)
        assert "mount" in before or "move_mount" in before, f"{kind}: {sorted(before)}"
        # What it takes to build a container is in no layer that a policy sees.
        app = {name for name, _ in layer_of(evidence, "app", "helper", "session", "probe")}
        assert not app & {"mount", "pivot_root", "unshare", "setns", "seccomp"}, app


def test_programs_executed_into_the_container_are_apart():
    for case, evidence in each_case().items():
        origins = {process["origin"] for process in evidence["processes"]}
        assert origins == {"runtime", "app", "session", "probe", "harness"}, f"{case}: {origins}"
        # The same program, told apart by its arguments.
        names = {origin: {name for name, _ in layer_of(evidence, origin)} for origin in origins}
        assert "uname" in names["session"] and "uname" not in names["probe"], f"{case}: {names}"


def test_the_verdict_says_whether_a_filter_was_active():
    for (kind, no_new_privs, filtered), evidence in each_case().items():
        expected = "filtered" if filtered else "complete"
        assert evidence["verdict"]["state"] == expected, \
            f"{kind} {no_new_privs} {filtered}: {evidence['verdict']}"
        recording, = evidence["recordings"]
        assert recording["runtime"] == ("crun" if kind == "crun" else "runc"), recording
        assert recording["no_new_privs"] == no_new_privs, recording


def calibrated(runtime):
    require_root()
    require_btf()
    require_program(runtime)
    path = f"{support.temp_dir()}/{runtime}.json"
    answer = vambrace("calibrate", "--runtime", runtime, "--runs", 4, "-o", path, "--json",
                      expect=0, timeout=300).json()
    with open(path, encoding="utf-8") as file:
        layers = json.load(file)
    assert layers["schema"] == "vambrace.layer/v1" and answer["file"] == path
    assert [variant["no_new_privs"] for variant in answer["variants"]] == [True, False]
    for variant in answer["variants"]:
        for part in ("start", "exec"):
            assert "execve" in variant[part]["calls"], variant
    left = run("sh", "-c", f"ls /run/{runtime} /tmp | grep vambrace-calibrate").out
    assert not left, left
    return answer


def test_calibrating_runc_gives_the_layer_that_ships():
    answer = calibrated("runc")
    for variant in answer["variants"]:
        assert not variant["start"]["added"] and not variant["exec"]["added"], variant


def test_calibrating_crun_gives_the_layer_that_ships():
    answer = calibrated("crun")
    for variant in answer["variants"]:
        assert not variant["start"]["added"] and not variant["exec"]["added"], variant


def test_calibrating_a_runtime_that_is_not_installed_says_so():
    require_root()
    place = support.temp_dir()
    os.symlink(shutil.which("sh"), f"{place}/sh")
    done = vambrace("calibrate", "--runtime", "crun", "-o", f"{place}/layer.json", expect=4,
                    env={"PATH": place})
    assert "crun is not installed" in done.err and "install it" in done.err, done
    assert not os.path.exists(f"{place}/layer.json")


if __name__ == "__main__":
    support.main()

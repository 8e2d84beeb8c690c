"""A bundle that was recorded under one runtime runs under the other: what the
runtime itself calls is no part of the policy and is added for the target."""

import json

import record_origins
import support
from support import VAMBRACE, vambrace

TMP = {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"]}


def busybox(port):
    return record_origins.server(port), [], record_origins.load


def redis(port):
    support.require_program("redis-cli")
    words = ["/usr/bin/redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", "/tmp",
             "--save", "", "--appendonly", "yes"]
    return words, [TMP], support.load_redis


def nginx(port):
    """As in many images: started as root, its workers are www-data."""
    support.require_program("curl")
    folder = support.temp_dir()
    support.write(f"{folder}/www/index.html", "hello from behind the vambrace\n" * 30)
    conf = support.NGINX_CONF.format(dir="/tmp", port=port, user="user www-data;", workers=1)
    support.write(f"{folder}/nginx.conf", conf.replace("root /tmp/www", "root /tmp/site/www"))
    site = {"destination": "/tmp/site", "type": "bind", "source": folder,
            "options": ["bind", "ro"]}
    words = ["/usr/sbin/nginx", "-e", "/tmp/error.log", "-c", "/tmp/site/nginx.conf"]
    return words, [TMP, site], support.load_http


SERVERS = {"busybox": busybox, "redis": redis, "nginx": nginx}


def recorded(server, runtime, bundle=None):
    """The evidence file of one container under load: unconfined, or under what a
    bundle says."""
    support.require_root()
    support.require_btf()
    port = support.free_port()
    args, mounts, load = SERVERS[server](port)
    seccomp = capabilities = None
    if bundle is not None:
        seccomp, capabilities = (read(f"{bundle}/{name}.json")
                                 for name in ("seccomp", "capabilities"))
        capabilities = capabilities["add"]
    elif server == "nginx":
        capabilities = ["CAP_CHOWN", "CAP_SETGID", "CAP_SETUID", "CAP_KILL", "CAP_DAC_OVERRIDE"]
    container = record_origins.Bundle(runtime, port, True, bundle is not None, seccomp, args,
                                      capabilities, mounts)
    path = f"{support.temp_dir()}/evidence.json"
    with open(f"{path}.said", "w", encoding="utf-8") as said:
        recorder = support.start([VAMBRACE, "record", "-o", path, "--container", container.name,
                                  "--", *container.start], stdout=said, stderr=said)
    try:
        support.wait_until(lambda: recorder.poll() is not None or ready(server, port), 60, server)
        load(port)
        # What a server does on its way out is load too; killed, it may get to
        # some of it in one recording and to none in the next.
        if server != "busybox":  # as process 1 it does not hear it
            container.terminate()
            support.wait_until(lambda: recorder.poll() is not None, 20, f"the end of {server}")
    finally:
        container.kill()
        recorder.wait(60)
        with open(f"{path}.said", encoding="utf-8") as said:
            print(said.read())
    return path


def ready(server, port):
    if server == "redis":
        return support.run("redis-cli", "-p", port, "ping").out.strip() == "PONG"
    return record_origins.listens(port)


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def denied(path):
    """Whatever was refused, to the runtime too. Only clone3 may be: under a rule
    on the flags of clone it is answered ENOSYS, and libc then takes clone."""
    return sorted({(process["origin"], call["name"]) for process in read(path)["processes"]
                   for call in process["syscalls"] if call["denied"]
                   and (call["name"] != "clone3" or any(
                       set(share["denied_errnos"]) - {"ENOSYS"} for share in call["by"].values()))})


def allowed(profile):
    return {name for entry in read(profile)["syscalls"]
            if entry["action"] == "SCMP_ACT_ALLOW" for name in entry["names"]}


def retarget(server, source, target):
    support.require_program(source, target)
    evidence = recorded(server, source)
    assert read(evidence)["verdict"]["state"] == "complete", read(evidence)["verdict"]
    folder = f"{support.temp_dir()}/bundle"
    vambrace("synth", evidence, "-o", folder, "--target", source, expect=0)
    before, policy = allowed(f"{folder}/seccomp.json"), read(f"{folder}/policy.json")
    # No recording: the bundle's own evidence, another target.
    vambrace("synth", "-o", folder, "--target", target, expect=0)
    assert read(f"{folder}/policy.json") == policy, "the policy depends on the runtime"
    assert allowed(f"{folder}/seccomp.json") != before, "the profiles do not differ"

    under = recorded(server, target, folder)
    seen = read(under)
    assert seen["recordings"][0]["runtime"] == target, seen["recordings"]
    assert seen["verdict"]["state"] == "filtered", seen["verdict"]
    refused = denied(under)
    assert not refused, f"{server} from {source} under {target}: {refused}"
    # crun hands on the descriptors that it was started with, runc makes new ones: files that
    # only the start of this test knows, and that are on no mount of the container. Nothing
    # else would be denied.
    replayed = json.loads(vambrace("replay", folder, under, "--json").out)
    handed_on = {"/dev/null", f"disconnected:{under}.said"}
    assert all(one.get("path") in handed_on for one in replayed["denials"]), replayed["denials"]


def test_redis_recorded_under_runc_runs_under_crun():
    retarget("redis", "runc", "crun")


def test_redis_recorded_under_crun_runs_under_runc():
    retarget("redis", "crun", "runc")


def test_nginx_recorded_under_runc_runs_under_crun():
    retarget("nginx", "runc", "crun")


def test_nginx_recorded_under_crun_runs_under_runc():
    retarget("nginx", "crun", "runc")


def test_without_its_own_layer_a_runtime_does_not_start():
    """The control: runc's profile lacks calls of crun, or the other way round."""
    evidence = recorded("busybox", "runc")
    folder = f"{support.temp_dir()}/bundle"
    vambrace("synth", evidence, "-o", folder, "--target", "process", expect=0)
    container = record_origins.Bundle("runc", support.free_port(), True, True,
                                      read(f"{folder}/seccomp.json"))
    try:
        done = support.run(*container.start, timeout=30)
        assert done.code != 0, "a policy without runc's own calls lets runc start"
    finally:
        container.kill()


if __name__ == "__main__":
    support.main()

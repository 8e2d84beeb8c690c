"""The workloads, not their driver: two servers under one test suite, written as a
shell script and as a test runner in Python, give two evidence files with nothing
mixed, and a bundle each."""

import functools
import json
import os
import subprocess
import sys
import unittest

import support
from support import VAMBRACE, vambrace

SHELL = """
set -e
cd "$1"
nginx -e "$1/error.log" -c "$1/nginx.conf" & nginx=$!
redis-server --port "$REDIS_PORT" --bind 127.0.0.1 --dir "$1" --save "" --appendonly yes >/dev/null &
redis=$!
tries() { for i in $(seq 100); do "$@" >/dev/null 2>&1 && return 0; sleep 0.05; done; exit 3; }
tries curl -sf "http://127.0.0.1:$NGINX_PORT/index.html"
tries redis-cli -p "$REDIS_PORT" ping
curl -sf "http://127.0.0.1:$NGINX_PORT/index.html" | grep -q hello
curl -s -o /dev/null "http://127.0.0.1:$NGINX_PORT/missing"
test "$(redis-cli -p "$REDIS_PORT" set k v)" = OK
redis-cli -p "$REDIS_PORT" bgsave | grep -q started
redis-cli -p "$REDIS_PORT" nosuchcommand >/dev/null
if command -v wrk >/dev/null; then wrk -t1 -c4 -d1s "http://127.0.0.1:$NGINX_PORT/index.html" >/dev/null; fi
kill -QUIT $nginx; kill $redis
wait
"""

NGINX, REDIS = "/usr/sbin/nginx", "redis-server"
# What only the drivers do or are.
DRIVERS = {"bash", "dash", "sh", "curl", "wrk", "redis-cli", "seq", "sleep", "grep", "python3"}


class Suite(unittest.TestCase):
    """The tests of a user, in the runner of the standard library; this file runs
    itself as that driver."""

    def setUp(self):
        directory = os.environ["SUITE"]
        self.nginx = support.nginx(directory, int(os.environ["NGINX_PORT"]))
        self.redis = support.redis(directory, int(os.environ["REDIS_PORT"]))
        self.running = [subprocess.Popen(server.command, stdin=subprocess.DEVNULL,
                                         stdout=subprocess.DEVNULL)
                        for server in (self.nginx, self.redis)]
        self.nginx.wait()
        self.redis.wait()

    def tearDown(self):
        for process in self.running:
            process.terminate()
            process.wait(10)

    def test_the_front_answers(self):
        self.nginx.load()

    def test_the_store_keeps(self):
        self.redis.load()


def shell_driver(directory):
    return ["bash", support.write(f"{directory}/suite.sh", SHELL), directory]


def python_driver(_directory):
    return [sys.executable, os.path.abspath(__file__), "--suite"]


def evidence_in(folder):
    documents = {}
    for name in sorted(os.listdir(folder)):
        with open(f"{folder}/{name}", encoding="utf-8") as file:
            document = json.load(file)
        documents[document["workload"]["id"]] = (f"{folder}/{name}", document)
    return documents


@functools.cache
def recorded(driver):
    support.require_root()
    support.require_btf()
    support.require_program("nginx", "redis-server", "redis-cli", "curl")
    directory = support.temp_dir()
    ports = {"NGINX_PORT": str(support.free_port()), "REDIS_PORT": str(support.free_port())}
    support.nginx(directory, int(ports["NGINX_PORT"]))
    out = f"{directory}/evidence"
    said = vambrace("record", "-o", f"{out}/", "--workload", NGINX, "--workload", REDIS, "--",
                    *driver(directory), expect=0,
                    env={**os.environ, "SUITE": directory, **ports})
    return said, evidence_in(out)


def programs(document, *origins):
    return {process["exe"].rsplit("/", 1)[-1] for process in document["processes"]
            if process["origin"] in origins}


def calls(document, origin):
    return {call["name"] for process in document["processes"] if process["origin"] == origin
            for call in process["syscalls"]}


def check_apart(driver):
    said, found = recorded(driver)
    steps = [line.split() for line in said.out.splitlines() if line.startswith("next:")]
    assert [step[-1] for step in steps] == ["nginx/", "redis-server/"], said
    assert set(found) == {"spiffe://local/nginx", "spiffe://local/redis-server"}, found.keys()
    nginx, redis = found["spiffe://local/nginx"][1], found["spiffe://local/redis-server"][1]
    # Redis is one binary under several names.
    assert programs(nginx, "app") == {"nginx"}, programs(nginx, "app")
    assert programs(redis, "app") <= {"redis-server", "redis-check-rdb"}, programs(redis, "app")
    for document in (nginx, redis):
        assert document["verdict"]["state"] == "complete", document["verdict"]
        assert programs(document, "app", "helper") == programs(document, "app"), \
            programs(document, "helper")
        harness = programs(document, "harness")
        assert harness & DRIVERS and not harness & {"nginx", "redis-check-rdb"}, harness
    # One driver: both files hold the same harness.
    assert calls(nginx, "harness") == calls(redis, "harness")
    # Each has what the other never does.
    assert "fdatasync" in calls(redis, "app") and "fdatasync" not in calls(nginx, "app")
    assert "setgroups" in calls(nginx, "app") and "setgroups" not in calls(redis, "app")


def check_bundles(driver):
    _, found = recorded(driver)
    for name, (path, document) in found.items():
        bundle = f"{support.temp_dir()}/bundle"
        done = vambrace("synth", path, "-o", bundle, "--target", "process", expect=0)
        assert name in done.out, done
        with open(f"{bundle}/policy.json", encoding="utf-8") as file:
            policy = json.load(file)
        allowed = {rule["name"] for rule in policy["syscalls"]}
        driven = calls(document, "harness") - calls(document, "app")
        assert driven, "the driver makes no call that its workload does not make"
        for rule in policy["syscalls"]:
            assert "harness" not in json.dumps(rule["reasons"]), rule
        # vfork is what the shell and the runner do, and no closure adds.
        assert not allowed & (driven & {"vfork", "pipe", "pselect6", "dup3", "waitid"}), allowed
        vambrace("replay", bundle, expect=0)


def test_two_servers_under_a_script_give_two_evidence_files():
    check_apart(shell_driver)


def test_two_servers_under_a_test_runner_give_two_evidence_files():
    check_apart(python_driver)


def test_each_of_the_two_becomes_a_bundle_without_the_script():
    check_bundles(shell_driver)


def test_each_of_the_two_becomes_a_bundle_without_the_runner():
    check_bundles(python_driver)


CONTAINERS = """
set -e
tries() { for i in $(seq 200); do "$@" >/dev/null 2>&1 && return 0; sleep 0.05; done; exit 3; }
docker run -d --rm --name "$WEB" --network host --security-opt seccomp=unconfined "$IMAGE" \
  /bin/busybox httpd -f -p "127.0.0.1:$WEB_PORT" -h /etc
docker run -d --rm --name "$STORE" --network host --security-opt seccomp=unconfined "$IMAGE" \
  redis-server --port "$STORE_PORT" --bind 127.0.0.1 --save ""
memcached -l 127.0.0.1 -p "$CACHE_PORT" -u nobody & cache=$!
tries curl -sf "http://127.0.0.1:$WEB_PORT/debian_version"
tries redis-cli -p "$STORE_PORT" ping
redis-cli -p "$STORE_PORT" set k v
docker kill "$WEB" "$STORE"
kill $cache; wait $cache || true
"""


def test_containers_and_a_process_under_one_driver():
    """Compose-like: two containers that the driver starts, and a program beside
    them; each by name, each an evidence of its own."""
    support.require_docker()
    support.require_btf()
    support.require_program("redis-cli", "curl", "memcached")
    support.image()
    folder = support.temp_dir()
    web, store = support.container_name("web"), support.container_name("store")
    ports = {name: str(support.free_port()) for name in ("WEB_PORT", "STORE_PORT", "CACHE_PORT")}
    vambrace("record", "-o", f"{folder}/evidence/", "--workload", f"container:{web}",
             "--workload", "memcached", "--workload", f"container:{store}", "--", "bash",
             support.write(f"{folder}/suite.sh", CONTAINERS), expect=0,
             env={**os.environ, **ports, "WEB": web, "STORE": store, "IMAGE": support.IMAGE})
    found = {name.rsplit("/", 1)[-1]: document
             for name, (_, document) in evidence_in(f"{folder}/evidence").items()}
    assert set(found) == {web, store, "memcached"}, found.keys()
    for name, program in ((web, "busybox"), (store, "redis-check-rdb"), ("memcached", "memcached")):
        document = found[name]
        recording, = document["recordings"]
        assert programs(document, "app", "helper", "session") == {program}, \
            [(p["exe"], p["origin"]) for p in document["processes"]]
        assert document["verdict"]["state"] == "complete", (name, document["verdict"])
        assert {"bash", "docker", "curl", "redis-cli"} <= programs(document, "harness"), name
        if name == "memcached":
            assert recording["runtime"] == "process", recording
        else:
            assert recording["runtime"] == "runc" and recording["image"], recording
            assert document["workload"]["container"] == name, document["workload"]
            assert "mount" in calls(document, "runtime") | {"move_mount"}, name
            assert "mount" not in calls(document, "app"), name
    assert "epoll_wait" in calls(found[store], "app"), calls(found[store], "app")
    assert "epoll_wait" not in calls(found[web], "app"), calls(found[web], "app")


def test_a_container_that_never_starts_is_told():
    support.require_root()
    support.require_btf()
    folder = support.temp_dir()
    vambrace("record", "-o", f"{folder}/", "--workload", "container:vmb-nobody", "--", "true",
             expect=1)
    (_, document), = evidence_in(folder).values()
    gap, = document["verdict"]["gaps"]
    assert gap["kind"] == "scope_lost" and "vmb-nobody" in gap["detail"], gap


def test_a_script_is_a_workload_by_its_path_or_its_name():
    support.require_root()
    support.require_btf()
    folder = support.temp_dir()
    script = support.write(f"{folder}/server.sh", "#!/bin/sh\nuname\n")
    os.chmod(script, 0o755)
    for given, started in (("./server.sh", "./server.sh"), ("./server.sh", script),
                           (script, script), ("server.sh", "./server.sh"), ("server.sh", script)):
        out = f"{support.temp_dir()}/"
        vambrace("record", "-o", out, "--workload", given, "--", "sh", "-c",
                 f"id >/dev/null; {started} >/dev/null", cwd=folder, expect=0)
        (_, document), = evidence_in(out).values()
        assert document["verdict"]["state"] == "complete", document["verdict"]
        assert "uname" in programs(document, "helper"), document["processes"]
        assert "id" in programs(document, "harness"), document["processes"]


def test_a_workload_that_never_starts_is_told():
    support.require_root()
    support.require_btf()
    folder = support.temp_dir()
    done = vambrace("record", "-o", f"{folder}/", "--workload", "true", "--workload",
                    "nosuchserver", "--", "sh", "-c", "/bin/true", expect=1)
    assert "nothing was seen" in done.out and "name the one that is" in done.out, done
    assert done.out.count("next: vambrace synth") == 1, done
    states = {name.rsplit("/", 1)[-1]: document["verdict"]
              for name, (_, document) in evidence_in(folder).items()}
    assert states["true"]["state"] == "complete", states
    assert [gap["kind"] for gap in states["nosuchserver"]["gaps"]] == ["scope_lost"], states


if __name__ == "__main__":
    if sys.argv[1:] == ["--suite"]:
        unittest.main(argv=["suite"])
    support.main()

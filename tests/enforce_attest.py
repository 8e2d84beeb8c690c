#!/usr/bin/env python3
"""`run` puts a bundle on, and `attest` says whether what runs is the bundle."""

import json
import os
import signal
import time

import enforcement
import support

REFUSED = ("unshare", "mount", "ptrace")


def started(bundle, *command):
    process = support.start([support.VAMBRACE, "run", bundle, "--", *command])
    support.wait_until(lambda: os.readlink(f"/proc/{process.pid}/exe") !=
                       os.path.realpath(support.VAMBRACE), what="the program starts")
    return process.pid


def attest(bundle, pid, *words):
    return support.vambrace("attest", bundle, "--pid", pid, "--json", *words)


def ids(done):
    return {finding["id"] for finding in done.json()["findings"]}


def state_of(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        return stat.read().rsplit(") ", 1)[1][0]


def test_what_run_starts_is_equal():
    support.require_root()
    bundle = enforcement.handmade(REFUSED, ["CAP_CHOWN", "CAP_KILL"])
    pid = started(bundle, "sleep", "60")
    done = attest(bundle, pid)
    assert done.code == 0 and done.json()["equal"], done
    assert done.json()["filters_read"] == 1, done
    # It was interrupted and has to come round to its sleep again.
    support.wait_until(lambda: state_of(pid) == "S", what="the program sleeps again")


def test_root_gets_exactly_the_policys_capabilities():
    support.require_root()
    bundle = enforcement.handmade(REFUSED, ["CAP_CHOWN"])
    status = enforcement.status_under(bundle)
    for name in ("CapPrm", "CapEff", "CapBnd"):
        assert int(status[name], 16) == 1, status
    assert int(status["CapInh"], 16) == int(status["CapAmb"], 16) == 0, status
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", status


def test_another_user_gets_them_too():
    support.require_root()
    bundle = enforcement.handmade(REFUSED, ["CAP_CHOWN"])
    status = enforcement.status_under(bundle, "--user", "nobody")
    assert status["Uid"].split() == ["65534"] * 4, status
    for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == 1, status


def test_without_no_new_privs_the_filter_stands_and_sys_admin_is_gone():
    support.require_root()
    bundle = enforcement.handmade(REFUSED, ["CAP_CHOWN"], no_new_privs=False)
    for words in ((), ("--user", "nobody")):
        status = enforcement.status_under(bundle, *words)
        for name in ("CapPrm", "CapEff", "CapBnd"):
            assert int(status[name], 16) == 1, status
        assert status["NoNewPrivs"] == "0" and status["Seccomp"] == "2", status


def test_run_ends_as_the_program_ends():
    support.require_root()
    bundle = enforcement.handmade(REFUSED, [])
    assert support.vambrace("run", bundle, "--", "sh", "-c", "exit 23").code == 23
    done = support.vambrace("run", bundle, "--", "no-such-program-here")
    assert done.code == 2 and "no-such-program-here" in done.err, done


def test_run_refuses_what_contradicts_the_bundle():
    bundle = enforcement.handmade(REFUSED, ["CAP_CHOWN"], target="docker")
    for words in (["--privileged"], ["--security-opt", "seccomp=other.json"],
                  ["--cap-add", "SYS_ADMIN"]):
        done = support.vambrace("run", bundle, "--", "docker", "run", *words, "image")
        assert done.code == 3 and "contradicts the bundle" in done.err, done


def test_dry_run_shows_the_command_and_starts_nothing():
    bundle = enforcement.handmade(REFUSED, ["CAP_CHOWN"], target="docker")
    done = support.vambrace("run", bundle, "--dry-run", "--json", "--", "docker", "run", "image",
                            expect=0)
    words = done.json()["command"]
    assert words[:4] == ["docker", "run", "--security-opt", f"seccomp={bundle}/seccomp.json"], done
    assert words[-3:] == ["--cap-add", "CHOWN", "image"], done


def test_another_profile_is_told_call_by_call():
    support.require_root()
    bundle = enforcement.handmade(REFUSED, [])
    pid = started(enforcement.handmade(("unshare", "mount"), []), "sleep", "60")
    done = attest(bundle, pid)
    assert done.code == 1, done
    texts = [call["text"] for call in done.json()["foreign_filters"][0]["differences"]]
    assert len(texts) == 1 and texts[0].startswith("x86_64 ptrace("), texts
    assert "SCMP_ACT_ALLOW is installed" in texts[0], texts
    assert attest(bundle, pid, "--no-filter").code == 0


def test_a_capability_more_is_found():
    support.require_root()
    pid = started(enforcement.handmade(REFUSED, ["CAP_CHOWN", "CAP_NET_ADMIN"]), "sleep", "60")
    done = attest(enforcement.handmade(REFUSED, ["CAP_CHOWN"]), pid)
    assert done.code == 1 and ids(done) == {"capability-added"}, done
    assert "CAP_NET_ADMIN" in done.json()["findings"][0]["message"], done


def test_missing_no_new_privs_is_found():
    support.require_root()
    pid = started(enforcement.handmade(REFUSED, [], no_new_privs=False), "sleep", "60")
    done = attest(enforcement.handmade(REFUSED, []), pid)
    assert done.code == 1 and ids(done) == {"no-new-privs"}, done


def test_a_process_without_a_filter_is_found():
    support.require_root()
    process = support.start(["sleep", "60"])
    done = attest(enforcement.handmade(REFUSED, []), process.pid)
    assert done.code == 1 and "no-filter" in ids(done), done


THREADS = r"""
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
static void *idle(void *p) { for (;;) pause(); return p; }
int main(void)
{
	pthread_t thread;
	struct sock_filter allow[] = { { 6, 0, 0, 0x7fff0000 } };
	struct sock_fprog program = { 1, allow };
	pthread_create(&thread, 0, idle, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
	write(1, "ready\n", 6);
	idle(0);
}
"""


def threaded():
    source = support.write(f"{support.temp_dir()}/threads.c", THREADS)
    return support.built(source, "-w", "-pthread")


def test_one_thread_without_the_filter_is_found():
    support.require_root()
    process = support.start([threaded()], stdout=support.subprocess.PIPE)
    process.stdout.readline()
    done = attest(enforcement.handmade(REFUSED, []), process.pid)
    assert done.code == 1, done
    bare = [f for f in done.json()["findings"] if f["id"] == "no-filter"]
    assert len(bare) == 1 and bare[0]["tid"] != process.pid, done
    assert done.json()["threads"] == 2, done


def test_a_filter_that_the_program_added_is_found_and_the_oldest_is_compared():
    support.require_root()
    bundle = enforcement.handmade(REFUSED, [])
    process = support.start([support.VAMBRACE, "run", bundle, "--", threaded()],
                            stdout=support.subprocess.PIPE)
    process.stdout.readline()
    done = attest(bundle, process.pid)
    assert done.code == 1 and ids(done) == {"later-filter"}, done
    assert done.json()["foreign_filters"] == [], "index 0 is not the oldest filter"


def test_threads_go_on_after_many_looks():
    support.require_root()
    bundle = enforcement.handmade(REFUSED, [])
    counter = f"{support.temp_dir()}/count"
    pid = started(bundle, "sh", "-c", f"while :; do echo x >>{counter}; sleep 0.01; done")
    for _ in range(10):
        done = attest(bundle, pid)
        assert done.code == 0, done
    before = os.path.getsize(counter)
    support.wait_until(lambda: os.path.getsize(counter) > before, what="the program goes on")
    os.kill(pid, signal.SIGTERM)


# --- Docker ------------------------------------------------------------------

def docker_started(name, *options):
    done = support.run("docker", "run", "-d", "--name", name, *options, support.IMAGE,
                       "sleep", "300")
    assert done.code == 0, done
    time.sleep(0.2)


def container_findings(bundle, name):
    done = support.vambrace("attest", bundle, "--container", name, "--json")
    return done, ids(done) | ({"filter"} if done.json()["foreign_filters"] else set())


def docker_bundle():
    support.require_docker()
    support.image()
    return enforcement.handmade(REFUSED, ["CAP_CHOWN"], target="docker")


def test_a_container_started_by_run_is_equal():
    bundle = docker_bundle()
    name = support.container_name("enforce")
    done = support.vambrace("run", bundle, "--", "docker", "run", "-d", "--name", name,
                            support.IMAGE, "sleep", "300")
    assert done.code == 0, done
    done, found = container_findings(bundle, name)
    assert done.code == 0 and not found, done


def test_dockers_default_is_caught():
    bundle = docker_bundle()
    name = support.container_name("enforce")
    docker_started(name, "--cap-drop", "ALL", "--cap-add", "CHOWN",
                   "--security-opt", "no-new-privileges")
    done, found = container_findings(bundle, name)
    assert done.code == 1 and found == {"filter"}, done


def test_a_container_with_an_added_capability_is_caught():
    bundle = docker_bundle()
    name = support.container_name("enforce")
    docker_started(name, "--security-opt", f"seccomp={bundle}/seccomp.json", "--cap-drop", "ALL",
                   "--cap-add", "CHOWN", "--cap-add", "NET_RAW",
                   "--security-opt", "no-new-privileges")
    done, found = container_findings(bundle, name)
    assert done.code == 1 and found == {"capability-added"}, done


def test_a_container_without_no_new_privs_is_caught():
    bundle = docker_bundle()
    name = support.container_name("enforce")
    docker_started(name, "--security-opt", f"seccomp={bundle}/seccomp.json", "--cap-drop", "ALL",
                   "--cap-add", "CHOWN")
    done, found = container_findings(bundle, name)
    assert done.code == 1 and found == {"no-new-privs"}, done


def test_what_an_exec_brings_in_is_looked_at_in_the_hosts_pid_namespace():
    bundle = docker_bundle()
    name = support.container_name("enforce")
    docker_started(name, "--security-opt", f"seccomp={bundle}/seccomp.json", "--cap-drop", "ALL",
                   "--cap-add", "CHOWN", "--security-opt", "no-new-privileges", "--pid", "host")
    assert support.run("docker", "exec", "-d", name, "sleep", "301").code == 0
    support.wait_until(lambda: threads_in(bundle, name) == 2, what="the exec is looked at")
    done, found = container_findings(bundle, name)
    assert done.code == 0 and not found, done
    # As an engine that forgets the filter would bring it in.
    pid = support.run("docker", "inspect", "--format", "{{.State.Pid}}", name).out.strip()
    with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
        path, = [line.strip().split(":")[2] for line in file if line.startswith("0:")]
    procs, = [root + path + "/cgroup.procs" for root in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
              if os.path.exists(root + path + "/cgroup.procs")]
    support.start(["sh", "-c", f"echo $$ >{procs} && exec sleep 302"])
    support.wait_until(lambda: threads_in(bundle, name) == 3, what="the exec is looked at")
    done, found = container_findings(bundle, name)
    assert done.code == 1 and found >= {"no-filter", "capability-added"}, done


def threads_in(bundle, name):
    return container_findings(bundle, name)[0].json()["threads"]


# --- runc --------------------------------------------------------------------

def test_runc_runs_a_copy_of_the_configuration():
    support.require_root()
    support.require_program("runc")
    root = support.image(docker=False)
    oci = support.temp_dir()
    assert support.run("runc", "spec", cwd=oci).code == 0
    with open(f"{oci}/config.json", encoding="utf-8") as file:
        config = json.load(file)
    config["root"] = {"path": root, "readonly": True}
    config["process"]["args"] = ["cat", "/proc/self/status"]
    config["process"]["terminal"] = False
    config["process"].pop("rlimits", None)
    text = json.dumps(config)
    support.write(f"{oci}/config.json", text)
    bundle = enforcement.handmade(REFUSED, ["CAP_CHOWN"], target="runc")
    done = support.vambrace("run", bundle, "--runc", oci)
    assert done.code == 0, done
    status = dict(line.split(":\t", 1) for line in done.out.splitlines() if ":\t" in line)
    assert int(status["CapBnd"], 16) == 1 and status["Seccomp"] == "2", status
    with open(f"{oci}/config.json", encoding="utf-8") as file:
        assert file.read() == text, "the user's config.json was changed"


if __name__ == "__main__":
    support.main()

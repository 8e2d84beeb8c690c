#!/usr/bin/env python3
"""The workload, not its driver: a shell script with curl and wrk, and a test suite
in Python, start nginx, use it and stop it. Recorded, the policy holds nothing that
only they did; verified by the same words, nginx alone is confined."""

import json

import enforcement
import support

SCRIPT = """
set -e
rm -rf {dir}/run && mkdir {dir}/run
python3 -c 'import support; support.nginx("{dir}/run", {port})'
nginx -e {dir}/run/error.log -c {dir}/run/nginx.conf &
server=$!
trap 'kill $server; wait $server || true' EXIT
for i in $(seq 100); do curl -s -o /dev/null -m 2 http://127.0.0.1:{port}/ && break; sleep 0.05; done
curl -sf -o /dev/null http://127.0.0.1:{port}/index.html
wrk -t1 -c8 -d1s http://127.0.0.1:{port}/index.html >/dev/null
{free}
grep -H Seccomp: /proc/self/status /proc/$server/task/*/status $(pgrep -P $server | sed 's|.*|/proc/&/status|') >{dir}/seen
"""

SUITE = """
import os
import shutil
import subprocess
import unittest

import support

DIR, PORT = "{dir}", {port}


class Serving(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        shutil.rmtree(f"{{DIR}}/run", ignore_errors=True)
        os.mkdir(f"{{DIR}}/run")
        server = support.nginx(f"{{DIR}}/run", PORT)
        cls.server = subprocess.Popen(server.command)
        server.wait()

    @classmethod
    def tearDownClass(cls):
        with open(f"{{DIR}}/seen", "w") as seen:
            workers = subprocess.run(["pgrep", "-P", str(cls.server.pid)], stdout=-1, text=True)
            for pid in ["self", str(cls.server.pid), *workers.stdout.split()]:
                with open(f"/proc/{{pid}}/status") as status:
                    seen.writelines(f"/proc/{{pid}}/status:{{line}}" for line in status
                                    if line.startswith("Seccomp:"))
        cls.server.terminate()
        cls.server.wait(10)

    def test_pages(self):
        support.load_http(PORT)

    def test_the_suite_is_free(self):
        {free}


unittest.main()
"""
# What nginx's policy refuses, done by the driver.
FREE = {"sh": "unshare --mount true || exit 9",
        "python3": 'subprocess.run(["unshare", "--mount", "true"], check=True)'}


def is_confined_alone(interpreter, text):
    support.require_root()
    support.require_btf()
    support.require_program("nginx", "curl", "wrk", "pgrep", "unshare")
    directory = support.temp_dir()
    script = support.write(f"{directory}/driver", text.format(
        dir=directory, port=support.free_port(), free=FREE[interpreter]))
    driver = ["env", f"PYTHONPATH={support.TESTS}", interpreter, script]
    evidence, bundle = f"{directory}/evidence.json", f"{directory}/bundle"
    support.vambrace("record", "-o", evidence, "--workload", "nginx", "--", *driver, expect=0)
    support.vambrace("synth", evidence, "-o", bundle, "--target", "process", expect=0)
    holds_nothing_of_the_driver(evidence, bundle)

    done = support.vambrace("verify", bundle, "--json", "--", *driver)
    assert done.code == 0, done
    verdict = done.json()
    assert verdict["confined"] == 1 and not verdict["denials"], verdict
    with open(f"{directory}/seen", encoding="utf-8") as file:
        modes = [line.split(":")[-1].strip() for line in file]
    # The driver, then nginx's master and its worker.
    assert modes == ["0", "2", "2"], modes


def holds_nothing_of_the_driver(evidence, bundle):
    calls = {}
    with open(evidence, encoding="utf-8") as file:
        for process in json.load(file)["processes"]:
            names = {call["name"] for call in process["syscalls"] if call["count"]}
            calls.setdefault(process["origin"], set()).update(names)
    with open(f"{bundle}/policy.json", encoding="utf-8") as file:
        policy = json.load(file)
    assert set(calls) == {"app", "harness"}, sorted(calls)
    drivers = calls["harness"] - calls["app"]
    assert {"unshare", "wait4"} & drivers, drivers
    observed = {rule["name"] for rule in policy["syscalls"]
                if any(reason["cause"] == "observed" for reason in rule["reasons"])}
    assert observed <= calls["app"] and not observed & drivers, observed & drivers
    exes = {reason.get("exe") for rule in policy["syscalls"] for reason in rule["reasons"]}
    assert exes <= {enforcement.program("nginx", ""), "", None}, exes


def test_nginx_alone_is_confined_under_a_shell_script():
    is_confined_alone("sh", SCRIPT)


def test_nginx_alone_is_confined_under_a_python_suite():
    is_confined_alone("python3", SUITE)


if __name__ == "__main__":
    support.main()

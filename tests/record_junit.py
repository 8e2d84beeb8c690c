"""Tests become phases: a server driven by pytest, recorded with --junit, knows which
of its calls only one test brought about, and never guesses."""

import functools
import json
import os

import support
from support import vambrace

SUITE = '''
import os, subprocess, time
import pytest

PORT = os.environ["REDIS_PORT"]

def ask(*words):
    return subprocess.run(["redis-cli", "-p", PORT, *words], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.strip()

@pytest.fixture(scope="module", autouse=True)
def server():
    process = subprocess.Popen(["redis-server", "--port", PORT, "--bind", "127.0.0.1",
                                "--dir", os.path.dirname(os.path.abspath(__file__)), "--save", "",
                                "--enable-debug-command", "yes"], stdout=subprocess.DEVNULL)
    for _ in range(200):
        if subprocess.run(["redis-cli", "-p", PORT, "ping"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0:
            break
        time.sleep(0.05)
    yield
    process.terminate()
    process.wait(10)

# Around what each test is about, it is quiet for longer than a runner takes
# between two tests.
@pytest.fixture(autouse=True)
def quiet():
    time.sleep(0.8)
    yield
    time.sleep(0.8)

def test_plain():
    for i in range(50):
        assert ask("set", "k", str(i)) == "OK"

def test_save():
    assert "started" in ask("bgsave")

@pytest.mark.parametrize("seconds", ["0.1"])
def test_sleep(seconds):
    assert ask("debug", "sleep", seconds) == "OK"

def test_replica():
    ask("replicaof", "127.0.0.1", "1")
    time.sleep(1.2)
    ask("replicaof", "no", "one")
'''


def runner():
    for python in ("/usr/bin/python3", "python3"):
        if support.run(python, "-m", "pytest", "--version").code == 0:
            return python
    return support.skip("pytest is not installed")


def record(*words, command, port, expect=0):
    path = f"{support.temp_dir()}/e.json"
    done = vambrace("record", "-o", path, "--workload", "redis-server", *words, "--json", "--",
                    "sh", "-c", 'exec "$@" >&2', "sh", *command, expect=expect,
                    env={**os.environ, "REDIS_PORT": str(port)})
    with open(path, encoding="utf-8") as file:
        return done.json(), json.load(file)


@functools.cache
def recorded():
    support.require_root()
    support.require_btf()
    support.require_program("redis-server", "redis-cli")
    folder = support.temp_dir()
    suite = support.write(f"{folder}/test_store.py", SUITE)
    report = f"{folder}/report.xml"
    answer, evidence = record(
        "--junit", report, port=support.free_port(),
        command=[runner(), "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", folder,
                 "--junitxml", report, suite])
    return answer, evidence, report


NAMES = {f"test_store.{name}" for name in ("test_plain", "test_save", "test_sleep[0.1]",
                                           "test_replica")}


def phases_of(evidence, *names, origins=("app", "helper")):
    found = {}
    for process in evidence["processes"]:
        if process["origin"] in origins:
            for call in process["syscalls"]:
                if call["name"] in names:
                    for phase, count in call["phases"].items():
                        found[phase] = found.get(phase, 0) + count
    return found


def test_every_test_of_the_report_is_a_phase():
    answer, evidence, _ = recorded()
    assert answer["tests"] == {"placed": 4, "lost": []}, answer
    assert evidence["verdict"]["state"] == "complete", evidence["verdict"]
    names = [phase["name"] for phase in evidence["recordings"][0]["phases"]]
    assert NAMES < set(names) and len(names) == len(set(names)), names
    starts = [phase["start"] for phase in evidence["recordings"][0]["phases"]]
    assert starts == sorted(starts), starts
    assert not [name for name in names if name.startswith("~")], names


def test_a_call_of_one_test_alone_is_in_its_phase_alone():
    _, evidence, _ = recorded()
    for test, calls in (("test_save", ["rename"]),
                        ("test_sleep[0.1]", ["nanosleep", "clock_nanosleep"]),
                        ("test_replica", ["connect"])):
        found = phases_of(evidence, *calls)
        assert set(found) == {f"test_store.{test}"}, f"{calls}: {found}"


def test_calls_of_all_tests_are_divided_and_add_up():
    _, evidence, _ = recorded()
    found = phases_of(evidence, "accept4")
    assert found.get("test_store.test_plain", 0) >= 50, found
    assert found.get("test_store.test_sleep[0.1]", 0) >= 1, found
    for process in evidence["processes"]:
        for call in process["syscalls"]:
            assert sum(call["phases"].values()) == call["count"], call


def test_what_crosses_a_border_is_not_guessed():
    _, evidence, _ = recorded()
    # The server's own timer runs on through all tests.
    found = phases_of(evidence, "epoll_wait")
    assert found.get("across-tests", 0) > 0 and NAMES <= set(found), found


def test_a_report_of_another_run_is_not_believed():
    # Exit 1: nothing was seen of the workload.
    _, _, report = recorded()
    answer, evidence = record("--junit", report, port=0, command=["true"], expect=1)
    assert answer["tests"]["placed"] == 0, answer
    assert "does not tell when in the recording" in answer["tests"]["lost"][0], answer
    assert [p["name"] for p in evidence["recordings"][0]["phases"]] == ["startup"], evidence


def test_a_report_that_is_none_costs_no_evidence():
    support.require_root()
    support.require_btf()
    folder = support.temp_dir()
    bad = {"missing.xml": None, "empty.xml": "", "json.xml": "{}", "html.xml": "<html/>",
           "deep.xml": "<testsuite>" * 100_000,
           "bomb.xml": '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + "".join(
               f'<!ENTITY {chr(98 + i)} "{("&" + chr(97 + i) + ";") * 10}">' for i in range(9))
               + ']><testsuite name="&j;"/>'}
    for name, text in bad.items():
        if text is not None:
            support.write(f"{folder}/{name}", text)
        answer, evidence = record("--junit", f"{folder}/{name}", port=0, command=["true"], expect=1)
        assert answer["tests"]["placed"] == 0 and len(answer["tests"]["lost"]) == 1, answer
        assert name in answer["tests"]["lost"][0], answer
        assert evidence["processes"], evidence
    # A folder, as some runners write: all of them are told.
    answer, _ = record("--junit", folder, port=0, command=["true"], expect=1)
    assert len(answer["tests"]["lost"]) == len(bad) - 1, answer


if __name__ == "__main__":
    support.main()

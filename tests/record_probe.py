"""Nothing is missed: a probe's markers, each at a known place and moment.

VAMBRACE_PROBE_RUNS says how many recordings must have all of them, default 100.
Four go on at once.
"""

import collections
import concurrent.futures
import glob
import json
import os
import re
import subprocess
import tempfile
import time

import support
from support import VAMBRACE, require_btf, require_root, vambrace

RUNS = int(os.environ.get("VAMBRACE_PROBE_RUNS", "100"))
AT_ONCE = 4
FOLDER = os.path.join(os.environ.get("VAMBRACE_BUILD", os.path.dirname(VAMBRACE)), "tests", "probe")
PROBE = os.path.join(FOLDER, "probe")

# Where a marker is made: the program, and the name it is started by.
PROGRAMS = {"child": ("probe_child", ""), "child_late": ("probe_child", ""),
            "thread_exec": ("probe_child", "from-a-thread"), "i386": ("probe32", "")}

Marker = collections.namedtuple("Marker", "arch name exe script origin phase")


def require_probe():
    require_root()
    require_btf()
    if not os.path.exists(PROBE):
        support.skip(f"{PROBE} is not built")


def markers():
    """How often each marker must be seen, from the header that the probe is built from."""
    with open(os.path.join(support.TESTS, "probe", "markers.h"), encoding="utf-8") as file:
        text = file.read()
    expected = {}
    for place, name, number, times in re.findall(r"M\((\w+), (\w+),(?: (\d+),)? (\d+)\)", text):
        exe, script = PROGRAMS.get(place, ("probe", ""))
        if exe == "probe32" and not os.path.exists(os.path.join(FOLDER, exe)):
            continue
        arch = "i386" if number else "x86_64" if os.uname().machine == "x86_64" else "aarch64"
        if place.startswith("compat") and arch != "i386":
            continue
        expected[Marker(arch, name, os.path.join(FOLDER, exe), script,
                        "app" if exe == "probe" else "helper",
                        "serving" if place.endswith("_late") else "startup")] = int(times)
    return expected


def recording_of(recorder):
    for path in glob.glob("/run/vambrace/*.json"):
        try:
            with open(path, encoding="utf-8") as file:
                if json.load(file)["recorder"] == recorder.pid:
                    return os.path.basename(path).removesuffix(".json")
        except (OSError, ValueError):
            pass  # another one, just ending
    raise AssertionError("the recording has no state")


def one_run(number):
    """What is wrong with one recording of the probe; empty if nothing is."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "evidence.json")
        # Half of them see calls as they exit alone.
        words = ["--enters"] if number % 2 else []
        with subprocess.Popen([VAMBRACE, "record", *words, "-o", path, "--", PROBE, "markers"],
                              text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT) as recorder:
            said = recorder.stdout.readline()
            while said.startswith("note: "):  # recordings left by something else
                said = recorder.stdout.readline()
            if said != "half\n":
                recorder.terminate()
                return [f"run {number}: {said}{recorder.stdout.read()}"]
            vambrace("mark", "serving", "--recording", recording_of(recorder), expect=0)
            rest, _ = recorder.communicate("\n", timeout=60)
            if recorder.returncode != 0:
                return [f"run {number}: exit {recorder.returncode}: {rest}"]
        with open(path, encoding="utf-8") as file:
            return [f"run {number}: {line}" for line in complaints(json.load(file), markers())]


def complaints(evidence, expected):
    wrong = []
    if evidence["verdict"] != {"state": "complete", "gaps": []}:
        wrong.append(f"verdict {evidence['verdict']}")
    names = {(marker.arch, marker.name) for marker in expected}
    seen = collections.Counter()
    for process in evidence["processes"]:
        for call in process["syscalls"]:
            if call["denied"]:
                wrong.append(f"{call['name']} denied in {process['exe']}")
            if (call["arch"], call["name"]) not in names:
                continue
            for phase, count in call["phases"].items():
                seen[Marker(call["arch"], call["name"], process["exe"], process["script"],
                            process["origin"], phase)] += count
            if sum(call["phases"].values()) != call["count"]:
                wrong.append(f"{call['name']}: {call['count']} calls, phases {call['phases']}")
    for marker in sorted(expected.keys() | seen.keys()):
        if expected.get(marker, 0) != seen[marker]:
            wrong.append(f"{marker}: made {expected.get(marker, 0)}, recorded {seen[marker]}")
    return wrong


def test_there_are_sixty_markers_and_some_are_of_a_32_bit_program():
    require_probe()
    expected = markers()
    if not any(marker.exe.endswith("probe32") for marker in expected):
        support.skip("no compiler for i386 when this was built: no 32-bit markers")
    assert len({(marker.arch, marker.name) for marker in expected}) >= 60, len(expected)


def test_every_run_has_every_marker():
    require_probe()
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as runs:
        wrong = [line for lines in runs.map(one_run, range(RUNS)) for line in lines]
    print(f"{RUNS} recordings, {len(markers())} markers each, {time.monotonic() - began:.0f} s")
    assert not wrong, "\n".join(wrong[:40])


def test_a_missing_marker_would_be_noticed():
    expected = markers()
    marker = next(iter(expected))
    evidence = {"verdict": {"state": "complete", "gaps": []}, "processes": []}
    assert len(complaints(evidence, {marker: 1})) == 1
    moved = {"exe": marker.exe, "script": marker.script, "origin": "helper",
             "syscalls": [{"arch": marker.arch, "name": marker.name, "count": 1, "denied": 0,
                           "phases": {marker.phase: 1}}]}
    evidence["processes"].append(moved)
    assert len(complaints(evidence, {marker: 1})) == 2


def denials(evidence):
    counters = evidence["recordings"][0]["counters"]
    named = [(process["exe"], call["arch"], call["name"], call["denied"])
             for process in evidence["processes"] for call in process["syscalls"] if call["denied"]]
    return counters["denied"], named


def test_forks_vforks_and_a_storm_of_signals_are_no_denials():
    require_probe()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "evidence.json")
        for _ in range(3):
            vambrace("record", "-o", path, "--", PROBE, "busy", "400", expect=0)
            with open(path, encoding="utf-8") as file:
                evidence = json.load(file)
            assert denials(evidence) == (0, []), denials(evidence)
            assert evidence["verdict"]["state"] == "complete", evidence["verdict"]
            calls = {call["name"]: call["count"] for process in evidence["processes"]
                     if process["origin"] == "app" for call in process["syscalls"]}
            assert calls["rt_sigreturn"] > 50 and calls["vfork"] > 5, calls


def test_attaching_to_calls_in_flight_shows_no_denials():
    require_probe()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "evidence.json")
        busy = support.start([PROBE, "busy", "60000"])
        for _ in range(5):
            recorder = subprocess.Popen(  # pylint: disable=consider-using-with
                [VAMBRACE, "record", "-o", path, "--pid", str(busy.pid)],
                stdout=subprocess.DEVNULL)
            support.wait_until(lambda: state_exists(recorder), what="attached")
            time.sleep(0.1)
            support.stop(recorder)
            with open(path, encoding="utf-8") as file:
                evidence = json.load(file)
            assert denials(evidence) == (0, []), denials(evidence)
            origins = {process["exe"]: process["origin"] for process in evidence["processes"]}
            assert origins.get(PROBE, "app") == "app", origins
            assert {gap["kind"] for gap in evidence["verdict"]["gaps"]} == {"attached_late"}, (
                evidence["verdict"])
        support.stop(busy, seconds=2)


def state_exists(recorder):
    try:
        return bool(recording_of(recorder))
    except AssertionError:
        return False


if __name__ == "__main__":
    support.main()

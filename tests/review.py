#!/usr/bin/env python3
"""A review of a real recording: what is decided changes the next policy, is told
with its reason, survives another recording, and blocks once it has expired."""

import json
import os
import re
import subprocess

import support
from support import vambrace

# A child that signals, and a socket: a helper, a rare call, something to drop.
WORK = ("import os, signal, socket, subprocess;"
        "signal.signal(signal.SIGUSR1, lambda *a: None);"
        "os.kill(os.getpid(), signal.SIGUSR1);"
        "socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).close();"
        "subprocess.run(['/bin/mkdir', '-p', '/tmp/vambrace-review'], check=True)")
WHO = ("--as", "Ann Example", "--why", "asked in May")


def record(path):
    support.require_root()
    support.require_btf()
    vambrace("record", "-o", path, "--id", "tests/review", "--",
             "/usr/bin/python3", "-S", "-c", WORK, expect=0)
    return path


def bundle_of(folder):
    bundle = os.path.join(folder, "bundle")
    vambrace("synth", record(os.path.join(folder, "a.json")), "-o", bundle,
             "--target", "process", expect=0)
    return bundle


def reviewed(bundle, *words, expect=None):
    done = vambrace("review", bundle, "--json", *words, expect=expect)
    return json.loads(done.out)


def git(folder, *words):
    subprocess.run(["git", "-C", folder, "-c", "user.name=Bob", "-c", "user.email=bob@example.org",
                    *words], check=True, capture_output=True)


def subjects(made):
    return {grant["subject"] for grant in made["grants"]}


def test_a_decision_changes_the_next_policy_and_survives_another_recording():
    folder = support.temp_dir()
    bundle = bundle_of(folder)
    assert {"syscall kill", "syscall socket"} <= subjects(reviewed(bundle))
    manifest = os.path.join(bundle, "bundle.yaml")
    with open(manifest, encoding="utf-8") as file:
        before = file.read().replace("stage:", "# ours to keep\nstage:")
    support.write(manifest, before)

    vambrace("review", bundle, "drop", "syscall socket", *WHO, expect=0)
    vambrace("review", bundle, "keep", "syscall", "kill", *WHO, expect=0)
    with open(manifest, encoding="utf-8") as file:
        assert "# ours to keep\n" in file.read()
    states = {one["what"]: one["state"] for one in reviewed(bundle)["decisions"]}
    assert states == {"syscall socket": "pending", "syscall kill": "pending"}, states

    for evidence in ([], [record(os.path.join(folder, "b.json"))]):
        vambrace("synth", *evidence, "-o", bundle, expect=0)
        made = reviewed(bundle)
        assert "syscall socket" not in subjects(made)
        assert {one["state"] for one in made["decisions"]} == {"applied"}, made["decisions"]
        kept = vambrace("explain", bundle, "kill", expect=0).out
        assert "keep by Ann Example: asked in May" in kept, kept
        dropped = vambrace("explain", bundle, "socket", expect=0).out
        assert "refused" in dropped and "drop\" by Ann Example: asked in May" in dropped, dropped
        # What a person took away is told by replay, not hidden.
        assert "socket" in vambrace("replay", bundle, expect=1).out


def test_an_expired_waiver_blocks():
    bundle = bundle_of(support.temp_dir())
    vambrace("review", bundle, "waive", "syscall ptrace", "--until", "2099-12-31", *WHO, expect=0)
    made = reviewed(bundle, "--fail-on", "none", expect=0)
    assert made["waivers"][0]["state"] == "holds", made["waivers"]

    manifest = os.path.join(bundle, "bundle.yaml")
    with open(manifest, encoding="utf-8") as file:
        text = file.read()
    support.write(manifest, text.replace("2099-12-31", "2020-12-31"))
    made = reviewed(bundle, expect=1)
    blocking = [one for one in made["findings"] if one["id"] == "waiver-expired"]
    assert [one["severity"] for one in blocking] == ["high"], made["findings"]
    assert "waiver-expired" in vambrace("lint", bundle, expect=1).out


def test_everybody_who_decides_at_the_same_time_is_heard():
    bundle = bundle_of(support.temp_dir())
    calls = ["chroot", "read", "write", "kill", "openat", "close", "fork", "vfork"]
    deciding = [subprocess.Popen([support.VAMBRACE, "review", bundle, "keep", f"syscall {call}",
                                  *WHO], stdout=subprocess.DEVNULL) for call in calls]
    assert [one.wait() for one in deciding] == [0] * len(calls)
    with open(os.path.join(bundle, "bundle.yaml"), encoding="utf-8") as file:
        stored = file.read()
    assert all(f"syscall {call}" in stored for call in calls), stored


def test_the_name_is_that_of_git_and_none_is_refused():
    folder = support.temp_dir()
    bundle = bundle_of(folder)
    home = support.temp_dir()
    nobody = {**os.environ, "HOME": home, "GIT_CONFIG_NOSYSTEM": "1", "XDG_CONFIG_HOME": home}
    done = vambrace("review", bundle, "drop", "syscall kill", "--why", "x", expect=2, env=nobody)
    assert "--as" in done.err, done.err
    support.write(os.path.join(home, ".gitconfig"), "[user]\n name = Eve\n email = eve@x.org\n")
    vambrace("review", bundle, "drop", "syscall kill", "--why", "x", expect=0, env=nobody)
    with open(os.path.join(bundle, "bundle.yaml"), encoding="utf-8") as file:
        assert "Eve <eve@x.org>" in file.read()


def test_a_pull_request_is_held_against_a_commit():
    folder = support.temp_dir()
    bundle = bundle_of(folder)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "before")
    vambrace("review", bundle, "--against", "HEAD", expect=0)

    vambrace("review", bundle, "add", "syscall bpf", *WHO, expect=0)
    vambrace("synth", "-o", bundle, expect=0)
    text = vambrace("review", bundle, "--against", "HEAD", "--format", "markdown", expect=1).out
    assert "Allowed now and not before: 1" in text and "syscall bpf" in text, text
    sarif = json.loads(vambrace("review", bundle, "--against", "HEAD", "--format", "sarif",
                                "--fail-on", "none", expect=0).out)
    assert sarif["version"] == "2.1.0"
    new = [one for one in sarif["runs"][0]["results"] if one["baselineState"] == "new"]
    assert any(one["level"] == "error" for one in new), new
    done = vambrace("review", bundle, "--against", "--output=x", expect=2)
    done = vambrace("review", bundle, "--against", "nowhere", expect=2)
    assert "no bundle there" in done.err, done.err


def test_what_is_reachable_is_unknown_without_an_analysis():
    bundle = bundle_of(support.temp_dir())
    made = reviewed(bundle)
    assert made["candidates"] == []
    assert made["coverage"]["calls"]["reachable"] is None
    assert any(gap["kind"] == "no-analysis" for gap in made["gaps"]), made["gaps"]


def test_the_analysis_of_a_program_ranks_what_was_not_seen():
    folder = support.temp_dir()
    bundle = bundle_of(folder)
    reach = os.path.join(folder, "mkdir.json")
    done = vambrace("analyze", "/bin/mkdir", "--json")
    support.write(reach, done.out)
    made = reviewed(bundle, "--reach", reach)
    ranked = [one["subject"] for one in made["candidates"]]
    assert ranked and "syscall mkdir" not in ranked, ranked
    assert all(one["chain"] and one["terms"] for one in made["candidates"])
    # What opens nothing new stands together, and what opens the same, and is one line.
    ranks = [one["rank"] for one in made["candidates"]]
    opens = {}
    for one in made["candidates"]:
        risk = one["risk"]
        opens.setdefault(one["rank"], set()).add("nothing new" if one["opened_by"] else (
            one["granted"], risk["class"], risk["exposes"], tuple(risk["advisories"])))
    assert ranks == sorted(ranks) and ranks[-1] == len(opens) < len(ranks), ranks
    assert all(len(one) == 1 for one in opens.values()), opens
    text = vambrace("review", bundle, "--reach", reach, "--all").out
    first = [subject.split(" ")[1] for subject, rank in zip(ranked, ranks) if rank == 1]
    line = next(one for one in text.splitlines() if one.startswith("   1. "))
    assert all(re.search(rf"\b{name}\b", line) for name in first), (first, line)
    program = [one for one in made["coverage"]["programs"] if one["calls"]["reachable"]]
    assert len(program) == 1, made["coverage"]["programs"]


def test_what_opens_nothing_new_is_added_at_once():
    folder = support.temp_dir()
    bundle = bundle_of(folder)
    reach = os.path.join(folder, "mkdir.json")
    support.write(reach, vambrace("analyze", "/bin/mkdir", "--json").out)
    before = reviewed(bundle, "--reach", reach)
    new = [one["subject"] for one in before["candidates"] if one["opened_by"]]
    allowed = {one["subject"] for one in before["grants"] if not one["limits"]}
    assert new and all(f"syscall {call}" in allowed for one in before["candidates"]
                       for call in one["opened_by"]), before["candidates"]
    done = vambrace("review", bundle, "--reach", reach, "add", "what opens nothing new", *WHO,
                    expect=0)
    assert all(f'"{subject}"' in done.out for subject in new), (new, done.out)
    vambrace("synth", "-o", bundle, expect=0)
    after = reviewed(bundle, "--reach", reach)
    assert not any(one["opened_by"] for one in after["candidates"]), after["candidates"]
    granted = {one["subject"] for one in after["grants"]}
    assert granted == {one["subject"] for one in before["grants"]} | set(new), granted
    with open(os.path.join(bundle, "seccomp.json"), encoding="utf-8") as file:
        names = {name for rule in json.load(file)["syscalls"] if rule["action"] == "SCMP_ACT_ALLOW"
                 for name in rule["names"]}
    assert {subject.split(" ")[1] for subject in new} <= names, names
    # No advisory comes within reach by it.
    within = [{one["id"] for one in made["advisories"] if one["within_reach"]}
              for made in (before, after)]
    assert within[0] == within[1], within
    done = vambrace("review", bundle, "--reach", reach, "add", "what opens nothing new", *WHO,
                    expect=2)
    assert "somebody decided about each" in done.err, done.err


def test_a_root_is_analyzed_for_what_was_recorded_of_it():
    bundle = bundle_of(support.temp_dir())
    done = vambrace("review", bundle, "--json", "--root", "/")
    made = json.loads(done.out)
    assert "analyzed /usr/bin/mkdir in " in done.err, done.err
    reachable = {one["program"]: one["calls"]["reachable"] for one in made["coverage"]["programs"]}
    python = os.path.realpath("/usr/bin/python3")
    assert reachable["/usr/bin/mkdir"] and reachable[python], reachable
    # Our launcher is the runtime's, no program of the workload.
    assert not any(support.VAMBRACE in one["message"] for one in made["findings"]), made["findings"]


if __name__ == "__main__":
    support.main()

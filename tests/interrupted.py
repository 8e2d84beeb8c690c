"""A synth that is killed at any moment: what it leaves is the old bundle, the new
one, or told by every command that reads it, and the next synth repairs all."""

import json
import os
import re
import shutil

import support
from support import VAMBRACE, run, vambrace

EXAMPLE = os.path.join(support.PROJECT, "src/evidence/testdata/example.json")
FOREIGN = ("notes.txt", ".bundle.yaml.swp", ".policy.json.Ab12Cd", "evidence/.x.json.Ab12Cd")
SOURCES = ("bundle.yaml", "CHANGELOG.md")


def evidence(folder):
    """Two recordings; the second one saw another call."""
    with open(EXAMPLE, encoding="utf-8") as file:
        text = file.read()
    document = json.loads(text)
    identity = document["recordings"][0]["id"]
    other = json.loads(text.replace(identity, identity[::-1]))
    for process in other["processes"]:
        call = json.loads(json.dumps(process["syscalls"][0]))
        call["nr"], call["name"] = 157, "prctl"
        call.pop("args", None)
        process["syscalls"].append(call)
    paths = []
    for number, one in enumerate((document, other)):
        paths.append(f"{folder}/{number}.json")
        with open(paths[-1], "w", encoding="utf-8") as file:
            json.dump(one, file)
    return paths


def files_of(folder):
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = file.read()
    return found


def visible(files):
    return {name: data for name, data in files.items()
            if not os.path.basename(name).startswith(".") and name != "CHANGELOG.md"}


def derived(files):
    return {name: data for name, data in visible(files).items()
            if name not in SOURCES and "/" not in name and name not in FOREIGN}


def left(folder):
    return [name for name in files_of(folder) if ".vambrace-" in name]


class World:
    """An old bundle and what a synth makes of it, with everything in one change."""

    def __init__(self):
        self.place = support.temp_dir()
        one, two = evidence(self.place)
        self.old = f"{self.place}/old"
        vambrace("synth", one, "-o", self.old, "--target", "docker", expect=0)
        for name in FOREIGN:
            with open(f"{self.old}/{name}", "w", encoding="utf-8") as file:
                file.write("theirs")
        self.words = [one, two, "--stage", "observe"]
        self.new = self.copy("new")
        self.synth(self.new)
        assert left(self.new) == [], left(self.new)

    def copy(self, name):
        folder = f"{self.place}/{name}"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.old, folder)
        return folder

    def synth(self, folder, *before):
        return run(*before, VAMBRACE, "synth", *self.words, "-o", folder)


def traced(*options):
    return ["strace", "-f", "-qq", "-o", "/dev/null", *options]


def calls_of(world, name):
    """How often a synth makes the call."""
    log = f"{world.place}/log"
    done = world.synth(world.copy("counted"), "strace", "-f", "-qq", "-o", log,
                       "-e", f"trace={name}")
    if not os.path.exists(log):
        support.skip(f"strace cannot trace here: {done.err}")
    with open(log, encoding="utf-8") as file:
        return len(re.findall(rf"\b{name}\(", file.read()))


def state_of(world, folder):
    """What the derived files are, and whether anything is told."""
    now, old, new = (derived(files_of(one)) for one in (folder, world.old, world.new))
    return "old" if now == old else "new" if now == new else "mixed"


def check_told(folder):
    """An error of a bundle whose parts do not fit names the cure, too."""
    lint = vambrace("lint", folder)
    assert lint.code == 1 and "synth-interrupted" in lint.out, lint
    replay = vambrace("replay", folder)
    assert f"vambrace synth -o {folder}" in replay.out + replay.err, replay
    assert replay.code == 2 or (
        replay.code == 1 and "by a synth that was interrupted" in replay.out), replay
    review = vambrace("review", folder)
    assert review.code == 2 or (
        review.code == 1 and "synth-interrupted" in review.out), review
    assert "vambrace synth -o" in review.out + review.err, review


def check_repaired(world, folder):
    done = world.synth(folder)
    assert done.code == 0, done
    assert visible(files_of(folder)) == visible(files_of(world.new))
    assert left(folder) == [], left(folder)
    for name in FOREIGN:
        assert os.path.exists(f"{folder}/{name}"), name
    vambrace("replay", folder, expect=0)


def test_a_kill_at_each_step_leaves_old_new_or_what_is_told():
    """Before each file is durable, before each is renamed, before each folder is."""
    support.require_program("strace")
    world = World()
    seen = {}
    for call in ("fchmod", "fsync", "rename"):
        count = calls_of(world, call)
        assert count >= 10, (call, count)
        for number in range(1, count + 1):
            folder = world.copy("killed")
            done = world.synth(folder, *traced("-e", f"inject={call}:signal=KILL:when={number}"))
            assert done.code != 0, (call, number, done)
            now, old, new = (files_of(one) for one in (folder, world.old, world.new))
            for name, data in visible(now).items():
                assert data in (old.get(name), new.get(name)), (call, number, name)
            state = state_of(world, folder)
            seen[state] = seen.get(state, 0) + 1
            if state == "mixed":
                assert left(folder), (call, number)
            if left(folder):
                check_told(folder)
            else:
                assert state == "new", (call, number)
            check_repaired(world, folder)
    print("kills by what they left:", seen)
    assert set(seen) == {"old", "new", "mixed"}, seen


def test_the_first_synth_killed_at_each_rename_leaves_no_bundle_or_what_is_told():
    support.require_program("strace")
    world = World()
    whole = f"{world.place}/first"
    world.synth(whole)
    number, code = 0, 1
    while code != 0:
        number += 1
        folder = f"{world.place}/killed"
        shutil.rmtree(folder, ignore_errors=True)
        code = world.synth(folder, *traced("-e", f"inject=rename:signal=KILL:when={number}")).code
        if code != 0:
            assert vambrace("lint", folder).code != 0, number
            done = vambrace("replay", folder)
            assert done.code != 0 and "vambrace synth" in done.out + done.err, done
            assert world.synth(folder).code == 0
        assert visible(files_of(folder)) == visible(files_of(whole)), number
        assert left(folder) == [], left(folder)
    assert number > 10, number


def test_whoever_is_asked_to_end_while_it_renames_ends_when_it_is_done():
    support.require_program("strace")
    world = World()
    for signal in ("INT", "TERM", "HUP"):
        folder = world.copy("asked")
        world.synth(folder, *traced("-e", f"inject=rename:signal={signal}:when=4"))
        assert visible(files_of(folder)) == visible(files_of(world.new)), signal
        assert left(folder) == [], (signal, left(folder))


def test_evidence_that_a_killed_synth_was_given_is_missed():
    """Nothing but the leftover tells that there was to be more."""
    support.require_program("strace")
    world = World()
    folder = world.copy("killed")
    world.synth(folder, *traced("-e", "inject=rename:signal=KILL:when=1"))
    assert any(name.startswith("evidence/") for name in left(folder)), left(folder)
    done = vambrace("synth", "-o", folder, expect=0)
    assert "synth was interrupted before 1 evidence file was in the bundle" in done.out, done
    assert left(folder) == [], left(folder)
    assert "interrupted" not in vambrace("synth", "-o", folder, expect=0).out


if __name__ == "__main__":
    support.main()

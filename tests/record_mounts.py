"""Mounts, and looks into other processes: recorded by both ways, here and on Linux 6.1, and held by
the AppArmor profile that is made of them.

The profile lets the same program do the same without a denial; other mounts, and looking into a
process outside, are refused and in the kernel's log. Without the profile all of it succeeds.
"""

import json
import os

import confined
import mounting
import record_counts
import support
import vm

SCRIPT = confined.SHELL + r"""
mkdir -p /place/work
sleep 1000 & export OTHER=$!
mkdir -p /victim/folder /victim/mount
mount -t tmpfs victim /victim/mount && mkdir /victim/mount/put
for way in hooks calls; do
  mkdir -p /place/$way
  say $way-record vambrace record --file-probe $way -o /tmp/$way.json -- /usr/bin/python3 -S /w/work.py work /place/$way
  say $way cat /tmp/$way.json
done
say record vambrace record -o /tmp/e.json -- /usr/bin/python3 -S /w/work.py work /place/work
say light vambrace record --light -o /tmp/l.json -- /usr/bin/python3 -S /w/work.py work /place/work
say light-evidence cat /tmp/l.json
"""


def _boot():
    return vm.boot(SCRIPT, files={"/w/work.py": mounting.WORK.encode()},
                   programs=["apparmor_parser"], folders=["/etc/apparmor.d/abi"], apparmor=True,
                   image=True, timeout=550)


machine = vm.once(_boot)


def recorded(way):
    said = machine()
    assert said[f"{way}-record"].code in (0, 1), said[f"{way}-record"]
    return json.loads(said[way].out)


def probes(evidence):
    found = evidence["recordings"][0]["probes"]
    return found.get("mounts"), found.get("traces")


def expect_mounts(evidence, folder):
    found = mounting.mounts(evidence, folder)
    assert found == mounting.MOUNTS, (sorted(map(str, found - mounting.MOUNTS)),
                                      sorted(map(str, mounting.MOUNTS - found)))
    assert record_counts.kinds(evidence) == set(), evidence["verdict"]


def test_mounts_and_traces_are_recorded_by_calls_here():
    folder = os.path.realpath(support.temp_dir())
    script = support.write(os.path.join(support.temp_dir(), "work.py"), mounting.WORK)
    place = os.path.join(folder, "place")
    os.mkdir(place)
    evidence = record_counts.record("--file-probe", "calls",
                                    command=["/usr/bin/python3", "-S", script, "work", place])
    expect_mounts(evidence, place)
    assert probes(evidence) == ("tp_btf/sys_exit", "tp_btf/sys_exit"), probes(evidence)
    python = os.path.realpath("/usr/bin/python3")
    assert mounting.traces(evidence) == {("trace", python)}, mounting.traces(evidence)


def test_both_ways_see_the_same_mounts_on_linux_6_1():
    for way, probe in (("hooks", "lsm/sb_mount"), ("calls", "tp_btf/sys_exit")):
        evidence = recorded(way)
        expect_mounts(evidence, f"/place/{way}")
        assert probes(evidence)[0] == probe, probes(evidence)


def test_hooks_alone_see_who_reads_files_of_another_process():
    python = {exe for exe in (process["exe"] for process in recorded("hooks")["processes"])
              if "python" in exe}.pop()
    assert mounting.traces(recorded("hooks")) == {("trace", python), ("read", python)}
    assert mounting.traces(recorded("calls")) == {("trace", python)}


def test_a_light_recording_says_that_it_did_not_watch():
    assert probes(json.loads(machine()["light-evidence"].out)) == (None, None)


if __name__ == "__main__":
    support.main()

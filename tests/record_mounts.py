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
say synth vambrace synth /tmp/e.json -o /tmp/b --target process --json
# No pattern stands for the environment of any process unless a person says so.
sed -i -e '/^waivers:/d' -e '/^decisions:/d' /tmp/b/bundle.yaml
cat >>/tmp/b/bundle.yaml <<'end'
decisions:
  - what: file /proc/@{pid}/environ r
    choice: add
    who: test
    why: that of its child
waivers:
  - what: capability SYS_ADMIN
    who: test
    why: it mounts
    until: 2999-12-31
end
say synth-waived vambrace synth -o /tmp/b --json
cp -r /tmp/b /tmp/more
sed -i 's/^stage: .*/stage: observe/' /tmp/more/bundle.yaml
say synth-observe vambrace synth -o /tmp/more
say profile cat /tmp/b/apparmor.profile
say replay vambrace replay /tmp/b
say load vambrace apparmor load /tmp/b
say load-observe vambrace apparmor load /tmp/more
say before denials
say again /start nnp $(name_of /tmp/b) /usr/bin/python3 -S /w/work.py work /place/work
say after denials
say control /usr/bin/python3 -S /w/work.py attack /place/work
say observed /start nnp $(name_of /tmp/more) /usr/bin/python3 -S /w/work.py attack /place/work
say still denials
say attacked /start nnp $(name_of /tmp/b) /usr/bin/python3 -S /w/work.py attack /place/work
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


def refused():
    bears = confined.name_in(machine()["profile"].out)
    return [one for one in machine().apparmor("DENIED") if one["profile"] == bears]


def test_the_profile_allows_what_was_recorded():
    said = machine()
    for name in ("record", "synth", "synth-waived", "synth-observe", "replay", "load",
                 "load-observe"):
        assert said[name].code == 0, said[name]
    assert said["again"].code == 0 and said["again"].out == "worked\n", (said["again"], refused())
    assert said["after"].out == said["before"].out, refused()


def test_each_rule_names_what_was_mounted_where():
    lines = [line.strip() for line in machine()["profile"].out.splitlines()]
    found = {line for line in lines if line.startswith(("mount", "remount", "umount", "pivot"))}
    assert found == {
        'mount fstype=tmpfs options=(nosuid, rw) "tmpfs" -> /place/work/tree/,',
        'mount fstype=tmpfs options=(rw) "" -> /place/work/root/,',
        "mount options=(bind) /place/work/file -> /place/work/onto,",
        "mount options=(rbind) /place/work/source/ -> /place/work/bound/,",
        "mount options=(move) /place/work/tree/ -> /place/work/moved/,",
        "mount options=(private) -> /place/work/tree/,",
        "mount options=(shared) -> /place/work/tree/,",
        "mount options=(rprivate) -> /,",
        "remount options=(nosuid, ro) /place/work/tree/,",
        "umount /place/work/onto,", "umount /place/work/bound/,", "umount /put/,",
        "pivot_root oldroot=/place/work/root/put/ /place/work/root/,"}, sorted(found)
    name = confined.name_in(machine()["profile"].out)
    traced = {line for line in lines if line.startswith("ptrace")}
    assert traced == {f'ptrace (read, trace) peer="{name}",',
                      f'ptrace (readby, tracedby) peer="{name}",',
                      f'ptrace (read) peer="{name}",', f'ptrace (readby) peer="{name}",'}, traced


def test_other_mounts_and_looks_outside_are_refused_and_logged():
    said = machine()
    for name in ("control", "observed"):
        found = confined.outcomes(said, name)
        assert len(found) == 13 and set(found.values()) == {"done"}, (name, found, said[name])
    assert said["still"].out == said["after"].out, said["still"]
    found = confined.outcomes(said, "attacked")
    assert len(found) == 13 and set(found.values()) == {"refused"}, (found, said["attacked"])
    logged = {(one["operation"], one.get("name") or one.get("denied_mask")) for one in refused()}
    assert logged >= {
        ("mount", "/place/work/tree/"), ("mount", "/victim/folder/"),
        ("mount", "/place/work/bound/"), ("mount", "/place/work/onto"),
        ("mount", "/victim/mount/"), ("mount", "/"), ("mount", "/place/work/moved/"),
        ("umount", "/victim/mount/"), ("pivotroot", "/victim/mount/"),
        ("ptrace", "trace"), ("ptrace", "read")}, sorted(map(str, logged))


if __name__ == "__main__":
    support.main()

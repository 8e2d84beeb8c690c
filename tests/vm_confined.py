"""From a recording to an AppArmor profile that fits and holds, in a kernel that has AppArmor.

A Python program with a database in SQLite, a temporary file, numbered files, a helper and a child
that it signals is recorded in the machine. The profile that synth makes is loaded and enforced: the same load
passes without one denial; attacks out of the same program are refused and appear in the kernel's
log; without a profile, and in complain mode, they all succeed. What a profile with one rule less is
refused is what replay said; so is what people drop from under a wider rule, and nothing beside it,
while complain mode logs and allows it. tests/vm_workloads.py has more workloads.

Nothing was added to a policy by hand. Unix rules are not mediated by this kernel.
"""

import re

import confined
import confined_python
import support
import vm

SCRIPT = confined.SHELL + r"""
mkdir -p /var/lib/work /victim /www
sleep 1000 & export OTHER=$!
victims() {
  umount /victim/mount 2>/dev/null; rm -rf /victim /tmp/dropped /www/new.html
  mkdir -p /victim/mount
  for name in removed old mode owner cut library; do echo x >/victim/$name; done
}
load_work() { "$@" python3 -S /w/work.py work; }

say record vambrace record -o /tmp/work.json -- python3 -S /w/work.py work
say synth vambrace synth /tmp/work.json -o /tmp/flat --target process --json
cp -r /tmp/flat /tmp/more
cp -r /tmp/flat /tmp/apart
sed -i 's/^target: process/target:\n  name: process\n  no_new_privs: false/' /tmp/apart/bundle.yaml
say synth-apart vambrace synth -o /tmp/apart
sed 's/^stage: .*/stage: observe/' -i /tmp/more/bundle.yaml
say synth-observe vambrace synth -o /tmp/more
say replay vambrace replay /tmp/flat
for kind in flat apart more; do
  say profile-$kind cat /tmp/$kind/apparmor.profile
  say load-$kind vambrace apparmor load /tmp/$kind
done

say before denials
say work-flat /start nnp $(name_of /tmp/flat) python3 -S /w/work.py work
say work-apart /start free $(name_of /tmp/apart) python3 -S /w/work.py work
say after denials
say apart-nnp /start nnp $(name_of /tmp/apart) python3 -S /w/work.py work
say then denials
victims
say control python3 -S /w/work.py attack
victims
say work-more /start free $(name_of /tmp/more) python3 -S /w/work.py work
say observed /start free $(name_of /tmp/more) python3 -S /w/work.py attack
say still denials
victims
say attacked /start nnp $(name_of /tmp/flat) python3 -S /w/work.py attack
victims
say attacked-apart /start free $(name_of /tmp/apart) python3 -S /w/work.py attack
say explain vambrace explain /tmp/apart /etc/shadow r

# --- One rule less
without words /tmp/flat nnp 'file /w/words r' load_work
without sort /tmp/flat nnp 'file /usr/bin/sort x' load_work
without lock /tmp/flat nnp 'file /var/lib/work/data.db k' load_work
without status /tmp/flat nnp 'file /proc/@{pid}/status r' load_work
without term /tmp/flat nnp 'signal term' load_work
without inet /tmp/flat nnp 'network inet stream' load_work

# --- Dropped from under a wider rule
cp -r /tmp/flat /tmp/dropped
for what in 'part-2 r' 'part-3 w'; do
  say drop-${what% *} vambrace review /tmp/dropped drop "file /var/lib/work/$what" \
    --why 'for others' --as 'Ann Example'
done
cp -r /tmp/dropped /tmp/dropped-more
sed -i 's/^stage: .*/stage: observe/' /tmp/dropped-more/bundle.yaml
missed parts /tmp/dropped nnp load_work
say parts-profile cat /tmp/dropped/apparmor.profile
say parts-review vambrace review /tmp/dropped --json
say parts-lint vambrace lint /tmp/dropped
missed observed-parts /tmp/dropped-more nnp load_work
"""


def _boot():
    files = {"/w/work.py": confined_python.WORK.encode(), "/w/words": b"b\na\n"}
    return vm.boot(SCRIPT, files=files, programs=["apparmor_parser"],
                   folders=["/etc/apparmor.d/abi"], apparmor=True, image=True,
                   timeout=700)


machine = vm.once(_boot)


def test_a_program_with_helpers_works_with_and_without_no_new_privs():
    said = machine()
    for name in ("record", "synth", "synth-apart", "synth-observe", "replay", "load-flat",
                 "load-apart", "load-more"):
        assert said[name].code == 0, said[name]
    for name, rule in (("profile-flat", "/usr/bin/sort r?ix,"),
                       ("profile-apart", "/usr/bin/sort r?cx -> sort,")):
        assert re.search(rule, said[name].out), said[name].out
    for name in ("work-flat", "work-apart"):
        assert said[name].code == 0 and said[name].out == "worked\n", said[name]
    assert said["after"].out == said["before"].out, [
        (one["profile"], one.get("operation"), one.get("name"), one.get("denied_mask"))
        for one in said.apparmor("DENIED")]
    # The kernel refuses to change the profile under no_new_privs: why the other one is flat.
    assert said["apart-nnp"].code != 0, said["apart-nnp"]
    assert "PermissionError" in said["apart-nnp"].err, said["apart-nnp"]


def test_attacks_succeed_without_a_profile_and_in_complain_mode():
    said = machine()
    for name in ("control", "observed"):
        found = confined.outcomes(said, name)
        assert len(found) >= 25 and set(found.values()) == {"done"}, (name, found, said[name])
    assert said["work-more"].out == "worked\n", said["work-more"]
    assert said["still"].out == said["then"].out, said["still"]
    assert said.apparmor("ALLOWED"), "nothing was logged in complain mode"


def test_attacks_are_refused_under_the_profile_and_logged():
    said = machine()
    for name, profile in (("attacked", "profile-flat"), ("attacked-apart", "profile-apart")):
        found = confined.outcomes(said, name)
        assert len(found) >= 25 and set(found.values()) == {"refused"}, (name, found, said[name])
        bears = re.search(r"^profile (\S+)", said[profile].out, re.MULTILINE)[1]
        logged = [one for one in said.apparmor("DENIED") if one["profile"] == bears]
        names = {one.get("name") for one in logged}
        for path in ("/etc/shadow", "/root/", "/www/new.html", "/w/work.py", "/victim/removed",
                     "/victim/old", "/victim/hard", "/victim/folder/", "/victim/device",
                     "/victim/mode", "/victim/owner", "/victim/cut", "/victim/library",
                     "/victim/mount/", "/usr/bin/dash", "/dev/nvme0n1",
                     "/proc/sys/kernel/core_pattern"):
            assert path in names, (path, sorted(str(each) for each in names))
        kinds = {one.get("operation") for one in logged}
        for kind in ("create", "ptrace", "signal", "mount", "capable"):
            assert kind in kinds, (kind, sorted(kinds))
        assert len(logged) >= 25, len(logged)
    assert ": refused" in said["explain"].out, said["explain"]


def test_replay_names_what_the_kernel_then_refuses():
    said = machine()
    for name, what in (("words", "file /w/words"), ("sort", "file /usr/bin/sort"),
                       ("lock", "file /var/lib/work/data.db"), ("status", "file /proc/PID/status"),
                       ("term", "signal term"), ("inet", "socket inet stream")):
        found = confined.refused(said, name)
        assert set(found) == {what}, (name, found, said[f"missed-{name}"])
        assert confined.predicted(said, name) == found, (confined.predicted(said, name), found)


def test_what_is_dropped_from_under_a_wider_rule_is_refused_and_nothing_else():
    said = machine()
    assert said["drop-part-2"].code == said["drop-part-3"].code == 0, said["drop-part-2"]
    profile = said["parts-profile"].out
    for rule in (r"/var/lib/work/part-@\{number\} \S+,", r"audit deny /var/lib/work/part-2 r,",
                 r"audit deny /var/lib/work/part-3 w,"):
        assert re.search(rule, profile), (rule, profile)
    assert said["missed-parts"].out == (
        "2 rb Permission denied\n3 ab Permission denied\nworked\n"), said["missed-parts"]
    found = confined.refused(said, "parts")
    assert found == {"file /var/lib/work/part-2": {"r"}, "file /var/lib/work/part-3": {"w"}}, found
    assert confined.predicted(said, "parts") == found, confined.predicted(said, "parts")
    states = [one["state"] for one in said["parts-review"].json()["decisions"]]
    assert states == ["applied", "applied"], said["parts-review"].json()["decisions"]


def test_in_complain_mode_what_is_dropped_is_logged_and_allowed():
    said = machine()
    assert said["missed-observed-parts"].out == "worked\n", said["missed-observed-parts"]
    found = confined.refused(said, "observed-parts", "ALLOWED")
    assert found == confined.refused(said, "parts"), found
    assert confined.predicted(said, "observed-parts") == found
    assert not confined.refused(said, "observed-parts"), said["missed-observed-parts"]


if __name__ == "__main__":
    support.main()

"""run, verify and attest with the AppArmor layer, in a kernel that has it.

One program is recorded, a Python one with a helper. `verify` then runs it under its profile:
what it did is not refused; one file more is, and is named; where the profile only complains or is
switched off, the same file is read. `run` starts it under the profile, and `attest` tells that
label from another one. What was loaded for a run is taken out again, and nothing else. The same
with a container of runc, whose target says that its hosts have AppArmor.
"""

import json
import os
import re

import support
import vm
from support import vambrace, write

WORK = r"""
import subprocess, sys


def work():
    with open("/w/words", "rb") as file:
        file.read()
    with open("/var/lib/work/data", "ab") as file:
        file.write(b"x")
    subprocess.run(["/usr/bin/sort", "/w/words"], check=True, stdout=subprocess.PIPE)
    sys.stdin.read()


for word in sys.argv[1:]:
    if word == "work":
        work()
        print("worked", flush=True)
        continue
    if word == "storm":
        for _ in range(500):
            try:
                open("/w/secret", "rb").close()
            except OSError:
                pass
        continue
    try:
        with open(word, "rb") as file:
            file.read()
        print(word, "read", flush=True)
    except OSError as error:
        print(word, error.strerror, flush=True)
"""

SCRIPT = r"""
export PYTHONDONTWRITEBYTECODE=1
mkdir -p /var/lib/work
name_of() { sed -n 's/^profile \([^ ]*\) .*/\1/p' $1/apparmor.profile; }
# A driver as people have them: the program's output goes into a file.
cat >/drive <<'end'
#!/bin/sh
python3 -S /w/work.py "$@" </dev/null >/tmp/output 2>&1
status=$?
cat /tmp/output
exit $status
end
# Without capabilities the launcher cannot take its cover off the program.
cat >/drive-weak <<'end'
#!/bin/sh
setpriv --bounding-set=-all python3 -S /w/work.py /w/words </dev/null
end
variant() { cp -r /tmp/work $1; sed -i "s/^target: process/target: {name: process, $2}/" $1/bundle.yaml; }

say record vambrace record -o /tmp/work.json -- python3 -S /w/work.py work </dev/null
say synth vambrace synth /tmp/work.json -o /tmp/work --target process
variant /tmp/apart 'no_new_privs: false'
say synth-apart vambrace synth -o /tmp/apart
variant /tmp/off 'apparmor: false'
say synth-off vambrace synth -o /tmp/off

printf 'profile other { }\n' >/tmp/other
say load-other vambrace apparmor load /tmp/other
say verify vambrace verify /tmp/work --json -- sh /drive work
say verify-apart vambrace verify /tmp/apart --json -- sh /drive work
say verify-weak vambrace verify /tmp/work --json -- sh /drive-weak
say verify-more vambrace verify /tmp/work --json -- sh /drive work /w/secret
say verify-more-text vambrace verify /tmp/work -- sh /drive work /w/secret /w/secret
say verify-storm vambrace verify /tmp/work --json -- sh /drive storm
say verify-observe vambrace verify /tmp/work --stage observe --json -- sh /drive work /w/secret
say verify-off vambrace verify /tmp/off --json -- sh /drive work /w/secret
say loaded-after-verify vambrace apparmor status --json

say run vambrace run /tmp/work -- sh -c 'read word </w/secret || exit 7'
say run-work vambrace run /tmp/work -- python3 -S /w/work.py work /w/secret </dev/null
say name name_of /tmp/work
tail -f /dev/null | vambrace run /tmp/work -- python3 -S /w/work.py work & under=$!
tail -f /dev/null | vambrace run /tmp/off -- python3 -S /w/work.py work & free=$!
# Both sleep in reading what never comes.
for pid in $under $free; do
  while [ -e /proc/$pid/syscall ] && ! grep -q '^0 0x0 ' /proc/$pid/syscall; do sleep 0.1; done
done
say attest vambrace attest /tmp/work --pid $under
say attest-json vambrace attest /tmp/work --pid $under --json
say attest-free vambrace attest /tmp/work --pid $free --json
say attest-off vambrace attest /tmp/off --pid $free
say verify-beside vambrace verify /tmp/work --json -- sh /drive work
say loaded-after-run vambrace apparmor status --json
say nobody setpriv --reuid=33 --regid=33 --clear-groups vambrace run /tmp/work -- cat /w/secret
kill $under $free

# --- A container of runc
for bundle in /oci /oci-more; do
  mkdir -p $bundle/rootfs/bin $bundle/rootfs/data $bundle/rootfs/proc $bundle/rootfs/dev $bundle/rootfs/sys
  cp /bin/busybox $bundle/rootfs/bin/cat
  echo words >$bundle/rootfs/data/words; echo secret >$bundle/rootfs/data/secret
done
say record-runc vambrace record -o /tmp/runc.json --container web -- runc run --bundle /oci web
say synth-runc vambrace synth /tmp/runc.json -o /tmp/runc --target runc
say verify-unsaid vambrace verify /tmp/runc --workload web --json -- sh -c 'runc run --bundle /oci-more web'
sed -i 's/^target: runc/target: {name: runc, apparmor: true}/' /tmp/runc/bundle.yaml
say synth-runc-true vambrace synth -o /tmp/runc
say verify-runc vambrace verify /tmp/runc --workload web --json -- sh -c 'runc run --bundle /oci web'
say verify-runc-more vambrace verify /tmp/runc --workload web --json -- sh -c 'runc run --bundle /oci-more web'
say run-runc vambrace run /tmp/runc -- runc run --bundle /oci-more web
say free-runc runc run --bundle /oci-more web
say loaded-after-runc vambrace apparmor status --json
"""


def oci_config(*words):
    folder = support.temp_dir()
    assert support.run("runc", "spec", "--bundle", folder).code == 0
    with open(f"{folder}/config.json", encoding="utf-8") as file:
        config = json.load(file)
    config["process"]["terminal"] = False
    config["process"]["args"] = list(words)
    return json.dumps(config).encode()


def _boot():
    support.require_program("runc")
    files = {"/w/work.py": WORK.encode(), "/w/words": b"b\na\n", "/w/secret": b"s\n",
             "/oci/config.json": oci_config("/bin/cat", "/data/words"),
             "/oci-more/config.json": oci_config("/bin/cat", "/data/words", "/data/secret")}
    return vm.boot(SCRIPT, files=files, programs=["apparmor_parser", "runc"],
                   folders=["/etc/apparmor.d/abi"], apparmor=True, image=True, timeout=600)


machine = vm.once(_boot)


def accesses(denials):
    return {(one["operation"], one["name"]) for one in denials if one["kind"] == "apparmor"}


def test_a_load_passes_verify_under_its_profile():
    said = machine()
    for name in ("record", "synth", "synth-apart", "synth-off"):
        assert said[name].code == 0, said[name]
    for name in ("verify", "verify-apart", "verify-weak"):
        verdict = said[name].json()
        assert said[name].code == 0 and verdict["holds"], said[name]
        assert verdict["confined"] == 1 and verdict["losses"] == [], verdict
        assert verdict["apparmor"]["profile"].startswith("python3-"), verdict
        assert verdict["apparmor"]["unproved"] == verdict["apparmor"]["kept"] == "", verdict


def test_an_access_beyond_the_profile_fails_verify_and_is_named():
    said = machine()
    verdict = said["verify-more"].json()
    assert said["verify-more"].code == 1 and not verdict["holds"], said["verify-more"]
    # The program copes: nothing but the kernel's own word tells it.
    assert verdict["status"] == 0 and verdict["failures"] == [], verdict
    assert accesses(verdict["denials"]) == {("open", "/w/secret")}, verdict
    assert "Permission denied" in said["verify-more"].err, said["verify-more"]
    text = said["verify-more-text"]
    assert text.code == 1, text
    assert re.search(r"^denied +open of /w/secret for r refused 2 times in python3", text.out,
                     re.MULTILINE), text


def test_every_denial_of_many_is_counted_or_told_as_lost():
    said = machine()
    verdict = said["verify-storm"].json()
    assert said["verify-storm"].code == 1 and not verdict["holds"], verdict
    count = sum(one["count"] for one in verdict["denials"] if one["name"] == "/w/secret")
    lost = sum(int(loss.split()[0]) for loss in verdict["losses"] if loss[0].isdigit())
    assert count > 0 and count + lost == 500, verdict


def test_where_the_profile_complains_or_is_off_nothing_is_refused():
    said = machine()
    observed = said["verify-observe"].json()
    assert said["verify-observe"].code == 0, said["verify-observe"]
    assert ("open", "/w/secret") in accesses(observed["expected_denials"]), observed
    assert observed["denials"] == [], observed
    off = said["verify-off"].json()
    assert said["verify-off"].code == 0 and "/w/secret read" in said["verify-off"].err, off
    assert off["apparmor"]["profile"] == "" and "false" in off["apparmor"]["unproved"], off


def test_what_was_loaded_for_a_run_goes_and_nothing_else():
    said = machine()
    names = {one["name"] for one in said["loaded-after-verify"].json()["profiles"]}
    assert names == {"other"}, names
    # The program that `run` became still runs; a trial beside it takes out its own alone.
    assert said["verify-beside"].code == 0, said["verify-beside"]
    names = {one["name"] for one in said["loaded-after-run"].json()["profiles"]}
    assert names == {"other", said["name"].out.strip()}, names


def test_run_starts_a_program_under_the_profile():
    said = machine()
    # Whatever is started by who is free, starts; it may do no more than the profile says.
    assert said["run"].code == 7, said["run"]
    assert "stays so until" in said["run"].err, said["run"]
    done = said["run-work"]
    assert done.code == 0 and done.out == "worked\n/w/secret Permission denied\n", done
    # Who may not load it uses what root has loaded.
    nobody = said["nobody"]
    assert nobody.out == "" and "/w/secret: Permission denied" in nobody.err, nobody


def test_attest_tells_the_label():
    said = machine()
    name = said["name"].out.strip()
    assert said["attest"].code == 0, said["attest"]
    assert f"AppArmor: compared with {name} (enforce)" in said["attest"].out, said["attest"]
    assert said["attest-json"].json()["apparmor"]["profile"] == name, said["attest-json"]
    free = said["attest-free"].json()
    assert said["attest-free"].code == 1, said["attest-free"]
    assert {finding["id"] for finding in free["findings"]} == {"apparmor"}, free
    assert "unconfined" in free["findings"][0]["message"], free
    assert said["attest-off"].code == 0, said["attest-off"]
    assert "not compared: bundle.yaml says apparmor: false" in said["attest-off"].out


def test_a_container_of_runc_runs_under_the_profile_where_its_target_says_so():
    said = machine()
    unsaid = said["verify-unsaid"].json()
    assert said["verify-unsaid"].code == 0, said["verify-unsaid"]
    assert "does not say apparmor: true" in unsaid["apparmor"]["unproved"], unsaid
    verdict = said["verify-runc"].json()
    assert said["verify-runc"].code == 0 and verdict["confined"] == 1, said["verify-runc"]
    assert verdict["apparmor"]["profile"].startswith("web-"), verdict
    more = said["verify-runc-more"].json()
    assert said["verify-runc-more"].code == 1, said["verify-runc-more"]
    assert accesses(more["denials"]) == {("open", "/data/secret")}, more
    assert said["run-runc"].out == "words\n" and said["run-runc"].code == 1, said["run-runc"]
    assert said["free-runc"].out == "words\nsecret\n", said["free-runc"]
    after = said["loaded-after-runc"].json()["profiles"]
    assert not [one for one in after if one["name"].startswith("web-")], after


def test_a_host_without_apparmor_is_said_to_have_none():
    support.require_root()
    support.require_btf()
    if os.path.exists("/sys/module/apparmor"):
        support.skip("this host may have AppArmor")
    folder = support.temp_dir()
    place = write(f"{folder}/file", "x\n")
    drive = write(f"{folder}/drive", f"cat {place} >/dev/null\n")
    vambrace("record", "-o", f"{folder}/e.json", "--workload", "/bin/cat", "--", "sh", drive,
             expect=0)
    bundle = f"{folder}/bundle"
    vambrace("synth", f"{folder}/e.json", "-o", bundle, "--target", "process", expect=0)
    verdict = vambrace("verify", bundle, "--json", "--", "sh", drive, expect=0).json()
    assert verdict["apparmor"]["unproved"] == "this kernel runs without AppArmor", verdict
    text = vambrace("verify", bundle, "--", "sh", drive, expect=0).out
    assert "unproved  AppArmor: this kernel runs without AppArmor\n" in text, text
    ran = vambrace("run", bundle, "--", "cat", place, expect=0)
    assert ran.out == "x\n" and "is not in force: this kernel" in ran.err, ran
    # Where bundle.yaml says that there is one, nothing is started with less.
    with open(f"{bundle}/bundle.yaml", encoding="utf-8") as file:
        yaml = file.read().replace("target: process", "target: {name: process, apparmor: true}")
    write(f"{bundle}/bundle.yaml", yaml)
    vambrace("synth", "-o", bundle, expect=0)
    for words in (["run", bundle, "--", "cat", place], ["verify", bundle, "--", "sh", drive]):
        done = vambrace(*words)
        assert done.code == 4 and "runs without AppArmor" in done.err, done


if __name__ == "__main__":
    support.main()

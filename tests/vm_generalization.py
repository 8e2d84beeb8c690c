"""The profile of two recordings is enforced on a third run, in a kernel that has AppArmor.

Workloads of tests/generalization.py: programs with temporary files, workers and rotated logs, and
redis. Two runs of each are recorded in the machine; the third, with other process ids, temporary
names, worker counts and rotations, runs under what synth makes of the two and is denied nothing.
The control: with one pattern made literal again, the names that were seen for it, the same run is
denied.
"""

import re

import confined
import generalization
import support
import vm

FOLDER = "/var/lib/names"

# A pattern, and the names that it is made of.
PATTERNS = {
    "programs": (f"{FOLDER}/worker-@{{number}}.log", rf"{FOLDER}/worker-\d+\.log"),
    # Not the names that it saves by: it will not end then.
    "redis": (f"{FOLDER}/temp-rewriteaof-bg-@{{number}}.aof",
              rf"{FOLDER}/temp-rewriteaof-bg-\d+\.aof"),
}

# literal BUNDLE PATTERN NAMES EVIDENCE...: decisions that put the names that were seen, told by a
# regular expression, in the place of the pattern.
LITERAL = r"""
import json, re, sys
bundle, pattern, names, *evidence = sys.argv[1:]


def decide(choice, path, access):
    what = json.dumps(f"file {path} {access}")
    print(f"  - what: {what}\n    choice: {choice}\n    who: ann\n    why: as it was seen")


print("decisions:")
with open(f"{bundle}/policy.json") as file:
    for access in {rule["access"] for rule in json.load(file)["files"]
                   if rule["pattern"] == pattern}:
        decide("drop", pattern, access)
seen = {}
for one in evidence:
    with open(one) as file:
        for process in json.load(file)["processes"]:
            for fact in process["files"]:
                if re.fullmatch(names, fact["path"]):
                    seen.setdefault(fact["path"], set()).update(fact["access"])
for path, access in sorted(seen.items()):
    decide("add", path, "".join(sorted(access - {"i"})))
"""

SCRIPT = confined.SHELL + r"""
folder=%(folder)s
mkdir -p /under /evidence
printf '#!/bin/sh\nexec $START %%s "$@"\n' $(which redis-server) >/under/redis-server
chmod 755 /under/*
# The folder as each run finds it.
fresh() {
  rm -rf $folder; mkdir -p $folder
  if [ $1 = programs ]; then
    mkdir $folder/spool; echo x >$folder/words
    seq 60000 | awk '{ printf "%%09d\n", $1 * 7919 %% 100003 }' >$folder/numbers
  fi
}
# drive NAME RUN: what runs as $START says is the workload.
drive() {
  fresh $1
  if [ $1 = programs ]; then $START /usr/bin/python3 /drive/$1 $folder $2 7006
  else PATH=/under:$PATH timeout 100 /usr/bin/python3 /drive/$1 $folder $2 7006; fi
}
# enforced ID NAME NNP BUNDLE: the third run under the bundle.
enforced() {
  export START="/start $3 $(name_of $4)"
  say before-$1 denials
  say run-$1 drive $2 3
  say after-$1 denials
  START=
}
for name in programs redis; do
  of=; test $name = redis && of="--workload $(readlink -f /usr/bin/redis-server)"
  for run in 1 2; do
    fresh $name
    say record-$name-$run vambrace record -o /evidence/$name-$run.json $of -- \
      /usr/bin/python3 /drive/$name $folder $run 7006
  done
  evidence="/evidence/$name-1.json /evidence/$name-2.json"
  say bundles-$name bundles $name "$evidence" flat apart
  enforced $name-flat $name nnp /b/$name-flat
  test $name = programs && enforced $name-apart $name free /b/$name-apart
  cp -r /b/$name-flat /b/$name-literal
  sed -i '/^decisions:/d' /b/$name-literal/bundle.yaml
  python3 /literal /b/$name-flat $(cat /patterns/$name) $evidence >>/b/$name-literal/bundle.yaml
  say literal-$name vambrace synth -o /b/$name-literal
  say load-$name vambrace apparmor load /b/$name-literal
  enforced $name-literal $name nnp /b/$name-literal
done
""" % {"folder": FOLDER}


def _boot():
    files = {"/literal": LITERAL.encode(), "/drive/programs": generalization.SCRIPT.encode(),
             "/drive/redis": generalization.REDIS.encode()}
    files |= {f"/patterns/{name}": "\n".join(both).encode() for name, both in PATTERNS.items()}
    return vm.boot(SCRIPT, files=files, programs=["apparmor_parser"],
                   folders=["/etc/apparmor.d/abi"], apparmor=True, image=True, timeout=700)


machine = vm.once(_boot)


def test_a_third_run_with_other_names_is_denied_nothing():
    said = machine()
    for name in PATTERNS:
        for step in (f"record-{name}-1", f"record-{name}-2", f"bundles-{name}"):
            assert said[step].code == 0, said[step]
        for kind in ("flat", "apart") if name == "programs" else ("flat",):
            seen = confined.between(said, f"before-{name}-{kind}", f"after-{name}-{kind}")
            assert said[f"run-{name}-{kind}"].code == 0, (said[f"run-{name}-{kind}"],
                                                          confined.asked(seen))
            assert not seen, (name, kind, confined.asked(seen))


def test_with_a_pattern_made_literal_again_the_same_run_is_denied():
    said = machine()
    for name, (_, names) in PATTERNS.items():
        for step in (f"literal-{name}", f"load-{name}"):
            assert said[step].code == 0, said[step]
        seen = confined.between(said, f"before-{name}-literal", f"after-{name}-literal")
        assert any(re.fullmatch(names, one.get("name", "")) for one in seen), (
            name, confined.asked(seen), said[f"run-{name}-literal"])


if __name__ == "__main__":
    support.main()

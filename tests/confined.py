"""What tests of confined workloads share: the shell functions that start a program under a
profile in the emulated machine, and how its answers are read.

A workload is a shell function `load_NAME PREFIX...` that starts the program behind the words of
the prefix, drives it, ends it and prints what it answered: the same for the recording, where the
prefix is empty, and under a profile.
"""

import re

SHELL = r"""
export PYTHONDONTWRITEBYTECODE=1
mkdir -p /b
# /start nnp|free PROFILE WORDS...: the words under the profile. setpriv sets no_new_privs and
# executes; the profile must come with that last execve.
cat >/start <<'end'
#!/bin/sh
nnp=$1; profile=$2; shift 2
test $nnp = nnp && exec setpriv --no-new-privs /usr/bin/busybox sh /start free $profile "$@"
printf 'exec %s' $profile >/proc/self/attr/exec || exit 99
exec "$@"
end
chmod 755 /start
name_of() { sed -n 's/^profile \([^ ]*\) .*/\1/p' $1/apparmor.profile; }
denials() { dmesg | grep -c 'apparmor="DENIED"'; }
# bundles NAME EVIDENCE KINDS...: /b/NAME-flat for no_new_privs, -apart without it, -observe in
# complain mode, each made by synth and loaded.
bundles() {
  bundle=/b/$1; evidence=$2; shift 2
  vambrace synth $evidence -o $bundle-flat --target process >/dev/null || return
  for kind; do
    if [ $kind != flat ]; then
      cp -r $bundle-flat $bundle-$kind
      case $kind in
        apart) sed -i 's/^target: process/target:\n  name: process\n  no_new_privs: false/' \
                 $bundle-apart/bundle.yaml ;;
        observe) sed -i 's/^stage: .*/stage: observe/' $bundle-observe/bundle.yaml ;;
      esac
      vambrace synth -o $bundle-$kind >/dev/null || return
    fi
    vambrace apparmor load $bundle-$kind || return
  done
}
# missed ID BUNDLE NNP LOAD WORDS...: the bundle as was decided: what replay says of it, and the load
# under it.
missed() {
  id=$1 bundle=$2 nnp=$3; shift 3
  vambrace synth -o $bundle >/dev/null && vambrace apparmor load $bundle >/dev/null
  say replay-$id vambrace replay --json $bundle
  say profile-$id name_of $bundle
  say missed-$id "$@" /start $nnp $(name_of $bundle)
}
# without ID BUNDLE NNP RULE LOAD WORDS...: missed(), of the bundle without the rule.
without() {
  id=$1 bundle=/b/without-$1 nnp=$3 rule=$4
  cp -r $2 $bundle; shift 4
  sed -i '/^decisions:/d' $bundle/bundle.yaml
  printf 'decisions:\n  - what: %s\n    choice: drop\n    who: ann\n    why: missed?\n' "$rule" \
    >>$bundle/bundle.yaml
  missed $id $bundle $nnp "$@"
}
"""


def outcomes(said, name):
    """{attack: "done" | "refused"}"""
    return dict(line.split()[:2] for line in said[name].out.splitlines() if " " in line)


def between(said, before, after):
    """What was denied between two counts."""
    return said.apparmor("DENIED")[int(said[before].out):int(said[after].out)]


def name_in(profile):
    """The name that the text of a profile gives it."""
    return re.search(r"^profile (\S+)", profile, re.MULTILINE)[1]


def asked(records):
    """What the kernel's log says of files, for people: (profile, operation, name, mask)."""
    return [(one.get("profile"), one.get("operation"), one.get("name"), one.get("denied_mask"))
            for one in records]


def _letters(mask):
    """The letters that a rule has for a mask of the log, or an access of replay."""
    return {"w" if letter in "acdopw" else letter for letter in mask}


def _add_file(to, path, mask):
    path = re.sub(r"/proc/\d+/", "/proc/PID/", path)
    to["file " + path] = to.get("file " + path, set()) | _letters(mask)


def predicted(said, name):
    """What replay says that the profile refuses: {what: letters}."""
    out = {}
    for one in said[f"replay-{name}"].json()["denials"]:
        if one.get("layer") == "seccomp":
            continue  # the filter is not loaded in the machine
        if "path" in one:
            _add_file(out, one["path"], one["access"])
        elif "socket" in one:
            out["socket " + one["socket"]] = set()
        elif "signal" in one:
            out["signal " + one["signal"]] = set()
        else:
            out[one["layer"] + " " + one["name"]] = set()
    return out


def refused(said, name, kind="DENIED"):
    """What the kernel refused under it, in the same words; as ALLOWED, what it complained of."""
    out = {}
    profile = said[f"profile-{name}"].out.strip()
    for one in said.apparmor(kind):
        if one["profile"].split("//")[0] != profile:
            continue
        if "family" in one:
            out[f"socket {one['family']} {one['sock_type']}"] = set()
        elif "signal" in one:
            out["signal " + one["signal"]] = set()
        elif "capname" in one:
            out["capabilities CAP_" + one["capname"].upper()] = set()
        else:
            _add_file(out, one["name"], one["denied_mask"])
    return out

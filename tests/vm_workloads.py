"""More workloads confined by what was recorded of them, in a kernel that has AppArmor: nginx,
redis, memcached, sshd, and a shell script that starts many helpers (tests/confined_loads.py).

All five are recorded at once, under load. What synth makes of it is loaded, nothing added by
hand: the same load passes without one denial, under no_new_privs in one profile, and without it
with a profile for each helper. Attacks are refused and in the kernel's log; without a profile and
in complain mode load and attacks succeed, and nothing is denied.
"""

import confined
import confined_loads
import support
import vm

NAMES = confined_loads.NAMES

SCRIPT = confined.SHELL + confined_loads.PREPARE + r"""
. /loads
say record vambrace record -o /evidence/ --workload nginx --workload redis-server \
  --workload memcached --workload sshd --workload /w/report.sh -- /usr/bin/busybox sh -c '
    . /loads
    load nginx; load redis-server; load memcached; load sshd; load report.sh'
for workload in %(names)s; do
  say bundles-$workload bundles $workload /evidence/$workload-*.json flat apart observe
  say control-$workload attack $workload
  for kind in flat apart observe; do
    say profile-$workload-$kind cat /b/$workload-$kind/apparmor.profile
    nnp=free; test $kind = flat && nnp=nnp
    start="/start $nnp $(name_of /b/$workload-$kind)"
    say before-$workload-$kind denials
    say load-$workload-$kind load $workload $start
    say after-$workload-$kind denials
    say attack-$workload-$kind attack $workload $start
    say then-$workload-$kind denials
  done
done
without page /b/nginx-flat nnp 'file /site/index.html r' load nginx
without pid /b/memcached-flat nnp 'file /run/memcached.pid cw' load memcached
without unix /b/memcached-flat nnp 'network unix stream' load memcached
without touch /b/report.sh-flat nnp 'file /usr/bin/touch x' load report.sh
without stamp /b/report.sh-apart free 'file /srv/stamp cw' load report.sh
""" % {"names": " ".join(NAMES)}

ENFORCED = ["flat", "apart"]

# What one profile for all cannot stop, and what its log then lacks: sshd reads the passwords
# itself, and who logs in is under its profile.
THROUGH = {"sshd": {"copy-shadow": "/usr/lib/openssh/sftp-server"}}

# How what the log must name of the attacks on each begins.
LOGGED = {
    "nginx": {"/etc/hosts", "/home/", "/www/new.html", "/etc/shadow"},
    "redis-server": {"/www/temp-", "/etc/cron.d/temp-", "/etc/shadow"},
    "memcached": {"inet dgram", "/www/socket", "/www/new.html"},
    "sshd": {"/usr/lib/openssh/sftp-server", "/etc/gshadow", "/www/new.html", "/usr/bin/true",
             "/conf/authorized"},
    "report.sh": {"/etc/shadow", "/www/new.html", "/w/report.sh", "/usr/bin/id",
                  "/victim/dropped", "inet dgram", "exists", "/proc/sys/kernel/core_pattern",
                  "/dev/nvme0n1", "/victim/removed", "/victim/old", "/victim/mode",
                  "/victim/made", "/victim/cut", "/root/", "/victim/all.tar"},
}


def _boot():
    return vm.boot(SCRIPT, files=confined_loads.files(), programs=confined_loads.PROGRAMS,
                   folders=["/etc/apparmor.d/abi"], apparmor=True, image=True, timeout=700)


machine = vm.once(_boot)


def test_all_are_recorded_at_once():
    said = machine()
    assert said["record"].code == 0, said["record"]
    for name in NAMES:
        assert said[f"bundles-{name}"].code == 0, said[f"bundles-{name}"]


def test_the_same_load_passes_without_a_denial():
    said = machine()
    answers = {"nginx": ["200", "404"] * 3 + ["200"], "redis-server": ["OK", "v", "3"],
               "memcached": ["STORED", "VALUE k 0 5", "hello"],
               "sshd": ["guest", "note", "root", "4"], "report.sh": ["160 total", "reported"] * 2}
    for name in NAMES:
        for kind in ENFORCED + ["observe"]:
            seen = confined.between(said, f"before-{name}-{kind}", f"after-{name}-{kind}")
            load = said[f"load-{name}-{kind}"]
            lines = [line.strip() for line in load.out.splitlines()]
            assert lines == answers[name], (kind, load, confined.asked(seen))
            assert not seen, (name, kind, confined.asked(seen))


def test_helpers_have_profiles_of_their_own_unless_no_new_privs_forbids_them():
    said = machine()
    apart, flat = (said[f"profile-report.sh-{kind}"].out for kind in ("apart", "flat"))
    assert "/usr/bin/rm cx -> rm," in apart and "  profile rm {" in apart, apart
    # More helpers than a profile can have children.
    assert "cx -> helpers," in apart and apart.count("  profile ") == 12, apart
    assert "cx ->" not in flat and "  profile " not in flat, flat
    assert "cx -> dash," in said["profile-sshd-apart"].out, said["profile-sshd-apart"]


def test_attacks_succeed_without_a_profile_and_in_complain_mode():
    said = machine()
    for name in NAMES:
        for run in (f"control-{name}", f"attack-{name}-observe"):
            found = confined.outcomes(said, run)
            assert found and set(found.values()) == {"done"}, (run, found, said[run])
        seen = confined.between(said, f"before-{name}-observe", f"then-{name}-observe")
        assert not seen, (name, confined.asked(seen))
        # What it complained of is what the attacks did.
        complains = confined.name_in(said[f"profile-{name}-observe"].out)
        logged = [one for one in said.apparmor("ALLOWED")
                  if one["profile"].split("//")[0] == complains]
        assert not missing(name, "observe", logged), (name, missing(name, "observe", logged))


def test_attacks_are_refused_under_the_profile_and_logged():
    said = machine()
    made = 0
    for name in NAMES:
        for kind in ENFORCED:
            found = confined.outcomes(said, f"attack-{name}-{kind}")
            assert set(found) == set(confined.outcomes(said, f"control-{name}")), found
            through = {attack for attack, outcome in found.items() if outcome == "done"}
            assert through == set(passes(name, kind)), (name, kind, found)
            logged = confined.between(said, f"after-{name}-{kind}", f"then-{name}-{kind}")
            assert not missing(name, kind, logged), (name, kind, missing(name, kind, logged))
        made += len(found)
    assert made >= 37, made


def passes(name, kind):
    """{attack: what is not logged} of those that the profile allows."""
    return {} if kind == "apart" else THROUGH.get(name, {})


def missing(name, kind, logged):
    """What the log should name of the attacks on it, and does not."""
    words = {one.get(field, "") for one in logged for field in ("name", "signal")}
    words |= {f"{one['family']} {one['sock_type']}" for one in logged if "family" in one}
    return {start for start in LOGGED[name] - set(passes(name, kind).values())
            if not any(word.startswith(start) for word in words)}


def test_replay_names_what_the_kernel_then_refuses():
    said = machine()
    for name, what in (("page", "file /site/index.html"), ("pid", "file /run/memcached.pid"), ("unix", "socket unix stream"),
                       ("touch", "file /usr/bin/touch"), ("stamp", "file /srv/stamp")):
        found = confined.refused(said, name)
        assert set(found) == {what}, (name, found)
        assert confined.predicted(said, name) == found, (confined.predicted(said, name), found)


if __name__ == "__main__":
    support.main()

"""AppArmor for real: profiles in a kernel that has it, nginx under them, and the
commands that load, list and remove them."""

import support
import vm
from support import temp_dir, vambrace, write

CONF = """
user root;
error_log /var/log/nginx/error-{port}.log;
pid /run/nginx-{port}.pid;
events {{ }}
http {{
  access_log off;
  server {{
    listen 127.0.0.1:{port};
    root /www;
    location /shadow {{ alias /etc/shadow; }}
  }}
}}
"""

# What nginx needs to answer, and nothing else. No abstractions: they compile for
# seconds under emulation.
WEB = """
abi <abi/3.0>,
profile web-1a2b {
  /etc/ld.so.cache r,
  /etc/{group,passwd,nsswitch.conf,localtime} r,
  /usr/lib/x86_64-linux-gnu/** mr,
  /{proc/sys/kernel/random/**,dev/urandom,sys/devices/system/cpu/**} r,
  /dev/null rw,
  /usr/share/zoneinfo/** r,
  /proc/sys/kernel/ngroups_max r,
  unix,
  signal,
  capability setuid,
  capability setgid,
  network inet stream,
  /usr/sbin/nginx mr,
  /conf/* r,
  /etc/nginx/** r,
  /usr/share/nginx/** r,
  /usr/lib/nginx/modules/* mr,
  /var/lib/nginx/ rw,
  /var/lib/nginx/** rw,
  /var/log/nginx/* rw,
  /run/nginx-*.pid rw,
  /www/** r,
  /etc/ssl/openssl.cnf r,
}
"""
LAX = 'profile "web lax" flags=(complain) {\n  /usr/sbin/nginx mr,\n}\n'
# A name that would act on a terminal, and look like two lines of the kernel's list.
HOSTILE = b'profile "h \x1bcx\\ny" {\n  /x r,\n  profile kid { }\n}\n'

SCRIPT = r"""
mkdir -p /var/log/nginx
# under PROFILE PORT: nginx, which goes on in the background once it listens.
under() {
  sh -c 'printf "exec %s" "$1" >/proc/self/attr/exec && exec nginx -c /conf/$2' - "$1" "$2"
}
get() { curl -m 20 -s -w '\n%{http_code}' "http://127.0.0.1:$1"; }

say empty vambrace apparmor status
say dry vambrace apparmor load --dry-run /profiles/web
say still-empty vambrace apparmor status
say load vambrace apparmor load /bundle
say again vambrace apparmor load /profiles/web
say other vambrace apparmor load /profiles/web-other
say both vambrace apparmor load /profiles/both
say lax vambrace apparmor load --json /profiles/lax
say hostile vambrace apparmor load /profiles/hostile

nginx -c /conf/8001
say start under web-1a2b 8002
say start-lax under 'web lax' 8003
say free-page get 8001/index.html
say free-shadow get 8001/shadow
say page get 8002/index.html
say shadow get 8002/shadow
say lax-page get 8003/index.html
say lax-shadow get 8003/shadow

say pid cat /run/nginx-8002.pid
say status vambrace apparmor status
say status-json vambrace apparmor status --json
say replaced vambrace apparmor load --replace /profiles/web-other
say after-page get 8002/index.html
say used vambrace apparmor unload web-1a2b
say would vambrace apparmor unload --force --dry-run web-1a2b
say none vambrace apparmor unload nobody-knows
say removed vambrace apparmor unload --force web-1a2b
say gone vambrace apparmor status --json
say now-free get 8002/shadow
say nobody setpriv --reuid=65534 --clear-groups vambrace apparmor load /profiles/web
"""


def _boot():
    other = WEB.replace("/www/** r,", "")
    files = {f"/conf/{port}": CONF.format(port=port).encode() for port in (8001, 8002, 8003)}
    files |= {
        "/bundle/apparmor.profile": WEB.encode(),
        "/profiles/web": WEB.encode(),
        "/profiles/web-other": other.encode(),
        "/profiles/both": (WEB + "profile new-3c4d { }\n").encode(),
        "/profiles/lax": LAX.encode(),
        "/profiles/hostile": HOSTILE,
        "/www/index.html": b"hello\n",
    }
    return vm.boot(SCRIPT, files=files, programs=["apparmor_parser"],
                   folders=["/etc/apparmor.d/abi"], apparmor=True, image=True)


machine = vm.once(_boot)


def test_a_server_under_a_profile_answers_and_is_kept_from_the_rest():
    said = machine()
    assert said["start"].code == 0 and said["start-lax"].code == 0, (said["start"], said["start-lax"])
    for name in ("free-page", "page", "lax-page"):
        assert said[name].out == "hello\n\n200", said[name]
    assert said["shadow"].out.endswith("\n403"), said["shadow"]
    for name in ("free-shadow", "lax-shadow"):
        assert said[name].out.startswith("root:"), said[name]
    # Nothing else was refused before the profile was replaced by a narrower one.
    denied = {(one["profile"], one["name"]) for one in said.apparmor("DENIED")}
    assert denied == {("web-1a2b", "/etc/shadow"), ("web-1a2b", "/www/index.html")}, denied
    allowed = {(one["profile"], one.get("name")) for one in said.apparmor("ALLOWED")}
    assert ("web lax", "/etc/shadow") in allowed, allowed


def test_profiles_are_loaded_once_and_never_changed_in_place():
    said = machine()
    assert said["empty"].out == "no profile is loaded\n", said["empty"]
    assert said["dry"].out == "would load: web-1a2b\n", said["dry"]
    assert said["still-empty"].out == said["empty"].out, said["still-empty"]
    assert said["load"].out == "loaded: web-1a2b (enforce)\n", said["load"]
    assert said["again"].out == "already there: web-1a2b (enforce)\n", said["again"]
    assert said["again"].code == 0, said["again"]
    assert said["other"].code == 3 and "another content" in said["other"].err, said["other"]
    # All of a file or nothing: new-3c4d is not in the list below.
    assert said["both"].code == 3, said["both"]
    lax = said["lax"].json()
    assert lax["profiles"] == [{"name": "web lax", "mode": "complain"}], lax
    assert said["replaced"].out == "replaced: web-1a2b (enforce)\n", said["replaced"]
    assert said["after-page"].out.endswith("\n403"), said["after-page"]
    assert said["nobody"].code == 4, said["nobody"]


def test_status_lists_profiles_and_who_runs_under_them():
    said = machine()
    profiles = {one["name"]: one for one in said["status-json"].json()["profiles"]}
    assert set(profiles) == {"web-1a2b", "web lax", r"h \x1bcx\x0ay",
                             r"h \x1bcx\x0ay//kid"}, profiles
    web = profiles["web-1a2b"]
    assert web["mode"] == "enforce" and web["listed"], web
    assert int(said["pid"].out) in web["processes"] and len(web["processes"]) == 2, web
    assert profiles["web lax"]["mode"] == "complain", profiles
    assert len(profiles["web lax"]["processes"]) == 2, profiles
    assert len(said["status"].out.splitlines()) == 5, said["status"]
    for name in ("hostile", "status"):
        assert "\x1b" not in said[name].out and r"h \x1bcx\x0ay" in said[name].out, said[name]


def test_a_profile_in_use_is_not_removed_by_accident():
    said = machine()
    assert said["used"].code == 3 and "confines processes" in said["used"].err, said["used"]
    assert said["would"].out == "would remove: web-1a2b\n", said["would"]
    assert said["none"].code == 2, said["none"]
    assert said["removed"].code == 0, said["removed"]
    names = {one["name"] for one in said["gone"].json()["profiles"]}
    assert "web-1a2b" not in names and "web lax" in names, names
    assert said["now-free"].out.startswith("root:"), said["now-free"]


def test_a_dry_run_needs_no_kernel_and_names_the_line():
    support.require_program("apparmor_parser")
    folder = temp_dir()
    good = vambrace("apparmor", "load", "--dry-run", write(f"{folder}/good", WEB), expect=0)
    assert good.out == "would load: web-1a2b\n", good
    bad = vambrace("apparmor", "load", "--dry-run",
                   write(f"{folder}/bad", "profile a {\n  /x bogus,\n}\n"), expect=2)
    assert "line 2" in bad.err and f"{folder}/bad" in bad.err, bad
    missing = vambrace("apparmor", "load", folder, expect=2)
    assert "apparmor.profile" in missing.err, missing


if __name__ == "__main__":
    support.main()

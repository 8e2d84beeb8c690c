"""From a recording to an AppArmor profile that fits and holds, in a kernel that has AppArmor.

Two workloads are recorded in the machine under load: nginx, and a Python program with a
database in SQLite, a helper and a child that it signals. The profile that synth makes is loaded
and enforced: the same load passes without one denial; attacks out of the same program are refused
and appear in the kernel's log; without a profile, and in complain mode, they all succeed.

Nothing was added to a policy by hand. The calls that only name a path and are not recorded yet
are unlinking the files that the workloads have made themselves: whoever may create a file may
remove it. Unix rules are not mediated by this kernel. The Python program says where its temporary
files go: the name that it tries otherwise, eight letters drawn by lot, is not known as one.
"""

import re

import support
import vm

CONF = """
user www-data;
worker_processes 2;
error_log /var/log/nginx/error.log;
pid /run/nginx.pid;
events { }
http {
  access_log /var/log/nginx/access.log;
  server {
    listen 127.0.0.1:8080;
    root /www;
    location /shadow { alias /etc/shadow; }
    location /host { alias /etc/hosts; }
  }
}
"""

DRIVE = """#!/bin/sh
nginx -c /conf
for i in 1 2 3 4 5 6; do
  curl -m 20 -s -o /dev/null http://127.0.0.1:8080/index.html
  curl -m 20 -s -o /dev/null http://127.0.0.1:8080/none
done
kill -HUP $(cat /run/nginx.pid)
curl -m 20 -s -w '%{http_code}' http://127.0.0.1:8080/index.html
kill -QUIT $(cat /run/nginx.pid)
while [ -e /run/nginx.pid ]; do sleep 0.1; done
"""

WORK = r'''
import ctypes, os, signal, socket, sqlite3, subprocess, sys, tempfile
libc = ctypes.CDLL(None, use_errno=True)


def call(name, *words):
    if getattr(libc, name)(*words) < 0:
        raise OSError(ctypes.get_errno(), name)


def work():
    database = sqlite3.connect("/var/lib/work/data.db")
    database.execute("create table if not exists t (n integer)")
    for n in range(20):
        with database:
            database.execute("insert into t values (?)", (n,))
    with tempfile.NamedTemporaryFile(dir="/tmp") as file:
        file.write(b"x")
    subprocess.run(["/usr/bin/sort", "/w/words"], check=True, stdout=subprocess.PIPE)
    with open("/proc/self/status", encoding="ascii") as file:
        file.read()
    child = os.fork()
    if child == 0:
        signal.pause()
    os.kill(child, signal.SIGTERM)
    os.wait()
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
    print("worked")


def read(path):
    with open(path, "rb") as file:
        file.read(1)


def write(path):
    with open(path, "wb") as file:
        file.write(b"x")


def drop_and_run():
    with open("/usr/bin/sort", "rb") as program:
        with open("/tmp/dropped", "wb") as file:
            file.write(program.read())
    os.chmod("/tmp/dropped", 0o755)
    subprocess.run(["/tmp/dropped", "/w/words"], check=True, stdout=subprocess.DEVNULL)


def map_code():
    fd = os.open("/victim/library", os.O_RDONLY)
    libc.mmap.restype = ctypes.c_void_p
    if libc.mmap(None, 4096, 5, 2, fd, 0) in (None, 2 ** 64 - 1):
        raise OSError(ctypes.get_errno(), "mmap")


def trace_child():
    child = os.fork()
    if child == 0:
        signal.pause()
    try:
        call("ptrace", 16, child, None, None)
    finally:
        os.kill(child, signal.SIGTERM)


ATTACKS = {
    "read-shadow": lambda: read("/etc/shadow"),
    "read-through-a-link": lambda: (os.symlink("/etc/shadow", "/victim/link"),
                                    read("/victim/link")),
    "read-relative": lambda: read("/w/../etc/shadow"),
    "read-environ-of-another": lambda: read(f"/proc/{os.getppid()}/environ"),
    "list-root": lambda: os.listdir("/root"),
    "write-document-root": lambda: write("/www/new.html"),
    "write-own-program": lambda: open("/w/work.py", "ab").close(),
    "write-core-pattern": lambda: open("/proc/sys/kernel/core_pattern", "r+b").close(),
    "open-disk": lambda: open("/dev/nvme0n1", "rb").close(),
    "run-a-shell": lambda: subprocess.run(["/bin/sh", "-c", "true"], check=True),
    "run-a-dropped-program": drop_and_run,
    "map-code": map_code,
    "remove": lambda: os.unlink("/victim/removed"),
    "rename": lambda: os.rename("/victim/old", "/victim/new"),
    "hard-link": lambda: os.link("/etc/shadow", "/victim/hard"),
    "make-a-folder": lambda: os.mkdir("/victim/folder"),
    "make-a-device": lambda: os.mknod("/victim/device", 0o20666, os.makedev(1, 3)),
    "change-mode": lambda: os.chmod("/victim/mode", 0o777),
    "change-owner": lambda: os.chown("/victim/owner", 1, 1),
    "truncate": lambda: os.truncate("/victim/cut", 0),
    "raw-socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1),
    "packet-socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0),
    "datagram-socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "mount": lambda: call("mount", b"none", b"/victim/mount", b"tmpfs", 0, None),
    "trace-a-sibling": trace_child,
    "signal-another": lambda: os.kill(int(os.environ["OTHER"]), 0),
    "become-another-user": lambda: os.setegid(1),
}


def attack():
    for name, act in ATTACKS.items():
        try:
            act()
            print(name, "done", flush=True)
        except (OSError, subprocess.SubprocessError) as error:
            print(name, "refused", getattr(error, "errno", ""), flush=True)


{"work": work, "attack": attack}[sys.argv[1]]()
'''

SCRIPT = r"""
export PYTHONDONTWRITEBYTECODE=1
mkdir -p /var/log/nginx /var/lib/work /victim
sleep 1000 & export OTHER=$!
victims() {
  umount /victim/mount 2>/dev/null; rm -rf /victim /tmp/dropped /www/new.html
  mkdir -p /victim/mount
  for name in removed old mode owner cut library; do echo x >/victim/$name; done
}
name_of() { sed -n 's/^profile \([^ ]*\) .*/\1/p' $1/apparmor.profile; }
# under PROFILE WORDS...
under() { sh -c 'printf "exec %s" "$1" >/proc/self/attr/exec || exit 99; shift; exec "$@"' - "$@"; }
denials() { dmesg | grep -c 'apparmor="DENIED"'; }

# --- nginx
say record-nginx vambrace record -o /tmp/nginx.json --workload nginx -- sh /drive
say synth-nginx vambrace synth /tmp/nginx.json -o /tmp/nginx --target process --json
say profile-nginx cat /tmp/nginx/apparmor.profile
say replay-nginx vambrace replay /tmp/nginx
say load-nginx vambrace apparmor load /tmp/nginx
sed "s|^nginx |under $(name_of /tmp/nginx) nginx |" /drive >/drive-under
( . /drive-under ) >/vm/out 2>/vm/err; echo $? >/vm/code; vm_tell load-under-nginx
say denials-nginx denials
under $(name_of /tmp/nginx) nginx -c /conf
say page curl -m 20 -s http://127.0.0.1:8080/index.html
say shadow curl -m 20 -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8080/shadow
say host curl -m 20 -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8080/host
kill -QUIT $(cat /run/nginx.pid)
while [ -e /run/nginx.pid ]; do sleep 0.1; done
nginx -c /conf
say free-host curl -m 20 -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8080/host
kill -QUIT $(cat /run/nginx.pid)

# --- Python, with no_new_privs and without
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

# setpriv sets no_new_privs and executes; the profile must come with that last execve.
cat >/start <<'end'
#!/bin/sh
nnp=$1; profile=$2; shift 2
test $nnp = nnp && exec setpriv --no-new-privs /usr/bin/busybox sh /start free $profile "$@"
printf 'exec %s' $profile >/proc/self/attr/exec || exit 99
exec "$@"
end
say before denials
say work-flat sh /start nnp $(name_of /tmp/flat) python3 -S /w/work.py work
say work-apart sh /start free $(name_of /tmp/apart) python3 -S /w/work.py work
say after denials
say apart-nnp sh /start nnp $(name_of /tmp/apart) python3 -S /w/work.py work
say then denials
victims
say control python3 -S /w/work.py attack
victims
say observed sh /start free $(name_of /tmp/more) python3 -S /w/work.py attack
say still denials
victims
say attacked sh /start nnp $(name_of /tmp/flat) python3 -S /w/work.py attack
victims
say attacked-apart sh /start free $(name_of /tmp/apart) python3 -S /w/work.py attack
say explain vambrace explain /tmp/apart /etc/shadow r
"""


def _boot():
    files = {"/conf": CONF.encode(), "/drive": DRIVE.encode(), "/www/index.html": b"hello\n",
             "/w/work.py": WORK.encode(), "/w/words": b"b\na\n"}
    return vm.boot(SCRIPT, files=files, programs=["apparmor_parser"],
                   folders=["/etc/apparmor.d/abi"], apparmor=True, image=True,
                   timeout=450)


machine = vm.once(_boot)


def outcomes(said, name):
    """{attack: "done" | "refused"}"""
    return dict(line.split()[:2] for line in said[name].out.splitlines() if " " in line)


def test_nginx_answers_under_its_profile_without_a_denial():
    said = machine()
    for name in ("record-nginx", "synth-nginx", "replay-nginx", "load-nginx"):
        assert said[name].code == 0, said[name]
    assert said["load-under-nginx"].out.endswith("200"), said["load-under-nginx"]
    assert said["denials-nginx"].out == "0\n", [
        (one.get("operation"), one.get("name"), one.get("denied_mask"))
        for one in said.apparmor("DENIED") if one["profile"].startswith("nginx")]
    assert said["page"].out == "hello\n", said["page"]


def test_nginx_reads_nothing_beyond_its_profile():
    said = machine()
    assert said["shadow"].out == "403" and said["host"].out == "403", (said["shadow"], said["host"])
    assert said["free-host"].out == "200", said["free-host"]
    names = {one.get("name") for one in said.apparmor("DENIED")
             if one["profile"].startswith("nginx-")}
    assert "/etc/hosts" in names, names


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
        found = outcomes(said, name)
        assert len(found) >= 25 and set(found.values()) == {"done"}, (name, found, said[name])
    assert said["still"].out == said["then"].out, said["still"]
    assert said.apparmor("ALLOWED"), "nothing was logged in complain mode"


def test_attacks_are_refused_under_the_profile_and_logged():
    said = machine()
    for name, profile in (("attacked", "profile-flat"), ("attacked-apart", "profile-apart")):
        found = outcomes(said, name)
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


if __name__ == "__main__":
    support.main()

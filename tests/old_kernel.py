"""The oldest kernel that is promised, for real: Debian 12's 6.1, booted under emulation.

A small initramfs holds busybox, the binary and its libraries; its /init runs the commands of a
test and prints, on the serial console, what they said. The same kernel also knows lockdown.
"""

import base64
import gzip
import io
import json
import os
import re
import shutil
import subprocess
import tempfile

import support
from support import VAMBRACE, require_program, run, skip

CACHE = os.environ.get("VAMBRACE_TEST_CACHE", "/var/tmp/vambrace-test")
BUSYBOX = "/bin/busybox"

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t bpf bpf /sys/fs/bpf
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t securityfs securityfs /sys/kernel/security
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /run
ip link set lo up 2>/dev/null
export PATH=/bin HOME=/tmp
echo 1 >/proc/sys/kernel/printk
# say NAME WORDS...: runs a command, and prints its status, its words and a file.
say() {
  name=$1; shift
  "$@" >/tmp/out 2>/tmp/err
  echo "$?" >/tmp/code
  for part in code out err; do
    echo "@@ $name $part $(base64 /tmp/$part | tr -d '\\n') @@"
  done
}
COMMANDS
poweroff -f
"""


def kernel():
    """The path of the kernel's image; downloaded once, kept."""
    if os.uname().machine != "x86_64":
        skip("the emulated machine is an x86_64 one")
    require_program("qemu-system-x86_64", "busybox", "dpkg", "apt-cache")
    place = os.path.join(CACHE, "kernel-6.1")
    found = _image_in(place)
    if found:
        return found
    depends = run("apt-cache", "depends", "linux-image-cloud-amd64").out
    names = re.findall(r"Depends: (linux-image-6\.1\S*)", depends)
    if not names:
        skip("this release's kernel is not 6.1")
    with tempfile.TemporaryDirectory() as folder:
        done = run("apt-get", "download", names[0], cwd=folder)
        files = [name for name in os.listdir(folder) if name.endswith(".deb")]
        if done.code != 0 or not files:
            skip(f"{names[0]} cannot be downloaded here")
        unpacked = os.path.join(folder, "root")
        if run("dpkg", "-x", os.path.join(folder, files[0]), unpacked).code != 0:
            skip(f"{files[0]} cannot be unpacked")
        os.makedirs(place, exist_ok=True)
        shutil.copy(_image_in(os.path.join(unpacked, "boot")), place)
    return _image_in(place)


def _image_in(place):
    for name in sorted(os.listdir(place)) if os.path.isdir(place) else []:
        if name.startswith("vmlinuz-6.1"):
            return os.path.join(place, name)
    return None


def libraries(program):
    return re.findall(r"(/\S+) \(0x", run("ldd", program).out)


def initramfs(commands):
    """The bytes of a cpio archive (newc) with /init and what it runs."""
    files = {"/init": INIT.replace("COMMANDS", commands).encode()}
    with open(BUSYBOX, "rb") as file:
        files["/bin/busybox"] = file.read()
    for path, name in [(VAMBRACE, "/bin/vambrace")] + [(l, l) for l in libraries(VAMBRACE)]:
        with open(path, "rb") as file:
            files[name] = file.read()
    folders = {"/proc", "/sys", "/tmp", "/run", "/dev", "/etc"}
    for name in files:
        while (name := os.path.dirname(name)) != "/":
            folders.add(name)
    out = io.BytesIO()
    number = 0

    def entry(name, mode, data=b""):
        nonlocal number
        number += 1
        words = [number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
        out.write(b"070701" + "".join(f"{word:08X}" for word in words).encode())
        out.write(name.encode() + b"\0")
        out.write(b"\0" * (-out.tell() % 4) + data)
        out.write(b"\0" * (-out.tell() % 4))

    for name in sorted(folders):
        entry(name.lstrip("/"), 0o040755)
    for name, data in files.items():
        entry(name.lstrip("/"), 0o100755, data)
    entry("TRAILER!!!", 0)
    return gzip.compress(out.getvalue(), 1)


def boot(commands, words=""):
    """{name: Ran} of the `say NAME WORDS...` lines of the script."""
    image = kernel()
    with tempfile.TemporaryDirectory() as folder:
        archive = os.path.join(folder, "initramfs")
        with open(archive, "wb") as file:
            file.write(initramfs(commands))
        done = subprocess.run(
            ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-m", "1024",
             "-nographic", "-no-reboot", "-kernel", image, "-initrd", archive,
             "-append", f"console=ttyS0 panic=-1 quiet {words}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=200, check=False)
    console = done.stdout.decode(errors="replace")
    parts = re.findall(r"@@ (\S+) (code|out|err) ([A-Za-z0-9+/=]*) @@", console)
    assert parts, f"the machine said nothing:\n{console[-3000:]}"
    said = {}
    for name, part, data in parts:
        said.setdefault(name, {})[part] = base64.b64decode(data).decode(errors="replace")
    return {name: support.Ran(subprocess.CompletedProcess(
        name, int(all_of["code"]), all_of["out"], all_of["err"])) for name, all_of in said.items()}


def test_the_walk_on_linux_6_1():
    said = boot("""
say kernel uname -r
say record vambrace record -o /tmp/e.json -- sh -c 'mkdir /tmp/a; rmdir /tmp/a; mknod /tmp/d c 1 3; rm /tmp/d; ls /none; true'
say evidence cat /tmp/e.json
say light vambrace record --light -o /tmp/l.json -- sh -c 'mkdir /tmp/a; rmdir /tmp/a'
say synth vambrace synth /tmp/e.json -o /tmp/bundle
say replay vambrace replay /tmp/bundle /tmp/e.json
say same vambrace run /tmp/bundle -- sh -c 'mkdir /tmp/a; rmdir /tmp/a; mknod /tmp/d c 1 3; rm /tmp/d; ls /none; true'
say other vambrace run /tmp/bundle -- sh -c 'swapoff /tmp/none'
say free swapoff /tmp/none
""")
    assert said["kernel"].out.startswith("6.1."), said["kernel"]
    assert said["record"].code == 0, said["record"]
    evidence = json.loads(said["evidence"].out)
    assert evidence["verdict"]["state"] == "complete", evidence["verdict"]
    calls = {call["name"]: call for process in evidence["processes"]
             for call in process["syscalls"] if process["origin"] != "runtime"}
    assert calls["mkdir"]["count"] == 1 and calls["rmdir"]["count"] == 1, calls
    probes = evidence["recordings"][0]["probes"]
    assert probes["capabilities"] == "fexit/cap_capable", probes
    granted = {check["name"] for process in evidence["processes"]
               for check in process["capabilities"] if check["name"] == "CAP_MKNOD"}
    assert granted == {"CAP_MKNOD"}, evidence["processes"]
    assert said["light"].code == 0, said["light"]
    assert said["synth"].code == 0 and said["replay"].code == 0, (said["synth"], said["replay"])
    assert said["same"].code == 0, said["same"]
    assert "not permitted" in said["other"].err, said["other"]
    assert "not permitted" not in said["free"].err, said["free"]


def test_a_lockdown_that_forbids_reading_kernel_memory_is_one_clear_error():
    said = boot("""
say mode cat /sys/kernel/security/lockdown
say record vambrace record -o /tmp/e.json -- ls /
say left ls /tmp/e.json
""", "lockdown=confidentiality")
    assert "[confidentiality]" in said["mode"].out, said["mode"]
    assert said["record"].code == 4, said["record"]
    assert "lockdown" in said["record"].err, said["record"]
    assert said["left"].code != 0, said["left"]


if __name__ == "__main__":
    support.main()

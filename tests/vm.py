"""A small machine for tests: Debian 12's 6.1 kernel in QEMU, by software emulation.

For what the kernel of the test machine does not have: AppArmor, probes in LSM
hooks, lockdown. One boot takes seconds and answers many questions:

    said = vm.boot('''
    say kernel uname -r
    say evidence vambrace record -o /tmp/e.json -- ls /
    ''', apparmor=True)
    assert said["kernel"].out.startswith("6.1.")

Each line `say NAME WORDS...` of the script (a shell's) runs a command; the
answer of that NAME has its exit code, what it wrote, and `raw`, the bytes of its
standard output. `said.log` is the kernel's log at the end.

Inside are busybox, vambrace and what a test brings along (`files`, `programs`,
`folders`), root, www-data and nobody, /dev, /proc, /sys with securityfs, bpf,
tracefs and cgroup2, and `lo`. busybox's own shell prefers busybox's commands:
write a path for another one. With image=True the machine has the root file system of
tests/image.sh, real servers included, on a disk whose changes are thrown away;
what the test brings along lies on top of it.
"""

import base64
import fcntl
import gzip
import io
import os
import re
import shutil
import stat
import subprocess
import tempfile

import support
from support import VAMBRACE, require_program, run, skip

CACHE = os.environ.get("VAMBRACE_TEST_CACHE", "/var/tmp/vambrace-test")
BUSYBOX = "/bin/busybox"
# The first process of the machine says it before anything else.
BEGUN = "@@ begun @@"

# With a disk: what the test brings along is laid over its files, and it becomes the root.
INIT = """#!/test/usr/bin/busybox sh
b=/test/usr/bin/busybox
root=/image
$b mkdir -p $root /dev
$b mount -t devtmpfs dev /dev
echo "@@ begun @@" >/dev/console
$b mount -t ext4 -o noatime /dev/nvme0n1 $root
$b cp -a /test/. $root/
$b umount /dev
exec $b switch_root $root /vm/start
"""

START = """#!/bin/sh
/bin/busybox --install -s /bin
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
echo "@@ begun @@" >/dev/console
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
ln -sf /proc/self/fd /dev/fd
mount -t bpf bpf /sys/fs/bpf
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t securityfs securityfs /sys/kernel/security
mount -t tracefs tracefs /sys/kernel/tracing
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tmpfs tmpfs /run
ip link set lo up
echo 1 >/proc/sys/kernel/printk
echo 0 >/proc/sys/kernel/printk_ratelimit
# say NAME WORDS...: runs a command, and prints its status and its words.
say() {
  vm_name=$1; shift
  "$@" >/vm/out 2>/vm/err
  echo "$?" >/vm/code
  vm_tell "$vm_name"
}
vm_tell() {
  for vm_part in out err; do
    if [ -s /vm/$vm_part ]; then
      echo "@@ $1 $vm_part $(gzip -c </vm/$vm_part | base64 -w 0) @@" >/dev/console
    fi
  done
  read vm_code </vm/code
  echo "@@ $1 code $vm_code @@" >/dev/console
}
cd /
. /vm/script
dmesg >/vm/out; : >/vm/err; echo 0 >/vm/code
vm_tell kernel-log
poweroff -f
"""

USERS = {
    "/etc/passwd": b"root:x:0:0:root:/root:/bin/sh\n"
                   b"www-data:x:33:33:www-data:/var/www:/bin/sh\n"
                   b"nobody:x:65534:65534:nobody:/nonexistent:/bin/sh\n",
    "/etc/group": b"root:x:0:\nshadow:x:42:\nwww-data:x:33:\nnogroup:x:65534:\n",
    "/etc/shadow": (b"root:*:19000:0:99999:7:::\n", 0o600),
    "/etc/hosts": b"127.0.0.1 localhost\n",
    "/etc/nsswitch.conf": b"passwd: files\ngroup: files\nhosts: files\n",
}


class Said(dict):
    """The answers by name; one that never came shows the console's last lines."""

    def __init__(self, console):
        super().__init__()
        self.console = console
        parts = {}
        for name, part, data in re.findall(r"@@ (\S+) (code|out|err) ([A-Za-z0-9+/=]*) @@", console):
            if part != "code":
                parts[name, part] = gzip.decompress(base64.b64decode(data))
                continue
            out, err = parts.get((name, "out"), b""), parts.get((name, "err"), b"")
            self[name] = support.Ran(subprocess.CompletedProcess(
                name, int(data), out.decode(errors="replace"), err.decode(errors="replace")))
            self[name].raw = out

    def __missing__(self, name):
        raise AssertionError(f"the machine did not say {name}:\n{self.console[-3000:]}")

    @property
    def log(self):
        return self["kernel-log"].out

    def apparmor(self, kind):
        """What AppArmor wrote into the kernel's log as DENIED, ALLOWED, AUDIT or
        STATUS, each as {field: text}."""
        return [{field: _plain(text) for field, text in
                 re.findall(r' ([a-z_]+)=("[^"]*"|\S+)', line)}
                for line in self.log.splitlines() if f' apparmor="{kind}" ' in line]


def _plain(text):
    """A field of the audit log: in quotation marks, or in hex if it holds what
    quotation marks cannot."""
    if text.startswith('"'):
        return text[1:-1]
    if len(text) % 2 == 0 and re.fullmatch("(?:[0-9A-F]{2}){2,}", text):
        return bytes.fromhex(text).decode(errors="surrogateescape")
    return text


def boot(script, *, files=None, programs=(), folders=(), words="", apparmor=False,
         overlay=False, image=False, memory=1024, timeout=200):
    """Boots, runs the script and powers off; gives the answers (Said).

    files     {path inside: contents}, the path as text or as bytes, the contents
              as bytes or as the text of a local path, either alone or in a pair
              with a mode (0o644 if none is given)
    programs  local programs, by name or path, put where they lie here, with
              the libraries that ldd names
    folders   local folders, put where they lie here
    words     more words for the kernel's command line
    apparmor  boot with AppArmor as the security module
    overlay   with overlayfs, which is no part of the kernel's image
    image     see above
    """
    kernel_image = kernel()
    # Before anything that takes time is begun.
    drive = _disk() if image else None
    archive = _Archive()
    top = _Archive.Tree(archive, b"/test" if image else b"")
    if image:
        archive.add("/init", INIT.encode(), 0o755)
    else:
        words += " rdinit=/vm/start"
        for path, contents in USERS.items():
            top.add_file(path, contents)
    for folder in folders:
        top.add_folder(folder)
    top.add_program(BUSYBOX)
    if not image:
        top.add_link("/bin/sh", "busybox")
    top.add_program(VAMBRACE, "/usr/bin/vambrace")
    for program in programs:
        top.add_program(program)
    if overlay:
        top.add_file("/vm/overlay.ko", os.path.join(os.path.dirname(kernel_image), "overlay.ko"))
        script = "/bin/busybox insmod /vm/overlay.ko\n" + script
    top.add_file("/vm/start", (START.encode(), 0o755))
    top.add_file("/vm/script", script.encode())
    for path, contents in (files or {}).items():
        top.add_file(path, contents)
    # Debian's kernel would begin with it by itself.
    words += " apparmor=1 security=apparmor" if apparmor else " apparmor=0"
    with tempfile.TemporaryDirectory() as folder:
        place = os.path.join(folder, "initramfs")
        with open(place, "wb") as file:
            file.write(archive.bytes())
        return _run_machine(kernel_image, place, drive, words, memory, timeout)


def once(start):
    """What start() gives, or the error it ends in, at every call the same: the
    machine that several tests ask."""
    ended = []

    def machine():
        if not ended:
            try:
                ended.append((start(), None))
            except Exception as error:  # pylint: disable=broad-except
                ended.append((None, error))
        said, error = ended[0]
        if error:
            raise error
        return said
    return machine


def _run_machine(kernel_image, archive, drive, words, memory, timeout):
    # Never -accel kvm: a test machine may itself be a guest.
    log = archive + ".log"
    command = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max",
               "-m", str(memory), "-nodefaults", "-display", "none", "-serial", "stdio",
               "-no-reboot", "-d", "cpu_reset", "-D", log,
               "-kernel", kernel_image, "-initrd", archive, "-append",
               f"console=ttyS0 panic=-1 quiet log_buf_len=4M {words}"]
    if drive:
        command += ["-drive", f"file={drive},if=none,id=image,format=raw,snapshot=on",
                    "-device", "nvme,serial=image,drive=image"]
    ended = _emulate(command, log, timeout)
    if BEGUN not in ended.console:
        # Neither vambrace nor the test had a part in this: the emulator or the kernel
        # ended before the first process of the machine. Seen once.
        print(f"the machine did not begin, and is started once more: {ended}", flush=True)
        ended = _emulate(command, log, timeout)
    said = Said(ended.console)
    assert said, f"the machine said nothing: {ended}"
    return said


class _Ended:
    """How the emulator ended, and what its console had."""

    def __init__(self, code, console, log):
        self.console = console
        self._text = f"status {code}, console:\n{console[-3000:]}\nemulator:\n{log[-3000:]}"

    def __str__(self):
        return self._text


def _emulate(command, log, timeout):
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=timeout, check=False)
    except subprocess.TimeoutExpired as late:
        console = (late.output or b"").decode(errors="replace")
        raise AssertionError(
            f"the machine did not end in {timeout} s:\n{console[-3000:]}") from late
    console = done.stdout.decode(errors="replace")
    if not os.path.exists(log):
        return _Ended(done.returncode, console, "(no log)")
    with open(log, encoding="utf-8", errors="replace") as file:
        return _Ended(done.returncode, console, file.read())


# --- The kernel and the disk, made once and kept ---------------------------

def kernel():
    """The path of the kernel's image; downloaded once, kept."""
    if os.uname().machine != "x86_64":
        skip("the emulated machine is an x86_64 one")
    require_program("qemu-system-x86_64", "busybox", "dpkg", "apt-cache")
    place = os.path.join(CACHE, "kernel-6.1-overlay")
    found = _image_in(place)
    if found:
        return found
    depends = run("apt-cache", "depends", "linux-image-cloud-amd64").out
    names = re.findall(r"Depends: (linux-image-6\.1\S*)", depends)
    if not names:
        skip("this release's kernel is not 6.1")
    with tempfile.TemporaryDirectory() as folder:
        done = run("apt-get", "download", names[0], cwd=folder)
        packages = [name for name in os.listdir(folder) if name.endswith(".deb")]
        if done.code != 0 or not packages:
            skip(f"{names[0]} cannot be downloaded here")
        unpacked = os.path.join(folder, "root")
        if run("dpkg", "-x", os.path.join(folder, packages[0]), unpacked).code != 0:
            skip(f"{packages[0]} cannot be unpacked")
        os.makedirs(place, exist_ok=True)
        version = os.path.basename(_image_in(os.path.join(unpacked, "boot")))
        module = f"lib/modules/{version.removeprefix('vmlinuz-')}/kernel/fs/overlayfs/overlay.ko"
        shutil.copy(os.path.join(unpacked, module), place)
        # Last: it tells that all is there.
        shutil.copy(os.path.join(unpacked, "boot", version), place)
    return _image_in(place)


def _image_in(place):
    for name in sorted(os.listdir(place)) if os.path.isdir(place) else []:
        if name.startswith("vmlinuz-6.1"):
            return os.path.join(place, name)
    return None


def _disk():
    """An ext4 file system with the root of tests/image.sh: both that and NVMe
    are built into the kernel, so that no module is needed."""
    root = support.image(docker=False)
    require_program("mkfs.ext4")
    place = os.path.join(CACHE, "root.ext4")
    made_from = os.path.join(root, "etc/vambrace-test-version")
    with open(os.path.join(CACHE, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(place) and os.path.getmtime(place) > os.path.getmtime(made_from):
            return place
        done = run("mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-E",
                   "lazy_itable_init=1", "-d", root, place + ".new", "2G", timeout=600)
        if done.code != 0:
            skip(f"no disk can be made of {root}: {done.err[-200:]}")
        os.rename(place + ".new", place)
    return place


# --- The initial file system -----------------------------------------------

def libraries(program):
    return re.findall(r"(/\S+) \(0x", run("ldd", program).out)


def _inside(path):
    """The path as bytes, with /bin, /sbin and /lib* below /usr, as Debian has it."""
    path = os.fsencode(path)
    first = path.split(b"/")[1]
    return b"/usr" + path if first in (b"bin", b"sbin", b"lib", b"lib64") else path


class _Archive:
    """A cpio archive (newc), by whole contents. Not compressed: unpacking
    under emulation costs more than copying."""

    def __init__(self):
        self._out = io.BytesIO()
        self._there = {b""}

    def add(self, path, data, mode):
        self._entry(os.fsencode(path), stat.S_IFREG | mode, data)

    def bytes(self):
        self._entry(b"/TRAILER!!!", 0)
        return self._out.getvalue()

    def folder(self, path, mode=0o755):
        if path not in self._there:
            self._entry(path, stat.S_IFDIR | mode)

    def link(self, path, target):
        self._entry(path, stat.S_IFLNK | 0o777, os.fsencode(target))

    def _entry(self, path, mode, data=b""):
        path = path.strip(b"/")
        if path in self._there:
            return
        parent = os.path.dirname(path)
        if parent not in self._there:
            self._entry(parent, stat.S_IFDIR | 0o755)
        self._there.add(path)
        out = self._out
        words = [len(self._there), mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path) + 1, 0]
        out.write(b"070701" + "".join(f"{word:08X}" for word in words).encode())
        out.write(path + b"\0")
        out.write(b"\0" * (-out.tell() % 4) + data)
        out.write(b"\0" * (-out.tell() % 4))

    class Tree:
        """The part of the archive that becomes the machine's root."""

        def __init__(self, archive, top):
            self._archive, self._top = archive, top
            for name in (b"bin", b"sbin", b"lib", b"lib64"):
                archive.folder(b"/".join([top, b"usr", name]))
                archive.link(top + b"/" + name, b"usr/" + name)
            for name in (b"proc", b"sys", b"dev", b"run", b"etc", b"var", b"vm"):
                archive.folder(top + b"/" + name)
            archive.folder(top + b"/root", 0o700)
            archive.folder(top + b"/tmp", 0o1777)

        def add_file(self, path, contents):
            contents, mode = contents if isinstance(contents, tuple) else (contents, 0o644)
            if not isinstance(contents, bytes):
                with open(contents, "rb") as file:
                    contents = file.read()
            self._archive.add(self._top + _inside(path), contents, mode)

        def add_link(self, path, target):
            self._archive.link(self._top + _inside(path), target)

        def add_program(self, program, place=None):
            found = shutil.which(program)
            if found is None:
                skip(f"{program} is not installed")
            for path in libraries(found):
                self.add_file(path, (path, 0o755))
            self.add_file(place or found, (found, 0o755))

        def add_folder(self, folder):
            for at, names, files in os.walk(os.fsencode(folder)):
                for name in names + files:
                    path = os.path.join(at, name)
                    mode = os.lstat(path).st_mode
                    if stat.S_ISLNK(mode):
                        self.add_link(path, os.readlink(path))
                    elif stat.S_ISREG(mode):
                        self.add_file(path, (os.fsdecode(path), stat.S_IMODE(mode)))
                    elif stat.S_ISDIR(mode):
                        self._archive.folder(self._top + _inside(path), stat.S_IMODE(mode))

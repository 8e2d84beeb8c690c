"""The program of tests/record_mounts.py: it mounts in every way that AppArmor is asked about, traces
a child and reads the environment of another; and what it does beyond that, as attacks."""

WORK = r'''
import ctypes, os, signal, sys, time
libc = ctypes.CDLL(None, use_errno=True)
sys.tracebacklimit = 0  # showing where it failed would read the sources
NEWNS = 0x20000
RDONLY, NOSUID, NODEV, REMOUNT, BIND, MOVE, REC, PRIVATE, SHARED = (
    1, 2, 4, 32, 4096, 8192, 16384, 1 << 18, 1 << 20)
DETACH = 2
here = os.fsencode(sys.argv[2])


def call(name, *words):
    if getattr(libc, name)(*words) < 0:
        raise OSError(ctypes.get_errno(), name)


def at(name):
    return os.path.join(here, name)


def mount(source, target, kind=None, flags=0):
    call("mount", source, target, kind, ctypes.c_ulong(flags), None)


def pivot(root, put):
    call("syscall", 155, root, put)


def apart():
    call("unshare", NEWNS)
    mount(None, b"/", None, REC | PRIVATE)


def waiting(prepare=lambda: None):
    child = os.fork()
    if child == 0:
        prepare()
        signal.pause()
    return child


def trace(pid):
    call("ptrace", 16, pid, None, None)
    os.waitpid(pid, 0)
    call("ptrace", 17, pid, None, None)


def environ(pid):
    with open(f"/proc/{pid}/environ", "rb") as file:
        return file.read(1)


def end(child):
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def work():
    for name in (b"tree", b"bound", b"source", b"root", b"moved"):
        os.makedirs(at(name), exist_ok=True)
    for name in (b"file", b"onto"):
        os.close(os.open(at(name), os.O_CREAT | os.O_WRONLY))
    if not os.path.islink(at(b"link")):
        os.symlink(b"source", at(b"link"))
    apart()
    # The recorder looks for the root of a new namespace, a moment later.
    time.sleep(0.5)
    mount(b"tmpfs", at(b"tree"), b"tmpfs", NOSUID)
    mount(at(b"link"), at(b"bound"), None, BIND | REC)
    mount(at(b"file"), at(b"onto"), None, BIND)
    mount(None, at(b"tree"), None, REMOUNT | RDONLY | NOSUID)
    mount(None, at(b"tree"), None, SHARED)
    mount(None, at(b"tree"), None, PRIVATE)
    mount(at(b"tree"), at(b"moved"), None, MOVE)
    call("umount2", at(b"onto"), 0)
    call("umount2", at(b"bound"), DETACH)
    child = waiting()
    trace(child)
    environ(child)
    end(child)
    mount(b"", at(b"root"), b"tmpfs")
    os.mkdir(at(b"root/put"))
    pivot(at(b"root"), at(b"root/put"))
    os.chdir("/")
    call("umount2", b"/put", DETACH)
    os.write(1, b"worked\n")
    os._exit(0)


ATTACKS = {
    "another-type": lambda: mount(b"tmpfs", at(b"tree"), b"ramfs", NOSUID),
    "another-target": lambda: mount(b"tmpfs", b"/victim/folder", b"tmpfs", NOSUID),
    "other-options": lambda: mount(b"tmpfs", at(b"tree"), b"tmpfs", 0),
    "another-source": lambda: mount(b"/etc", at(b"bound"), None, BIND | REC),
    "another-file": lambda: mount(b"/etc/shadow", at(b"onto"), None, BIND),
    "remount-writable": lambda: mount(None, b"/victim/mount", None, REMOUNT),
    "remount-writable-there": lambda: (mount(b"tmpfs", at(b"tree"), b"tmpfs", NOSUID),
                                       mount(None, at(b"tree"), None, REMOUNT | NOSUID)),
    "share": lambda: mount(None, b"/", None, REC | SHARED),
    "move": lambda: mount(b"/victim/mount", at(b"moved"), None, MOVE),
    "unmount": lambda: call("umount2", b"/victim/mount", DETACH),
    "change-root": lambda: pivot(b"/victim/mount", b"/victim/mount/put"),
    "trace-outside": lambda: trace_outside(int(os.environ["OTHER"])),
    "read-outside": lambda: environ(int(os.environ["OTHER"])),
}


def trace_outside(pid):
    call("ptrace", 0x4206, pid, None, None)  # PTRACE_SEIZE


def attack():
    """Each in a process and a namespace of its own."""
    for name, act in ATTACKS.items():
        child = os.fork()
        if child == 0:
            try:
                apart()
            except OSError:
                os._exit(2)
            try:
                act()
            except OSError:
                os._exit(1)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(name, {0: "done", 1: "refused"}.get(status, "failed"), flush=True)


{"work": work, "attack": attack}[sys.argv[1]]()
'''

# What AppArmor is asked for by work(), below the folder that it is given.
MOUNTS = {
    ("propagation", "", ("rprivate",), "", "/"),
    ("mount", "tmpfs", ("nosuid", "rw"), "tmpfs", "HERE/tree/"),
    ("bind", "", ("rbind",), "HERE/source/", "HERE/bound/"),
    ("bind", "", ("bind",), "HERE/file", "HERE/onto"),
    ("remount", "", ("nosuid", "ro"), "", "HERE/tree/"),
    ("propagation", "", ("shared",), "", "HERE/tree/"),
    ("propagation", "", ("private",), "", "HERE/tree/"),
    ("move", "", (), "HERE/tree/", "HERE/moved/"),
    ("umount", "", (), "", "HERE/onto"),
    ("umount", "", (), "", "HERE/bound/"),
    ("mount", "tmpfs", ("rw",), "", "HERE/root/"),
    ("pivot_root", "", (), "HERE/root/put/", "HERE/root/"),
    ("umount", "", (), "", "/put/"),
}


def mounts(evidence, folder):
    """Those of the workload's own, as they stand in MOUNTS."""
    def named(text):
        return text and text.replace(folder, "HERE", 1)
    return {(fact["operation"], fact["fstype"], tuple(fact["options"]), named(fact["source"]),
             named(fact["target"])) for process in evidence["processes"]
            if process["origin"] not in ("runtime", "harness") for fact in process["mounts"]}


def traces(evidence):
    """{(access, other side)} of the workload's own."""
    return {(fact["access"], fact["exe"] or fact["other"]) for process in evidence["processes"]
            if process["origin"] not in ("runtime", "harness") for fact in process["traces"]}

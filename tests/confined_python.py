"""The Python program of tests/vm_confined.py: a database in SQLite, numbered files, a helper, a
child that it signals; and the attacks that are made out of it."""

WORK = r'''
import ctypes, os, signal, socket, sqlite3, subprocess, sys, tempfile
libc = ctypes.CDLL(None, use_errno=True)
sys.tracebacklimit = 0  # showing where it failed would read the sources


def call(name, *words):
    if getattr(libc, name)(*words) < 0:
        raise OSError(ctypes.get_errno(), name)


def parts():
    for number in range(1, 5):
        for mode in ("ab", "rb"):
            try:
                open(f"/var/lib/work/part-{number}", mode).close()
            except OSError as error:
                print(number, mode, error.strerror)


def whole(folder, name):
    """A file that gets its name when it is whole."""
    place = os.path.join(folder, name)
    file = os.open(folder, os.O_TMPFILE | os.O_WRONLY, 0o600)
    os.write(file, b"x")
    at_fdcwd, at_symlink_follow = -100, 0x400
    call("linkat", at_fdcwd, f"/proc/self/fd/{file}".encode(), at_fdcwd, place.encode(),
         at_symlink_follow)
    os.close(file)
    read(place)
    os.unlink(place)


def work():
    parts()
    database = sqlite3.connect("/var/lib/work/data.db")
    database.execute("create table if not exists t (n integer)")
    for n in range(20):
        with database:
            database.execute("insert into t values (?)", (n,))
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"x")
    whole("/var/lib/work", "whole")
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

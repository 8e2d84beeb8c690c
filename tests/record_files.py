"""The files in the evidence are those that were accessed, by the path AppArmor is asked about."""

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile

import support
from record_counts import kinds, record, resumed_after_a_kill
from support import vambrace

# Accesses files in every way that the recorder knows; prints its pid. Argument: an empty folder.
ACCESSES = r"""
import ctypes, fcntl, mmap, os, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)
here = os.fsencode(sys.argv[1])
def call(name, *words):
    if getattr(libc, name)(*words) < 0:
        raise OSError(ctypes.get_errno(), name)
def at(*names):
    return os.path.join(here, *names)
def touch(*names):
    call("syscall", 133, at(*names), 0o100644, 0)  # mknod: tells no file
def look(path, flags=os.O_RDONLY, **more):
    os.close(os.open(path, flags, **more))
def mapped(path, prot):
    fd = os.open(path, os.O_RDONLY)
    libc.mmap.restype = ctypes.c_void_p
    place = libc.mmap(None, 4096, prot, 2, fd, 0)
    os.close(fd)
    return ctypes.c_void_p(place)

for name in [b"plain", b"other", b"log", b"cut", b"sized", b"lib", b"late", b"inner", b"gone",
             b"locked", b"implied", b"place", b"moved", b"theirs", b"bad\n\xff\"name"]:
    touch(name)
os.chown(at(b"theirs"), 1, 1)
for name in [b"dir", b"lower", b"upper", b"work", b"merged", b"bound", b"jail", b"a", b"a/c"]:
    os.mkdir(at(name))
for name in [b"dir/inner", b"lower/x", b"jail/inside", b"a/c/d"]:
    touch(name)
os.symlink(b"plain", at(b"link"))
os.symlink(b"dir", at(b"dirlink"))
folder = os.open(here, os.O_PATH)

os.chdir(here)
look(b"plain")
look(b"link")
look(b"plain", dir_fd=folder)
look(at(b"dir", b"..", b"plain"))
look(at(b"dirlink", b"inner"))
look(at(b"new"), os.O_CREAT | os.O_WRONLY | os.O_EXCL)
look(at(b"log"), os.O_CREAT | os.O_WRONLY | os.O_APPEND)
look(at(b"cut"), os.O_RDWR | os.O_TRUNC)
look(at(b"theirs"))
look(at(b"bad\n\xff\"name"))
look(at(b"other"), os.O_PATH)
try:
    look(at(b"none"))
except FileNotFoundError:
    pass
os.listdir(at(b"dir"))
libc.creat(at(b"made"), 0o644)

sized = os.open(at(b"sized"), os.O_RDWR)
os.ftruncate(sized, 4096)
os.fchmod(sized, 0o600)
os.fchown(sized, 0, 0)
locked = os.open(at(b"locked"), os.O_RDWR)
fcntl.flock(locked, fcntl.LOCK_EX)
fcntl.lockf(locked, fcntl.LOCK_SH)

mapped(at(b"lib"), 1 | 4)
libc.mprotect(mapped(at(b"late"), 1), 4096, 1 | 4)

# What may be read may be executed.
if os.fork() == 0:
    libc.personality(0x0400000)
    mapped(at(b"implied"), 1)
    os._exit(0)
os.wait()

gone = os.open(at(b"gone"), os.O_RDWR)
os.unlink(at(b"gone"))
look(b"/proc/self/fd/%d" % gone)
look(b"/proc/self/status")
look(b"/proc/1/status")
memory = os.memfd_create("vmb-memory")
look(b"/proc/self/fd/%d" % memory, os.O_RDWR)
reader, writer = os.pipe()
look(b"/proc/self/fd/%d" % reader)

# The same file again, below a folder that has another name now.
look(at(b"a/c/d"))
os.rename(at(b"a"), at(b"b"))
look(at(b"b/c/d"))

call("unshare", 0x20000)
call("mount", None, b"/", None, 1 << 18 | 1 << 14, None)  # MS_PRIVATE | MS_REC
call("mount", at(b"dir"), at(b"bound"), None, 1 << 12, None)
look(at(b"bound", b"inner"))
inside = os.open(at(b"bound"), os.O_PATH)
call("umount2", at(b"bound"), 2)
look(b"inner", dir_fd=inside)
call("mount", b"tmpfs", at(b"upper"), b"tmpfs", 0, None)
for name in [b"upper/up", b"upper/work"]:
    os.mkdir(at(name))
call("mount", b"overlay", at(b"merged"), b"overlay", 0,
     b"lowerdir=%s,upperdir=%s,workdir=%s" % (at(b"lower"), at(b"upper/up"), at(b"upper/work")))
look(at(b"merged", b"x"))
look(at(b"merged", b"x"), os.O_WRONLY)
os.truncate(at(b"merged", b"x"), 4096)
libc.mprotect(mapped(at(b"merged", b"x"), 1), 4096, 1 | 4)
# AppArmor's path does not begin at the root of a chroot.
if os.fork() == 0:
    os.chroot(at(b"jail"))
    look(b"/inside")
    os._exit(0)
os.wait()
print(os.getpid())
"""

# What calls that give no descriptor name, each file by another call.
NAMES = r"""
import ctypes, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
here = os.fsencode(sys.argv[1])
os.chdir(here)
os.mkdir(b"dir")
os.symlink(b"dir", b"way")
os.symlink(here + b"/way", b"far")
folder = os.open(b"dir", os.O_PATH)
os.mknod(b"far/plain")
os.mknod(b"node", dir_fd=folder)
os.link(b"dir/node", b"./way/../linked")
os.chmod(b"far/plain", 0o600)
os.symlink(b"far/plain", b"last")
os.chmod(b"last", 0o644)
os.chown(b"plain", 1, 1, dir_fd=folder)
os.lchown(b"dir/node", 1, 1)
held = os.open(b"dir/node", os.O_PATH)
libc.fchownat(held, b"", 2, 2, 0x1000)  # AT_EMPTY_PATH: the file itself
os.truncate(b"linked", 10)
os.rename(b"way/plain", b"dir/moved")
libc.syscall(316, folder, b"moved", -100, b"again", 0)  # renameat2
libc.syscall(316, -100, b"again", -100, b"linked", 2)  # RENAME_EXCHANGE
server = socket.socket(socket.AF_UNIX)
server.bind(b"way/socket")
server.listen()
client = socket.socket(socket.AF_UNIX)
client.connect(here + b"/far/socket")
socket.socket(socket.AF_UNIX).bind(b"\0abstract")
os.unlink(b"dir/socket")
os.unlink(b"node", dir_fd=folder)
os.mkdir(b"bad\n\"\xff")
os.rmdir(b"bad\n\"\xff")
os.mkdir(b"inner", dir_fd=folder)
libc.unlinkat(folder, b"inner", 0x200)
for failing in (b"none", b"dir"):  # a folder is refused when AppArmor was asked
    try:
        os.unlink(failing)
    except OSError:
        pass
os.mkdir(b"x" * 200)
os.mkdir(b"was")
os.chmod(b"was", 0o700)
os.rename(b"was", b"dir/is")
os.chown(b"far/is", 0, 0)
"""

# Names that lead through what the kernel shows a task of itself. Scripts are executed so, too, and
# by their descriptor alone.
OWN = r"""
import os, sys
here = sys.argv[1]
os.chdir(here)
def opened(name):
    return os.open(name, os.O_CREAT | os.O_WRONLY)
def script(name):
    with open(name, "w") as file:
        file.write("#!/bin/sh\nexit 3\n")
    os.chmod(name, 0o755)
    return os.open(name, os.O_RDONLY)
def starts(what, *words):
    if os.fork() == 0:
        os.execve(what, list(words), os.environ)
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 3, what
os.dup2(opened("out"), 1)
changed, owned, cut = opened("changed"), opened("owned"), opened("cut")
os.chmod(f"/proc/self/fd/{changed}", 0o600)
os.chown(f"/dev/fd/{owned}", 0, 0)
os.truncate(f"/proc/thread-self/fd/{cut}", 5)
os.chown("/dev/stdout", 0, 0)
os.mkdir("/proc/self/cwd/dir")
os.mkdir("/proc/thread-self/cwd/dir/deep")
os.mkdir("/proc/self/root" + here + "/rooted")
folder = os.open("dir", os.O_PATH)
os.mkdir(f"/proc/self/fd/{folder}/inner")
os.rename(f"/dev/fd/{folder}/inner", "/proc/self/cwd/moved")
for name in ("cwd.sh", "named.sh", "held.sh"):
    os.set_inheritable(held := script(name), True)
    starts({"cwd.sh": "/proc/self/cwd/cwd.sh", "named.sh": f"/proc/self/fd/{held}"}.get(name, held),
           name)
"""

# Calls that fail when AppArmor has been asked, and one of each kind that fails before.
FAILING = r"""
import errno, fcntl, os, sys
os.chdir(sys.argv[1])
def fails(error, call, *words, **more):
    try:
        call(*words, **more)
    except OSError as said:
        assert said.errno == error, (call, words, said)
    else:
        raise AssertionError((call, words))
def touch(name, mode=0o644):
    os.mknod(name, 0o100000 | mode)
for name in ("flocked", "set", "full", "taken", "dir"):
    (os.mkdir if name in ("full", "taken", "dir") else touch)(name)
for name in ("full/x", "taken/x"):
    touch(name)
ready, tell = os.pipe()
go, let = os.pipe()
if os.fork() == 0:
    fcntl.flock(os.open("flocked", os.O_RDWR), fcntl.LOCK_EX)
    fcntl.lockf(os.open("set", os.O_RDWR), fcntl.LOCK_EX)
    os.write(tell, b"x")
    os.read(go, 1)
    os._exit(0)
os.read(ready, 1)
if os.fork() == 0:
    here = os.open("flocked", os.O_RDONLY)
    fails(errno.EAGAIN, fcntl.flock, here, fcntl.LOCK_SH | fcntl.LOCK_NB)
    here = os.open("set", os.O_WRONLY | os.O_APPEND)
    fails(errno.EAGAIN, fcntl.lockf, here, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fails(errno.ENOTEMPTY, os.rmdir, "full")
    fails(errno.EISDIR, os.unlink, "full")
    fails(errno.ENOTEMPTY, os.rename, "dir", "taken")
    os.mkfifo("fifo")
    fails(errno.ENXIO, os.open, "fifo", os.O_WRONLY | os.O_NONBLOCK)
    touch("bare", 0o755)
    os.truncate("bare", 10)
    fails(errno.ENOEXEC, os.execv, "./bare", ["bare"])
    os._exit(0)
assert os.wait()[1] == 0
os.write(let, b"x")
os.wait()
for error, call, words in ((errno.ENOENT, os.open, ("none", os.O_RDWR)),
                           (errno.EEXIST, os.mkdir, ("dir",)),
                           (errno.ENOENT, os.rename, ("none", "new")),
                           (errno.ENOENT, os.execv, ("./none", ["none"]))):
    fails(error, call, *words)
"""

ASKED = {
    "/flocked k", "/set kw", "/full/ d", "/dir/ drw", "/taken/ cw", "/fifo w", "/bare x",
}

# What else FAILING does.
MADE = {
    "/full/ c", "/full/x c", "/taken/ c", "/taken/x c", "/dir/ c", "/fifo c", "/bare c", "/bare w",
    "/flocked c", "/flocked r", "/flocked rw", "/flocked kw", "/set c", "/set rw", "/set a",
}

NAMED = {
    "/dir/ c", "/way c", "/far c", "/dir/plain c", "/dir/node c", "/linked l", "/dir/plain p",
    "/last c", "/dir/plain o", "/dir/node o", "/linked w", "/dir/plain drw", "/dir/moved cw",
    "/dir/moved drw", "/again cw", "/again drw", "/linked cw", "/linked drw", "/dir/socket c", "/dir/socket rw", "/dir/socket d",
    "/dir/node d", "/bad\n\"\xff/ c", "/bad\n\"\xff/ d", "/dir/inner/ c", "/dir/inner/ d",
    "/" + "x" * 200 + "/ c", "/was/ c", "/was/ p", "/was/ drw", "/dir/is/ cw",
    "/dir/is/ o", "/dir/ d",
    # What a rename made; an exchange makes nothing.
    "/dir/moved c", "/again c", "/dir/is/ c",
}

OWNED = {
    "/out c", "/out cw", "/out o", "/changed c", "/changed cw", "/changed p", "/owned c",
    "/owned cw", "/owned o", "/cut c", "/cut cw", "/cut w", "/dir/ c", "/dir/deep/ c", "/rooted/ c",
    "/dir/inner/ c", "/dir/inner/ drw", "/moved/ cw", "/moved/ c",
} | {f"/{name}.sh {letters}" for name in ("cwd", "named", "held")
     for letters in ("c", "cw", "p", "r", "x")}

EXPECTED = {
    "/plain r", "/dir/inner r", "/new c", "/new cw", "/log ac", "/cut rw", "/theirs r", "/bad\n\xff\"name r",
    "/dir/ r", "/made c", "/made cw", "/sized rw", "/sized w", "/sized p", "/sized o", "/locked rw",
    "/locked kw", "/locked k", "/lib r", "/lib mr", "/late r", "/late mr", "/implied r", "/implied mr", "/gone rw", "/gone r",
    "/a/c/d r", "/b/c/d r", "/bound/inner r", "/merged/x r", "/merged/x w", "/merged/x mr", "/jail/inside r",
}


def unquoted(text):
    r"""The bytes, as latin-1, of a text of the evidence: \xNN and \\ are escapes."""
    plain = text.encode("utf-8").decode("latin-1")
    return re.sub(r"\\(?:x([0-9a-f]{2})|(\\))",
                  lambda m: chr(int(m[1], 16)) if m[1] else "\\", plain)


def files(evidence, wanted=lambda process: True, only_named=False):
    """{(path, letters): fact} of the files that were seen, or that were only named."""
    return {(unquoted(fact["path"]), fact["access"]): fact
            for process in evidence["processes"] if wanted(process)
            for fact in process["files"] if (fact["owner"] is None) == only_named}


def is_python(process):
    return "/python" in process["exe"] and process["origin"] != "runtime"


def record_accesses(*words):
    folder = support.temp_dir()
    script = os.path.join(support.temp_dir(), "accesses.py")
    support.write(script, ACCESSES)
    evidence = record(*words, command=["python3", script, folder])
    return evidence, folder


def test_every_access_has_its_path_and_letters_and_there_is_no_other():
    evidence, folder = record_accesses()
    # It makes a mount namespace of its own, whose root is gone with it unless the recorder has
    # held it since the first mount.
    assert kinds(evidence) <= {"links_unfollowed"}, evidence["verdict"]
    found = files(evidence, is_python)
    below = {f"{path.removeprefix(folder)} {letters}": fact
             for (path, letters), fact in found.items() if path.startswith(folder + "/")}
    assert set(below) == EXPECTED, (f"missing {sorted(EXPECTED - set(below))}, "
                                    f"more {sorted(set(below) - EXPECTED)}")
    assert below["/plain r"]["count"] == 4, below["/plain r"]
    assert below["/theirs r"]["owner"] is False and below["/plain r"]["owner"] is True
    elsewhere = {f"{path} {letters}" for path, letters in found}
    for wanted in ["tmpfs:memfd:vmb-memory rw", "pipefs: r", "disconnected:/inner r",
                   "/proc/1/status r"]:
        assert wanted in elsewhere, (wanted, sorted(elsewhere))
    own = {path for path, _ in found if re.fullmatch(r"/proc/\d+/status", path)}
    assert len(own) == 2, own


def named(evidence, folder, wanted=is_python):
    return {f"{path.removeprefix(folder)} {letters}"
            for path, letters in files(evidence, wanted, only_named=True)
            if path.startswith(folder + "/")}


def test_files_that_are_only_named_have_the_path_that_their_links_lead_to():
    folder = os.path.realpath(support.temp_dir())
    evidence = record(command=["python3", "-c", NAMES, folder])
    assert kinds(evidence) == set(), evidence["verdict"]
    found = named(evidence, folder)
    assert found == NAMED, (f"missing {sorted(NAMED - found)}, more {sorted(found - NAMED)}")
    assert (folder + "/dir/node", "o") in files(evidence, is_python), "fchownat of a descriptor"


def changed_or_started(evidence):
    """{"path letters"} of the workload's files that were not only read."""
    return {f"{unquoted(fact['path'])} {fact['access']}" for process in evidence["processes"]
            if process["origin"] not in ("runtime", "harness") for fact in process["files"]
            if set(fact["access"]) & set("acdloprwx") - {"r"}}


def test_names_through_what_a_task_is_shown_of_itself_lead_to_its_own_files():
    folder = os.path.realpath(support.temp_dir())
    evidence = record(command=["python3", "-c", OWN, folder])
    assert kinds(evidence) == set(), evidence["verdict"]
    found = files(evidence, is_python) | files(evidence, is_python, only_named=True)
    below = {f"{path.removeprefix(folder)} {letters}" for path, letters in found
             if path.startswith(folder + "/")}
    assert below == OWNED, f"missing {sorted(OWNED - below)}, more {sorted(below - OWNED)}"
    elsewhere = {one for one in changed_or_started(evidence)
                 if not one.startswith(folder + "/") and not one.endswith((" x", " mr"))}
    assert all(one.startswith("/dev/null ") for one in elsewhere), elsewhere


LINKED = r"""
import os, sys
os.chdir(sys.argv[1])
os.symlink("/proc/self/cwd/file", "way")
os.close(os.open("file", os.O_CREAT | os.O_WRONLY))
os.chmod("way", 0o600)
"""


def test_a_link_into_what_a_task_is_shown_of_itself_leads_to_no_file_of_the_recorders():
    folder = os.path.realpath(support.temp_dir())
    evidence = record(command=["python3", "-c", LINKED, folder])
    changed = {one for one in changed_or_started(evidence) if one.endswith(" p")}
    if evidence["recordings"][0]["probes"]["paths"].startswith("lsm/"):
        assert changed == {f"{folder}/file p"}, changed
        return
    assert changed == set(), changed
    assert kinds(evidence) == {"links_unfollowed"}, evidence["verdict"]


def asked_in_vain(evidence, folder):
    """What FAILING's calls asked that did not succeed: no other call of it names these so."""
    return {f"{unquoted(fact['path']).removeprefix(folder)} {fact['access']}"
            for process in evidence["processes"] if is_python(process)
            for fact in process["files"]
            if unquoted(fact["path"]).startswith(folder + "/")
            and f"{unquoted(fact['path']).removeprefix(folder)} {fact['access']}" not in MADE}


def test_what_apparmor_was_asked_is_told_although_the_call_failed():
    folder = os.path.realpath(support.temp_dir())
    evidence = record(command=["python3", "-c", FAILING, folder])
    assert kinds(evidence) == set(), evidence["verdict"]
    found = asked_in_vain(evidence, folder)
    assert found == ASKED, (f"missing {sorted(ASKED - found)}, more {sorted(found - ASKED)}")


def test_links_are_followed_in_the_root_of_a_container():
    support.require_docker()
    support.image()
    name = support.container_name("named")
    script = "mkdir -p /srv/real && ln -s /srv /way && mkdir /way/real/made && sleep 0.5"
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "evidence.json")
        vambrace("record", "-o", path, "--container", name, "--", "docker", "run", "--rm",
                 "--name", name, "--security-opt", "seccomp=unconfined", support.IMAGE,
                 "sh", "-c", script, expect=0)
        with open(path, encoding="utf-8") as file:
            evidence = json.load(file)
    assert kinds(evidence) == set(), evidence["verdict"]
    found = named(evidence, "", lambda process: process["origin"] == "helper")
    assert {"/way c", "/srv/real/made/ c"} <= found, found


def test_a_program_is_executed_by_its_starter_and_mapped_for_itself():
    evidence = record(command=["sh", "-c", "cat /dev/null; exit"])
    cat = os.path.realpath(shutil.which("cat"))
    shell = os.path.realpath(shutil.which("sh"))
    starter = files(evidence, lambda process: process["exe"] == shell)
    program = files(evidence, lambda process: process["exe"] == cat)
    assert (cat, "x") in starter, sorted(starter)
    assert (cat, "mr") in program, sorted(program)
    loader = [path for path, letters in program if letters == "mr" and "/ld-" in path]
    assert len(loader) == 1 and loader[0] == os.path.realpath(loader[0]), sorted(program)


# A script by its path, from its folder, over a link to it and one to its folder, by an
# interpreter that is a script, through env, and given to the interpreter.
SCRIPTS = """
cd {0} && real/one.sh && ./real/two.sh && ./link && far/three.sh && ./nested && ./env.py &&
sh real/given.sh && cd real && ./four.sh
"""


def test_a_script_is_executed_by_its_starter_whatever_it_was_called():
    folder = os.path.realpath(support.temp_dir())
    os.mkdir(f"{folder}/real")
    names = ["one.sh", "two.sh", "three.sh", "four.sh", "given.sh", "linked.sh"]
    for name, text in [*((f"real/{name}", "#!/bin/sh\ntrue\n") for name in names),
                       ("nested", f"#!{folder}/real/one.sh\n"),
                       ("env.py", "#!/usr/bin/env python3\n")]:
        os.chmod(support.write(f"{folder}/{name}", text), 0o755)
    os.symlink("real/linked.sh", f"{folder}/link")
    os.symlink("real", f"{folder}/far")
    evidence = record(command=["bash", "-c", SCRIPTS.format(folder)])
    assert kinds(evidence) == set(), evidence["verdict"]
    started = {path.removeprefix(folder + "/"): process["exe"] for process in evidence["processes"]
               for fact in process["files"] if "x" in fact["access"]
               for path in [unquoted(fact["path"])] if path.startswith(folder)}
    wanted = {f"real/{name}" for name in names if name != "given.sh"} | {"nested", "env.py"}
    assert set(started) == wanted, (started, wanted)
    assert all(exe.endswith("/bash") for exe in started.values()), started
    # What a first line names is opened by the kernel, of its own accord.
    asked = {path for process in evidence["processes"] if process["exe"].endswith("/bash")
             for fact in process["files"] if "x" in fact["access"] for path in [fact["path"]]}
    assert not any(path.endswith("/env") for path in asked), asked


def given_sockets(evidence, program):
    return {(fact["family"], fact["type"])
            for process in evidence["processes"] if process["origin"] != "runtime"
            and os.path.basename(process["exe"]).startswith(program)
            for fact in process["network"] if fact["operation"] == "inherit"}


# Of four sockets two are handed on.
HAND_ON = r'''
import socket, subprocess
mine, other = socket.socketpair()
mine.close()
listener = socket.socket(socket.AF_INET6)
kept = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)
subprocess.run(["cat"], stdin=other, pass_fds=[listener.fileno()], check=True)
'''


def test_sockets_that_a_program_is_started_with_are_told_for_that_program():
    evidence = record(command=["python3", "-c", HAND_ON])
    assert kinds(evidence) == set(), evidence["verdict"]
    assert given_sockets(evidence, "cat") == {("unix", "stream"), ("inet6", "stream")}, evidence
    assert given_sockets(evidence, "python") == set(), evidence


def test_output_that_is_a_socket_is_told_for_the_main_program_and_its_helpers():
    ours, theirs = socket.socketpair()
    with ours, theirs, tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "evidence.json")
        support.start([support.VAMBRACE, "record", "-o", path, "--", "sh", "-c",
                       "echo begun; ls / >/dev/null; exit"], stdout=theirs,
                      stderr=subprocess.DEVNULL).wait()
        theirs.close()
        with open(path, encoding="utf-8") as file:
            evidence = json.load(file)
    shell = os.path.basename(os.path.realpath(shutil.which("sh")))
    assert given_sockets(evidence, shell) == {("unix", "stream")}, evidence
    # Its own standard output is another one.
    assert given_sockets(evidence, "ls") == set(), evidence


# Receives a file and a socket, after a message without either, and with room for neither.
RECEIVE = r'''
import os, socket, sys
giver, taker = socket.socketpair()
taker.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
os.close(os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY))
pid = os.fork()
if pid == 0:
    given = os.open(sys.argv[1], os.O_RDONLY)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        giver.send(b"x")
        giver.send(b"y")
        socket.send_fds(giver, [b"z"], [given, other.fileno()])
    os._exit(0)
os.waitpid(pid, 0)
taker.recvmsg(1)
taker.recvmsg(1, 200)
taker.recvmsg(1, 200)
'''


def test_descriptors_that_came_with_a_message_are_told():
    path = os.path.join(os.path.realpath(support.temp_dir()), "given")
    evidence = record("--file-probe", "calls", command=["python3", "-c", RECEIVE, path])
    assert kinds(evidence) == set(), evidence["verdict"]
    assert files(evidence, is_python)[path, "ir"]["count"] == 1, sorted(files(evidence, is_python))
    assert given_sockets(evidence, "python") == {("inet", "dgram")}, evidence


def test_a_full_table_of_files_is_a_gap():
    evidence, _ = record_accesses("--max-facts", "64")
    details = {gap["detail"].split(" ")[0] for gap in evidence["verdict"]["gaps"]
               if gap["kind"] == "map_full"}
    assert "files" in details or "paths" in details, evidence["verdict"]


# More files than a task remembers, in two threads and a child, again and again; then waits.
AGAIN = """
import os, sys, threading, time
def look(name):
    os.close(os.open(os.path.join(sys.argv[1], name), os.O_RDONLY))
def all_of_them():
    for turn in range(300):
        for number in range(9):
            look(str(number))
        if turn % 3 == 0:
            look("0")
other = threading.Thread(target=all_of_them)
other.start()
all_of_them()
other.join()
if os.fork() == 0:
    all_of_them()
    os._exit(0)
os.wait()
print("done", flush=True)
time.sleep(float(sys.argv[2]))
"""


def expect_all_counted(evidence, folder):
    counted = {path.removeprefix(folder + "/"): fact["count"]
               for (path, letters), fact in
               files(evidence, lambda process: "/python" in process["exe"]).items()
               if path.startswith(folder + "/") and letters == "r"}
    assert counted == {str(number): 900 + (300 if number == 0 else 0) for number in range(9)}, counted


def folder_of_nine():
    folder = os.path.realpath(support.temp_dir())
    for number in range(9):
        support.write(os.path.join(folder, str(number)), "")
    return folder


def test_every_access_is_counted_however_they_alternate():
    folder = folder_of_nine()
    expect_all_counted(record(command=["python3", "-c", AGAIN, folder, "0"]), folder)


def test_no_access_is_lost_with_its_recorder():
    folder = folder_of_nine()
    # The threads that remember the files still run.
    expect_all_counted(resumed_after_a_kill("python3", "-c", AGAIN, folder, "300"), folder)


def test_a_file_that_is_made_again_and_again_is_one_file():
    # A database's journal, say. On tmpfs each is a new dentry.
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        code = ("import os, sys\nfor turn in range(3000):\n"
                " name = os.path.join(sys.argv[1], 'ab'[turn % 2])\n"
                " os.close(os.open(name, os.O_CREAT | os.O_WRONLY))\n os.unlink(name)")
        evidence = record("--max-facts", "1024", command=["python3", "-c", code, folder])
    assert kinds(evidence) == set(), evidence["verdict"]
    for wanted, only_named in (("c", False), ("cw", False), ("d", True)):
        counts = {path.rpartition("/")[2]: fact["count"]
                  for (path, letters), fact in files(evidence, only_named=only_named).items()
                  if path.startswith(folder + "/") and letters == wanted}
        assert counts == {"a": 1500, "b": 1500}, counts


# Opens new files in folders that are renamed meanwhile; says where each was.
MOVED = r"""
import os, random, sys
root, draw = sys.argv[1], random.Random(7)
folders, said = [], open(sys.argv[2], "w")
for number in range(20):
    above = draw.choice(folders) if folders and draw.randrange(2) else root
    folders.append(os.path.join(above, "d" * draw.choice([1, 2, 200]) + str(number)))
    os.mkdir(folders[-1])
def moved(path, old, new):
    return new + path[len(old):] if path == old or path.startswith(old + "/") else path
for number in range(3000):
    if number % 50 == 0:
        old = draw.choice(folders)
        new = os.path.join(os.path.dirname(old), "m" * draw.choice([1, 100]) + str(number))
        os.rename(old, new)
        folders = [moved(path, old, new) for path in folders]
    name = os.path.join(draw.choice(folders), "f" * draw.choice([1, 3, 200]) + str(number))
    os.close(os.open(name, os.O_CREAT | os.O_WRONLY | os.O_EXCL))
    said.write(name + "\n")
"""


def test_files_in_folders_that_are_renamed_are_where_they_were_then():
    with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile("r") as said:
        root = os.path.realpath(folder)
        evidence = record(command=["python3", "-c", MOVED, root, said.name])
        wanted = {line.rstrip("\n") for line in said}
    assert kinds(evidence) == set(), evidence["verdict"]
    assert len(wanted) == 3000
    found = {path for path, letters in files(evidence, is_python)
             if path.startswith(root + "/") and letters == "cw"}
    assert found == wanted, (sorted(found - wanted)[:3], sorted(wanted - found)[:3])


def test_light_has_no_files():
    evidence = record("--light", command=["cat", "/etc/passwd"])
    assert not files(evidence)
    assert "files were not watched" in evidence["verdict"]["gaps"][0]["detail"]


OPENED = re.compile(r"(?:open|openat|openat2|creat)\(.*\) += \d+<(.*)>$")


def opened(trace):
    """The paths of the opens that succeeded, as strace -y shows descriptors."""
    found, begun = set(), {}
    with open(trace, encoding="utf-8", errors="replace") as file:
        for line in file:
            task, said = line.rstrip("\n").split(maxsplit=1)
            # What another task's line cut in two goes on after "<... openat resumed>".
            if said.endswith(" <unfinished ...>"):
                begun[task] = said.removesuffix(" <unfinished ...>")
                continue
            if said.startswith("<... "):
                said = begun.pop(task, "") + said.partition(" resumed>")[2]
            match = OPENED.match(said)
            if match and "O_PATH" not in said:
                found.add(match[1].removesuffix(" (deleted)"))
    return found


def test_nginx_under_load_opens_what_strace_sees():
    support.require_program("strace", "nginx", "curl")
    directory = support.temp_dir()
    server = support.nginx(directory, workers=2)
    trace = os.path.join(directory, "trace")
    load = (f"{' '.join(server.command)} & server=$!; url=http://127.0.0.1:{server.port}; "
            "for i in $(seq 50); do curl -s -o /dev/null $url/ && break; sleep 0.1; done; "
            "for i in $(seq 200); do echo $url/index.html; done | xargs curl -s -o /dev/null; "
            "kill -QUIT $server; wait $server")
    evidence = record(command=["strace", "-f", "-y", "-s", "1024", "-o", trace, "bash", "-c", load])
    assert kinds(evidence) == set(), evidence["verdict"]
    strace = os.path.realpath(shutil.which("strace"))
    ours = files(evidence, lambda process: process["exe"] != strace
                 and process["origin"] != "runtime")
    # What is executed, mapped, locked or given away need not have been opened.
    ours = {path for path, letters in ours if not set(letters) & set("kmopx")}
    ours = {path if path == "/" else path.removesuffix("/") for path in ours}
    theirs = {path.removesuffix("/") or "/" for path in opened(trace)}
    assert any(path.endswith("index.html") for path in ours), sorted(ours)
    assert ours == theirs, f"only we {sorted(ours - theirs)}, only strace {sorted(theirs - ours)}"
    again = [fact["count"] for (path, _), fact in
             files(evidence, lambda process: process["exe"].endswith("/nginx")).items()
             if path.endswith("index.html")]
    assert sum(again) >= 200, again


if __name__ == "__main__":
    support.main()

#!/usr/bin/env python3
"""Sound on aarch64, too: programs of Debian 12 for arm64, which nobody here wrote,
run under qemu-user, which says each system call that they make; each must be in
the set that the static analysis gives for them. The program's own code is what
runs; the processor and the kernel are not real.

There is no list of exceptions. What a program of one file calls beside the set passes
if that file has gaps of calls whose number is not known, which is counted and printed:
qemu does not say where a call was made. The packages are fetched, not installed: apt has
them in a folder of its own, so that the machine's own packages stay as they are.
"""

import functools
import glob
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

import debian_archive
import support
from support import run, skip

QEMU = "qemu-aarch64-static"
# What the loads need; apt adds what these depend on.
PACKAGES = ("bash busybox-static coreutils git gosu grep gzip libc6 memcached nginx-light perl-base "
            "python3-minimal redis-server redis-tools ripgrep sed sqlite3 tar").split()
CALL = re.compile(r"^\d+ (?:Unknown syscall (\d+)|(\w+)\()", re.MULTILINE)

SVC, NOP = b"\x01\0\0\xd4", b"\x1f\x20\x03\xd5"

# program, words, standard input; {dir} is an empty folder. Shells and others start
# nothing but themselves: qemu runs one file.
LOADS = [
    ("/usr/bin/true", "", ""),
    ("/usr/bin/ls", "-laR /etc/apt {dir}", ""),
    ("/usr/bin/cp", "-a /etc/apt {dir}/copy", ""),
    ("/usr/bin/dd", "if=/dev/zero of={dir}/zero bs=4096 count=8 conv=fsync", ""),
    ("/usr/bin/sort", "-u --parallel=2 /etc/services", ""),
    ("/usr/bin/date", "", ""),
    ("/usr/bin/id", "", ""),
    ("/usr/bin/timeout", "1 /nonexistent", ""),
    ("/usr/bin/sleep", "0.01", ""),
    ("/usr/bin/tar", "-cf {dir}/a.tar /etc/apt", ""),
    ("/usr/bin/gzip", "-k {dir}/a.tar", ""),
    ("/usr/bin/grep", "-r deb /etc/apt", ""),
    ("/usr/bin/sed", "-i s/a/b/ {dir}/a.tar", ""),
    ("/usr/bin/bash", "", "x=$(echo a | while read l; do echo $l$l; done); trap 'echo t' USR1; kill -USR1 $$\n"
                          "for i in 1 2 3; do (exit $i) & done; wait; ulimit -n; umask 7; echo $x > {dir}/b; "
                          "cd {dir}; [ -r b ] && read y < b; exec 5<>b; type -p ls; printf '%(%s)T\\n' -1\n"),
    ("/usr/bin/perl", "", "open F, '>', '{dir}/p'; print F 'x' x 9000; close F; unlink '{dir}/p'; "
                          "if (!(my $c = fork)) { exit 3 } wait; print time, $?, join ',', glob '/etc/*';"
                          "$SIG{{ALRM}} = sub {{}}; alarm 1; select undef, undef, undef, 0.01; mkdir '{dir}/q';"),
    ("/usr/bin/python3.11", "-S -I", "import os, time, signal, threading, socket, select, tempfile\n"
     "t = threading.Thread(target=lambda: time.sleep(0.01)); t.start(); t.join()\n"
     "a, b = os.pipe(); os.write(b, b'x'); select.select([a], [], [], 0); os.read(a, 1)\n"
     "p = os.fork()\nif p == 0: os._exit(0)\nos.waitpid(p, 0)\n"
     "signal.signal(signal.SIGUSR1, lambda *x: None); os.kill(os.getpid(), signal.SIGUSR1)\n"
     "open('{dir}/py', 'w').write('x' * 100000); os.rename('{dir}/py', '{dir}/py2'); os.stat('{dir}/py2')\n"
     "os.listdir('/'); os.urandom(3); time.time(); os.getcwd(); os.sched_getaffinity(0)\n"),
    ("/usr/bin/sqlite3", "{dir}/s.db", "create table t(a); insert into t values (1), (2); begin; "
                                       "update t set a = a + 1; commit; select * from t; vacuum;\n"),
    ("/usr/bin/git", "init {dir}/g", ""),
    ("/usr/bin/git", "-C {dir}/g -c user.name=a -c user.email=a@b commit --allow-empty -m x", ""),
    ("/usr/bin/git", "-C {dir}/g log", ""),
    ("/usr/bin/rg", "deb /etc/apt", ""),
    ("/usr/sbin/gosu", "--version", ""),
    ("/usr/sbin/gosu", "nobody /nonexistent", ""),
    ("/usr/bin/busybox", "ls -la /etc", ""),
    ("/usr/bin/busybox", "sh", "echo a > {dir}/c; cat {dir}/c; mkdir {dir}/d; rm {dir}/c; (exit 2); date; "
                               "sleep 0.01; ps; mount; df /; id; uname -a; free; uptime; head -c 3 /dev/urandom\n"),
    ("/usr/bin/busybox", "nslookup localhost 127.0.0.1", ""),
    ("/usr/bin/busybox", "tar -cf {dir}/e.tar /etc/apt", ""),
]


# --- The programs -----------------------------------------------------------------

def apt(folder, sources, *words):
    """apt with lists, a cache and installed packages of its own: none."""
    state = f"{folder}/apt"
    options = {"APT::Architecture": "arm64", "APT::Architectures::": "arm64",
               "Dir::State": state, "Dir::State::status": f"{state}/status", "Dir::Cache": state,
               "Dir::Etc::sourcelist": sources, "Dir::Etc::sourceparts": "/dev/null",
               "Acquire::Retries": "1", "Acquire::http::Timeout": "20", "APT::Sandbox::User": "root"}
    return run("apt-get", *(word for pair in options.items() for word in ("-o", "=".join(pair))),
               "-q", *words, timeout=600)


@functools.cache
def root():
    """A folder with the programs and their libraries, as a container has them."""
    for tool in (QEMU, "apt-get", "dpkg-deb"):
        if not shutil.which(tool):
            skip(f"no {tool}")
    folder = os.path.join(os.environ.get("VAMBRACE_BUILD", f"{support.PROJECT}/build"), "arm64")
    done = f"{folder}/root/done"
    wanted = " ".join(PACKAGES)
    if os.path.exists(done) and open(done, encoding="utf-8").read() == wanted:
        return f"{folder}/root"
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("lists/partial", "archives/partial"):
        os.makedirs(f"{folder}/apt/{part}")
    open(f"{folder}/apt/status", "w", encoding="utf-8").close()
    try:
        sources = debian_archive.write_sources(f"{folder}/apt", "deb", "bookworm")
    except FileNotFoundError as error:
        skip(str(error))
    for words in (["update"], ["install", "--download-only", "-y", "--no-install-recommends", *PACKAGES]):
        said = apt(folder, sources, *words)
        packages = glob.glob(f"{folder}/apt/archives/*.deb")
        if said.code != 0 or (words[0] == "install" and not packages):
            skip(f"apt-get {words[0]} for arm64: {said.err.strip().splitlines()[-1:]}")
    # As Debian 12 is: /bin, /lib and /sbin are links.
    for name in ("bin", "lib", "sbin"):
        os.makedirs(f"{folder}/root/usr/{name}")
        os.symlink(f"usr/{name}", f"{folder}/root/{name}")
    for package in packages:
        content = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], capture_output=True, check=True)
        subprocess.run(["tar", "-x", "-C", f"{folder}/root", "--keep-directory-symlink"],
                       input=content.stdout, check=True)
    with open(done, "w", encoding="utf-8") as file:
        file.write(wanted)
    return f"{folder}/root"


# --- What they do -----------------------------------------------------------------

def words_for(program, words, log):
    return [QEMU, "-L", root(), "-strace", "-D", log, root() + program, *words]


def calls_in(log):
    """The calls that qemu's log names: names, or numbers that it has no name for."""
    return {int(number) if number else name for number, name in CALL.findall(log)}


def observed(program, words, text, folder):
    log = f"{folder}/log"
    subprocess.run(words_for(program, words.format(dir=folder).split(), log),
                   input=text.replace("{dir}", folder).replace("{{", "{").replace("}}", "}").encode(),
                   capture_output=True, timeout=120, check=False, cwd=folder)
    with open(log, encoding="utf-8", errors="replace") as file:
        return calls_in(file.read())


@functools.cache
def analyzed(program):
    done = run(support.VAMBRACE, "analyze", "--root", root(), program, "--json", timeout=300)
    assert done.code == 0, done.err
    return done.json()


def outside(program, seen):
    """Of what was seen, what the analysis does not have; prints both counts."""
    reach = analyzed(program)
    known = {call["name"] for call in reach["syscalls"]} | {call["nr"] for call in reach["syscalls"]}
    print(f"{program}: {len(seen)} calls seen, {len(reach['syscalls'])} reachable, {len(reach['gaps'])} gaps")
    rest = {call for call in seen if call not in known}
    unknown = [gap for gap in reach["gaps"] if gap["kind"] == "number-unknown"]
    if rest and unknown and len(reach["libraries"]) == 1:
        print(f"  {len(rest)} of them by {len(unknown)} gaps: {' '.join(sorted(map(str, rest)))}")
        return set()
    return rest


def port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def serve(program, words, talk, folder, number):
    """What a server calls while `talk` uses it, until it is told to end."""
    server = subprocess.Popen(words_for(program, words.split(), f"{folder}/log"),
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", number), timeout=5).close()
                break
            except OSError:
                assert server.poll() is None, open(f"{folder}/log", errors="replace").read()[-2000:]
                time.sleep(0.1)
        talk(number)
    finally:
        server.terminate()
        server.wait(timeout=60)
    with open(f"{folder}/log", encoding="utf-8", errors="replace") as file:
        return calls_in(file.read())


def say(number, *texts):
    for text in texts:
        with socket.create_connection(("127.0.0.1", number), timeout=20) as one:
            one.sendall(text)
            assert one.recv(4096)


# --- Tests ------------------------------------------------------------------------

def test_tools_and_interpreters_call_nothing_else():
    missed = {}
    with tempfile.TemporaryDirectory() as folder:
        seen = {}
        for program, words, text in LOADS:
            seen.setdefault(program, set()).update(observed(program, words, text, folder))
        for program, calls in seen.items():
            assert len(calls) >= 3, (program, calls)
            if rest := outside(program, calls):
                missed[program] = rest
    assert not missed, missed


def test_nginx_calls_nothing_else():
    number = port()
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/n.conf", "w", encoding="utf-8") as file:
            file.write(f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
                       f"http {{ access_log {folder}/access.log; server {{ listen 127.0.0.1:{number}; "
                       f"root /etc; autoindex on; gzip on; }} }}\n")
        request = b"GET %s HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n"
        seen = serve("/usr/sbin/nginx", f"-c {folder}/n.conf -e {folder}/error.log",
                     lambda at: say(at, request % b"/hostname", request % b"/", request % b"/none",
                                    request % b"/services", b"nonsense\r\n\r\n"), folder, number)
    assert "accept4" in seen, seen
    missed = outside("/usr/sbin/nginx", seen)
    assert not missed, missed


def test_redis_calls_nothing_else():
    number = port()
    with tempfile.TemporaryDirectory() as folder:
        seen = serve("/usr/bin/redis-server",
                     f"--port {number} --dir {folder} --appendonly yes --save 3600 1 --bind 127.0.0.1 "
                     "--ignore-warnings ARM64-COW-BUG",
                     lambda at: say(at, b"PING\r\n", b"SET a b\r\n", b"BGSAVE\r\n", b"INFO\r\n", b"LPUSH l x\r\n",
                                    b"EVAL \"return redis.call('get','a')\" 0\r\n", b"BGREWRITEAOF\r\n"),
                     folder, number)
    assert "accept4" in seen or "accept" in seen, seen
    missed = outside("/usr/bin/redis-server", seen)
    assert not missed, missed


def test_memcached_calls_nothing_else():
    number = port()
    with tempfile.TemporaryDirectory() as folder:
        seen = serve("/usr/bin/memcached", f"-u root -l 127.0.0.1 -p {number} -U 0",
                     lambda at: say(at, b"set a 0 0 1\r\nx\r\n", b"get a\r\n", b"stats\r\n", b"version\r\n"),
                     folder, number)
    assert "accept4" in seen or "accept" in seen, seen
    missed = outside("/usr/bin/memcached", seen)
    assert not missed, missed


def test_a_library_of_another_architecture_is_not_taken():
    reach = analyzed("/usr/sbin/nginx")
    assert reach["arch"] == "aarch64", reach["arch"]
    paths = [file["path"] for file in reach["libraries"]]
    assert all("x86_64" not in path for path in paths), paths
    assert any(path.endswith("/ld-linux-aarch64.so.1") for path in paths), paths


def test_sites_that_are_lost_are_noticed():
    """Without its svc instructions the C library must fail the comparison."""
    with tempfile.TemporaryDirectory() as folder:
        program = "/usr/bin/true"
        seen = observed(program, "", "", folder)
        lost = 0
        for name in ("/usr/bin/true", "/lib/aarch64-linux-gnu/libc.so.6", "/lib/ld-linux-aarch64.so.1"):
            with open(os.path.realpath(root() + name), "rb") as file:
                content = file.read()
            lost += content.count(SVC)
            os.makedirs(os.path.dirname(f"{folder}/root{name}"), exist_ok=True)
            with open(f"{folder}/root{name}", "wb") as file:
                file.write(content.replace(SVC, NOP))
        done = run(support.VAMBRACE, "analyze", "--root", f"{folder}/root", program, "--json")
        known = {call["name"] for call in done.json()["syscalls"]}
        assert lost > 100 and seen - known, (lost, seen)


if __name__ == "__main__":
    support.main()

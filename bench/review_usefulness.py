#!/usr/bin/env python3
"""How often the review names what a program is going to need.

The tests of five programs are recorded one by one. Then, for each of ten seeded
splits, a bundle is made of half of them and reviewed with the program's static
analysis; what the other half needs and the bundle does not grant is looked for
among the first 30 candidates. Splits in which that is fewer than 8 calls tell
nothing and are left out; how many is printed.

    bench/review_usefulness.py [--record DIR] [--splits 10] [--top 30] [--together 1]
                               [--json FILE] [PROGRAM...]

Each script below does one thing, so nearly every call is made by one test alone: what
the other half needs is then as much as the list has room for. --together N takes N
scripts as one test, so that each thing is done by N tests, as in suites that overlap.

Recordings are kept in DIR and made only where they are missing: root is needed
for that alone. VAMBRACE names the binary that is measured.
"""

import argparse
import collections
import json
import os
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))
import support  # noqa: E402 pylint: disable=wrong-import-position

ENOUGH = 8
LOCK = "/tmp/host-record.lock"

# A program by its file, and its tests: a shell script each, run in an empty
# folder, in which $P is the program. Only what the program itself does counts.
Subject = collections.namedtuple("Subject", "file tests")

SUBJECTS = {
    "python3": Subject("/usr/bin/python3", [f'exec "$P" -S -c "{code}"' for code in (
        "import json; print(json.dumps({}))",
        "import os; os.mkdir('d'); os.rename('d', 'e'); os.rmdir('e')",
        "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); s.getsockname()",
        "import socket; a, b = socket.socketpair(); a.sendall(b'x'); b.recv(1); a.shutdown(1)",
        "import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.setsockopt(1, 2, 1); "
        "s.bind(('127.0.0.1', 0)); s.sendto(b'x', s.getsockname()); s.recvfrom(9)",
        "import subprocess; subprocess.run(['/bin/true'])",
        "import os; p = os.fork(); p or os._exit(0); os.waitpid(p, 0)",
        "import os, signal; signal.signal(10, lambda *a: 0); os.kill(os.getpid(), 10)",
        "import signal; signal.setitimer(0, .01); signal.signal(14, lambda *a: 0); signal.pause()",
        "import threading; t = threading.Thread(target=print); t.start(); t.join()",
        "import mmap; m = mmap.mmap(-1, 4096); m.resize(8192); m.flush(); m.close()",
        "import os; f = os.open('f', 66); os.ftruncate(f, 9); os.fsync(f); os.fchmod(f, 384)",
        "import os; f = os.open('f', 66); os.pwrite(f, b'x', 3); os.pread(f, 1, 3); os.lseek(f, 0, 0)",
        "import os; open('f', 'w'); os.chmod('f', 384); os.utime('f'); os.link('f', 'g'); "
        "os.symlink('f', 'h'); os.readlink('h'); os.unlink('g')",
        "import fcntl; f = open('f', 'w'); fcntl.flock(f, 2); fcntl.lockf(f, 8)",
        "import select, os; r, w = os.pipe(); e = select.epoll(); e.register(r, 1); e.poll(0)",
        "import select, os; r, w = os.pipe(); select.select([r], [], [], 0)",
        "import select, os; r, w = os.pipe(); p = select.poll(); p.register(r); p.poll(0)",
        "import os; os.getcwd(); os.chdir('/'); os.listdir('.'); os.umask(18)",
        "import os; os.dup2(1, 9); os.set_inheritable(9, True); os.isatty(0)",
        "import resource; resource.getrusage(0); resource.getrlimit(7)",
        "import os; os.getppid(); os.getpgrp(); os.getsid(0); os.getpriority(0, 0); os.nice(1)",
        "import os; os.sched_getaffinity(0); os.sched_yield(); os.times(); os.uname()",
        "import os; os.getresuid(); os.getgroups(); os.setgroups([]); os.setgid(65534); os.setuid(65534)",
        "import tempfile; tempfile.NamedTemporaryFile().write(b'x')",
        "import shutil; open('f', 'w').write('x' * 9999); shutil.copyfile('f', 'g'); shutil.rmtree('.', True)",
        "import time; time.sleep(.001); time.process_time(); time.localtime()",
        "import os; os.statvfs('.'); os.access('.', 4); os.stat('.'); os.lstat('.')",
        "import os; open('f', 'w'); os.setxattr('f', 'user.a', b'1') if 0 else os.listxattr('f')",
        "import os; f = os.memfd_create('m'); os.posix_fallocate(f, 0, 99); os.sendfile(1, f, 0, 9)",
    )]),
    "perl": Subject("/usr/bin/perl", [f"exec \"$P\" -e '{code}'" for code in (
        "print 1 + 1",
        'mkdir "d"; rename "d", "e"; rmdir "e"',
        'open F, ">f"; print F "x"; close F; unlink "f"',
        'open F, ">f"; truncate F, 9; chmod 0600, "f"; utime 1, 2, "f"; link "f", "g"',
        'symlink "f", "g"; readlink "g"; lstat "g"',
        'opendir D, "."; readdir D; closedir D; chdir "/"; umask 022',
        "fork or exit; wait",
        '$x = `true`; print $?',
        'pipe R, W; syswrite W, "x"; sysread R, $b, 1',
        "$SIG{USR1} = sub {}; kill USR1, $$",
        "$SIG{ALRM} = sub {}; alarm 1; select undef, undef, undef, 0.01",
        "use Socket; socket S, PF_INET, SOCK_STREAM, 0; bind S, sockaddr_in(0, INADDR_LOOPBACK); "
        "listen S, 1; getsockname S",
        "use Socket; socketpair A, B, AF_UNIX, SOCK_STREAM, 0; send A, 1, 0; recv B, $x, 1, 0; "
        "shutdown A, 1",
        "use Socket; socket S, PF_INET, SOCK_DGRAM, 0; setsockopt S, SOL_SOCKET, SO_REUSEADDR, 1; "
        "getsockopt S, SOL_SOCKET, SO_TYPE",
        'open F, ">f"; flock F, 2; seek F, 5, 0; tell F',
        "getppid; getpgrp; getpriority 0, 0; setpriority 0, 0, 1; times",
        "$) = 65534; $> = 65534; print $<",
        "use POSIX; uname; dup2 1, 9; setsid; nice 1; pause if 0",
        "sleep 1; time; localtime",
        'open O, ">&STDOUT"; print O 1; -t STDIN',
        'stat "."; -w "."; -e "x"',
        "use POSIX; mkfifo \"p\", 0600; access \"p\", 4; ttyname 0; sysconf 30",
        'exec "/bin/true"',
        "use Time::HiRes; Time::HiRes::usleep 10; Time::HiRes::ualarm 0",
    )]),
    "busybox": Subject("/usr/bin/busybox", [f'exec "$P" {words}' for words in (
        "true", "ls -la /etc", "cat /etc/hostname", "mkdir -p a/b/c", "touch f", "ln -s f g",
        "stat /etc", "df /", "id", "uname -a", "sleep 0.01", "mktemp", "pwd", "env", "nproc",
        "find /etc -name x", "du -s /etc/apt", "date", "dd if=/dev/zero of=f bs=1k count=2 conv=fsync",
        "chmod 600 .", "chown 0:0 .", "truncate -s 9 f", "sync", "uptime", "free", "ps",
        "nice -n 1 true", "timeout 1 true", "setsid true", "kill -0 1", "mkfifo p", "mknod m p",
        "nc -l -p 0 -w 1", "wget -T 1 -q http://127.0.0.1:1/", "tar cf f.tar /etc/hostname",
        "flock f true", "xargs true", "sh -c 'a() { :; }; (a) | cat; wait'",
        "sh -c 'cd /; umask; trap : USR1; kill -USR1 $$; ulimit -n'", "taskset 1 true",
        "chroot / true", "renice 1 1", "rm -rf x", "mv f g", "cp -a /etc/apt x", "readlink -f .",
    )]),
    "git": Subject("/usr/bin/git", [f'"$P" init -q r; cd r; {words}' for words in (
        'exec "$P" status', 'echo a > a; exec "$P" add a',
        'echo a > a; "$P" add a; exec "$P" -c user.name=a -c user.email=b commit -qm a',
        'exec "$P" config user.name a', 'exec "$P" branch -a', 'exec "$P" log --oneline || :',
        'echo a > a; "$P" add a; exec "$P" gc -q', 'exec "$P" fsck', 'exec "$P" clone -q . ../s',
        'exec "$P" fetch -q . || :', 'exec "$P" diff', 'exec "$P" archive HEAD || :',
        'exec "$P" hash-object -w /etc/hostname', 'exec "$P" tag a || :', 'exec "$P" --version',
        'exec "$P" stash list', 'exec "$P" clean -fd', 'exec "$P" grep a || :',
        'exec "$P" remote add o /x', 'exec "$P" ls-remote git://127.0.0.1:1/x || :',
        'exec "$P" worktree list', 'exec "$P" submodule status', 'exec "$P" daemon --help',
        'exec "$P" repack -ad', 'timeout 1 "$P" daemon --port=19418 --base-path=. || :',
    )]),
    "tar": Subject("/usr/bin/tar", [
        f"mkdir d; echo a > d/f; ln -s f d/s; ln d/f d/h; mkfifo d/p; {words}" for words in (
            'exec "$P" cf a.tar d', '"$P" cf a.tar d; exec "$P" tf a.tar',
            '"$P" cf a.tar d; mkdir x; exec "$P" xf a.tar -C x', 'exec "$P" czf a.tgz d',
            '"$P" cf a.tar d; exec "$P" rf a.tar /etc/hostname', 'exec "$P" --version',
            '"$P" cf a.tar d; exec "$P" --delete -f a.tar d/f',
            '"$P" cf a.tar d; mkdir x; exec "$P" xpf a.tar -C x --same-owner',
            'truncate -s 1M d/z; exec "$P" cSf a.tar d', 'exec "$P" --xattrs -cf a.tar d',
            'exec "$P" --one-file-system -cf a.tar d', 'exec "$P" -cf a.tar -g snap d',
            'exec "$P" cf a.tar --remove-files d', '"$P" cf a.tar d; exec "$P" df a.tar',
            '"$P" cf a.tar d; exec "$P" xf a.tar --to-command=cat',
            'exec "$P" cf - d > /dev/null', '"$P" cf a.tar d; exec "$P" uf a.tar d',
            'exec "$P" cMf a.tar -L 1 d < /dev/null || :', 'exec "$P" cf h:a d || :',
            '"$P" cf a.tar d; exec "$P" xf a.tar --keep-newer-files --touch',
            '"$P" cf a.tar d; exec "$P" xf a.tar --unlink-first --recursive-unlink',
            'exec "$P" cf a.tar --totals --checkpoint=1 d', 'exec "$P" cf a.tar --sort=name d')]),
}


def run(*words, **keys):
    done = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False, **keys)
    return done


def record(subject, name, folder):
    """The evidence file of each test of a program that could be recorded."""
    files = []
    for index, script in enumerate(subject.tests):
        path = os.path.join(folder, f"{name}-{index}.json")
        if not os.path.exists(path):
            with tempfile.TemporaryDirectory() as place:
                done = run("flock", LOCK, support.VAMBRACE, "record", "-o", path, "--workload",
                           os.path.realpath(subject.file), "--id", f"bench/{name}", "--", "sh",
                           "-c", script, cwd=place, stdin=subprocess.DEVNULL,
                           env={**os.environ, "P": os.path.realpath(subject.file), "HOME": place})
            if not os.path.exists(path):
                print(f"{name}: test {index} was not recorded: {done.stderr.strip()[:200]}",
                      file=sys.stderr)
                continue
        files.append(path)
    return files


def needs(path, program):
    """The calls that the program itself made in one test."""
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    return {fact["name"] for process in document["processes"]
            if process["exe"] == program and process["origin"] in ("app", "helper")
            for fact in process["syscalls"] if fact["count"] > 0}


def analyze(subject, folder, name):
    path = os.path.join(folder, f"{name}.reach")
    if not os.path.exists(path):
        done = run(support.VAMBRACE, "analyze", os.path.realpath(subject.file), "--json")
        if not done.stdout:
            sys.exit(f"{name}: {done.stderr}")
        with open(path, "w", encoding="utf-8") as file:
            file.write(done.stdout)
    return path


def candidates(files, reach):
    """The names that a review of these recordings ranks, and what it grants."""
    with tempfile.TemporaryDirectory() as place:
        bundle = os.path.join(place, "b")
        done = run(support.VAMBRACE, "synth", *files, "-o", bundle, "--target", "process")
        if done.returncode != 0:
            sys.exit(done.stderr)
        done = run(support.VAMBRACE, "review", bundle, "--reach", reach, "--json")
        if not done.stdout:
            sys.exit(done.stderr)
    made = json.loads(done.stdout)
    granted = {grant["subject"].split(" ", 1)[1] for grant in made["grants"]
               if grant["layer"] == "seccomp"}
    ranked = [one["subject"].split(" ", 1)[1] for one in made["candidates"]
              if not one["granted"]]
    return ranked, granted


def splits_of(name, subject, arguments):
    files = record(subject, name, arguments.record)
    reach = analyze(subject, arguments.record, name)
    program = os.path.realpath(subject.file)
    by_file = {path: needs(path, program) for path in files}
    tests = [[files[(first + 7 * more) % len(files)] for more in range(arguments.together)]
             for first in range(len(files))]
    for seed in range(arguments.splits):
        order = list(tests)
        random.Random(f"{name} {seed}").shuffle(order)
        half = order[:len(order) // 2]
        ranked, granted = candidates(sorted({path for test in half for path in test}), reach)
        wanted = set().union(*(by_file[path] for test in order[len(half):] for path in test))
        wanted -= granted
        found = wanted & set(ranked[:arguments.top])
        yield {"program": name, "seed": seed, "needed": len(wanted), "found": len(found),
               "shown": min(arguments.top, len(ranked)), "candidates": len(ranked),
               "missed": sorted(wanted - found),
               "not_reachable": sorted(wanted - set(ranked))}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("programs", nargs="*", default=[], metavar="PROGRAM")
    parser.add_argument("--record", default=os.path.join(tempfile.gettempdir(), "usefulness"))
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--top", type=int, default=30)
    parser.add_argument("--together", type=int, default=1)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    os.makedirs(arguments.record, exist_ok=True)
    results = []
    print(f"{'program':<10} {'tests':>5} {'splits':>6} {'needed':>6} {'found':>6} "
          f"{'recall':>7} {'precision':>9} {'worst':>6}")
    for name in arguments.programs or SUBJECTS:
        subject = SUBJECTS[name]
        rows = list(splits_of(name, subject, arguments))
        results += rows
        counted = [row for row in rows if row["needed"] >= ENOUGH]
        needed = sum(row["needed"] for row in counted)
        found = sum(row["found"] for row in counted)
        shown = sum(row["shown"] for row in counted)
        worst = min((row["found"] / row["needed"] for row in counted), default=None)
        print(f"{name:<10} {len(subject.tests):>5} {len(counted):>6} {needed:>6} {found:>6} "
              + (f"{found / needed:>7.0%} {found / shown:>9.0%} {worst:>6.0%}" if counted
                 else f"{'-':>7} {'-':>9} {'-':>6}"), flush=True)
    counted = [row for row in results if row["needed"] >= ENOUGH]
    reached = [row for row in counted if row["found"] >= 0.8 * row["needed"]]
    needed = sum(row["needed"] for row in counted)
    found = sum(row["found"] for row in counted)
    print(f"{len(counted)} of {len(results)} splits need {ENOUGH} calls or more; "
          f"{len(reached)} of them have 80% in the first {arguments.top}; of all that they need "
          f"{found} of {needed}" + (f", {found / needed:.1%}" if needed else ""))
    missed = collections.Counter(call for row in counted for call in row["missed"])
    print("missed most:", ", ".join(f"{call} {count}" for call, count in missed.most_common(20)))
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()

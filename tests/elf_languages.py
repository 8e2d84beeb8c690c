"""Loads of interpreters and compilers: python3, perl, php, node, Go, Lua on musl,
Rust and C++ programs, and a build."""

import os
import shutil
import subprocess

import support
from elf_programs import program, sh
from elf_servers import running

PYTHON = r"""
import array, asyncio, concurrent.futures, ctypes, curses, errno, fcntl, glob, grp, hashlib, json, lzma, mmap, multiprocessing
import os, pty, pwd, random, resource, select, selectors, shutil, signal, socket, sqlite3, ssl, stat, struct, subprocess
import sys, syslog, tempfile, termios, threading, time, urllib.request, zipfile, zlib, bz2, dbm, readline, uuid, logging, decimal
def quiet(f, *a, **k):
    try: return f(*a, **k)
    except Exception as e: print(type(e).__name__, e)
def files():
    for n in ("a", "b"):
        with open(n, "w+") as f: f.write("x" * 100000); f.flush(); f.seek(5); f.read(3); f.truncate(50); os.fsync(f.fileno()); os.fdatasync(f.fileno())
    os.rename("a", "c"); os.link("c", "d"); os.symlink("c", "e"); os.readlink("e"); os.chmod("c", 0o600); os.utime("c", (1, 2)); os.unlink("d"); os.mkdir("m"); os.rmdir("m"); os.replace("b", "f"); os.access("c", os.R_OK)
    quiet(os.chown, "c", 0, 0); quiet(os.lchown, "e", 0, 0); quiet(os.mkfifo, "p"); quiet(os.mknod, "n"); quiet(os.setxattr, "c", "user.x", b"1"); quiet(os.getxattr, "c", "user.x"); quiet(os.listxattr, "c"); quiet(os.removexattr, "c", "user.x")
    d = os.open(".", os.O_RDONLY); quiet(os.fchdir, d); os.stat("c", dir_fd=d); os.lstat("e"); os.scandir(d).close(); os.listdir("/proc"); os.fstat(d); os.statvfs("."); os.fstatvfs(d); os.close(d)
    f = os.open("c", os.O_RDWR); fcntl.flock(f, fcntl.LOCK_EX); fcntl.lockf(f, fcntl.LOCK_UN); fcntl.fcntl(f, fcntl.F_GETFD); os.pwrite(f, b"yy", 1); os.pread(f, 2, 0); os.writev(f, [b"a", b"b"]); os.readv(f, [bytearray(4)]); quiet(os.preadv, f, [bytearray(4)], 0); quiet(os.pwritev, f, [b"z"], 0); quiet(os.posix_fallocate, f, 0, 1000); quiet(os.posix_fadvise, f, 0, 0, 0); os.lseek(f, 0, 0); os.dup(f); os.dup2(f, 77); quiet(os.copy_file_range, f, 77, 2, 0, 10); quiet(os.splice, f, 77, 1); os.sync(); os.set_inheritable(f, True); os.set_blocking(f, True); quiet(os.fchmod, f, 0o644); quiet(os.fchown, f, 0, 0)
    m = mmap.mmap(f, 0); m[0:1] = b"q"; m.flush(); quiet(m.madvise, mmap.MADV_RANDOM); quiet(m.resize, 8000); m.close(); quiet(os.memfd_create, "x"); quiet(os.eventfd, 1); os.sendfile(os.open("g", os.O_CREAT | os.O_WRONLY), f, 0, 10); os.umask(0o22); os.getcwd(); shutil.copytree(".", "../copy" + str(os.getpid()), symlinks=True, ignore=lambda d, n: [x for x in n if x == "p"]); shutil.rmtree("../copy" + str(os.getpid())); tempfile.mkdtemp(); tempfile.TemporaryFile().write(b"x"); shutil.disk_usage("/"); os.getrandom(4); os.urandom(4); os.truncate("c", 3); quiet(os.chroot, "/"); os.chdir(os.getcwd())
def processes():
    for f in (os.getuid, os.geteuid, os.getgid, os.getegid, os.getgroups, os.getpgrp, os.getppid, os.getsid, os.getresuid, os.getresgid, os.getlogin, os.getloadavg, os.times, os.uname, os.cpu_count, os.sched_yield): quiet(f, *((0,) if f is os.getsid else ()))
    for f in (os.setuid, os.setgid, os.seteuid, os.setegid): quiet(f, 0)
    quiet(os.setreuid, 0, 0); quiet(os.setregid, 0, 0); quiet(os.setresuid, 0, 0, 0); quiet(os.setresgid, 0, 0, 0); quiet(os.setgroups, [0]); quiet(os.initgroups, "root", 0); quiet(os.nice, 1); os.getpriority(0, 0); quiet(os.setpriority, 0, 0, 5); os.sched_getaffinity(0); os.sched_setaffinity(0, os.sched_getaffinity(0)); os.sched_getscheduler(0); quiet(os.sched_setscheduler, 0, 0, os.sched_param(0)); os.sched_getparam(0); quiet(os.sched_rr_get_interval, 0); os.sched_get_priority_max(1)
    if not os.fork(): quiet(os.setsid); quiet(os.setpgid, 0, 0); os._exit(3)
    os.wait(); p = os.fork(); p or os.abort(); os.waitpid(p, 0); p = os.fork(); p or time.sleep(9); os.kill(p, 9); os.wait4(p, 0); p = os.fork(); p or os._exit(0); os.waitid(os.P_ALL, 0, os.WEXITED)
    subprocess.run(["true"]); subprocess.run("echo x | cat", shell=True, capture_output=True); quiet(subprocess.run, ["/nowhere"]); quiet(subprocess.run, ["sleep", "5"], timeout=0.1); subprocess.Popen(["cat"], stdin=subprocess.PIPE, start_new_session=True, close_fds=True, cwd="/", user=0, group=0, extra_groups=[], umask=0o77).communicate(b"x"); os.posix_spawn("/bin/true", ["true"], {}); os.wait(); os.system("true"); os.popen("true").read()
    resource.getrusage(0); resource.getrlimit(7); resource.setrlimit(7, resource.getrlimit(7)); quiet(resource.prlimit, 0, 7); quiet(pty.spawn, "/bin/true"); m, s = os.openpty(); termios.tcgetattr(s); os.ttyname(s); os.isatty(0); os.tcgetpgrp; quiet(os.get_terminal_size, s); p = quiet(os.pidfd_open, os.getpid()); quiet(signal.pidfd_send_signal, p, 0)
    with multiprocessing.Pool(2) as pool: pool.map(abs, range(10))
    with concurrent.futures.ProcessPoolExecutor(2) as e: list(e.map(abs, range(5)))
    q = multiprocessing.Queue(); x = multiprocessing.Process(target=q.put, args=(1,)); x.start(); q.get(); x.join(); multiprocessing.shared_memory and 0
    from multiprocessing import shared_memory as sm; s = sm.SharedMemory(create=True, size=100); s.close(); s.unlink(); multiprocessing.Lock(); multiprocessing.Value("i", 1)
    multiprocessing.set_start_method("spawn", force=True); x = multiprocessing.Process(target=print, args=(1,)); x.start(); x.join()
def signals():
    signal.signal(signal.SIGALRM, lambda *a: None); signal.setitimer(signal.ITIMER_REAL, 0.05); signal.pause(); signal.alarm(0); signal.getitimer(0); signal.pthread_sigmask(signal.SIG_BLOCK, [10]); os.kill(os.getpid(), 10); signal.sigpending(); signal.sigwait([10]); os.kill(os.getpid(), 10); signal.sigtimedwait([10], 1); signal.siginterrupt(14, False); signal.set_wakeup_fd(-1); signal.raise_signal(signal.SIGALRM); quiet(os.killpg, 0, 0); threading.Thread(target=lambda: None).start(); signal.pthread_kill(threading.get_ident(), signal.SIGALRM)
    with concurrent.futures.ThreadPoolExecutor(3) as e: list(e.map(lambda x: time.sleep(0.01), range(9)))
    threading.Timer(0.01, print).start(); l = threading.Lock(); l.acquire(); l.acquire(timeout=0.01); time.clock_getres(0); time.clock_gettime(4); time.thread_time(); time.process_time(); quiet(time.clock_settime, 99, 0); time.tzset(); import faulthandler; faulthandler.dump_traceback_later(9); faulthandler.cancel_dump_traceback_later(); syslog.syslog("x")
def net():
    a, b = socket.socketpair(); a.send(b"x"); b.recv(1); socket.send_fds(a, [b"x"], [0]); socket.recv_fds(b, 1, 1); a.shutdown(2)
    for f in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK, socket.AF_PACKET, 38, 40): quiet(socket.socket, f, socket.SOCK_DGRAM)
    s = socket.socket(); s.setsockopt(1, 2, 1); s.getsockopt(1, 2); s.bind(("127.0.0.1", 0)); s.listen(); c = socket.create_connection(s.getsockname()); x, _ = s.accept(); x.getpeername(); x.settimeout(1); x.sendall(b"y" * 1000); c.recv_into(bytearray(5)); c.recvmsg(10); c.sendmsg([b"z"]); x.sendfile(open("/etc/passwd", "rb")); u = socket.socket(type=socket.SOCK_DGRAM); u.bind(("127.0.0.1", 0)); u.sendto(b"x", u.getsockname()); u.recvfrom(9)
    quiet(socket.getaddrinfo, "localhost", 80); quiet(socket.gethostbyname, "nosuch.invalid"); socket.gethostname(); quiet(socket.sethostname, socket.gethostname()); socket.if_nameindex(); quiet(socket.if_nametoindex, "lo"); quiet(socket.getfqdn); pwd.getpwall(); grp.getgrall(); quiet(urllib.request.urlopen, "http://127.0.0.1:1/"); quiet(ssl.create_default_context().wrap_socket, x, server_hostname="x")
    select.select([u], [], [], 0); p = select.poll(); p.register(u); p.poll(1); e = select.epoll(); e.register(u); e.modify(u, 1); e.poll(0.01); e.close(); selectors.DefaultSelector().close()
    async def main():
        async def echo(r, w): w.write(await r.read(5)); await w.drain(); w.close()
        srv = await asyncio.start_server(echo, "127.0.0.1", 0); r, w = await asyncio.open_connection(*srv.sockets[0].getsockname()); w.write(b"hello"); await r.read(); await (await asyncio.create_subprocess_exec("true")).wait(); await asyncio.get_running_loop().run_in_executor(None, time.sleep, 0.01); await asyncio.sleep(0.01); await asyncio.get_running_loop().getaddrinfo("localhost", 1); (await asyncio.start_unix_server(echo, "u.sock")).close(); srv.close()
    asyncio.run(main())
def rest():
    d = sqlite3.connect("s.db"); d.execute("create table t(a)"); d.execute("insert into t values(1)"); d.commit(); list(d.backup and d.iterdump()); hashlib.scrypt(b"x", salt=b"y", n=2, r=1, p=1); lzma.compress(b"x" * 99); zipfile.ZipFile("z.zip", "w").writestr("a", "b"); quiet(dbm.open, "db", "c"); ctypes.CDLL(None).getpid(); quiet(ctypes.CDLL, "libm.so.6"); uuid.uuid1(); time.localtime(); x = bytearray(60 << 20); del x; [bytes(300000) for _ in range(200)]; "x".encode("idna"); "\u00e9".encode("latin-1"); sys.setrecursionlimit(5000); quiet(curses.setupterm, "xterm", 1); decimal.Decimal(1) / 3; logging.warning("x"); compile("1", "x", "exec"); quiet(exec, "import test.nosuch"); print(quiet(input) if False else "")
if __name__ == "__main__":
    for f in (files, processes, signals, net, rest): quiet(f) if f is not rest else rest()
    print("all of it")
"""

@program("/usr/bin/python3", "python3")
def load_python3(directory):
    script = support.write(f"{directory}/load.py", PYTHON)
    os.makedirs(f"{directory}/work")
    sh(f"cd work; timeout 90 /usr/bin/python3 {script} >../out </dev/null; must grep -q 'all of it' ../out; cd ..; "
       "echo 'import os; print(os.getpid())' | /usr/bin/python3; /usr/bin/python3 -c 1/0; /usr/bin/python3 -m compileall -q load.py; "
       "/usr/bin/python3 -m zipfile -c z.zip load.py; /usr/bin/python3 -m venv --without-pip v; /usr/bin/python3 -V; ! /usr/bin/python3 /nowhere; "
       "printf 'import os\\nos.ge\\t\\t\\nprint(1)\\n' | script -qec '/usr/bin/python3 -i' /dev/null >/dev/null; /usr/bin/python3 -m timeit -n 1 1 >/dev/null; "
       "timeout -s INT 0.5 /usr/bin/python3 -c 'import time; time.sleep(9)'; true", directory)


PERL = r"""
use strict; use POSIX; use Fcntl ':flock', ':mode', ':seek'; use Socket; use IO::Socket::INET; use IO::Select; use File::Copy; use File::Temp 'tempfile'; use File::Find; use Time::HiRes 'usleep', 'ualarm'; use IPC::Open3; use Cwd; use Sys::Hostname; use Data::Dumper; use List::Util; use Storable; use Digest::SHA; use MIME::Base64; use Encode; use DB_File; use IPC::SysV qw(IPC_PRIVATE IPC_CREAT IPC_RMID S_IRWXU);
open my $f, '+>', 'a' or die; print $f "x" x 100000; seek $f, 0, SEEK_SET; sysread $f, my $b, 10; syswrite $f, "yy"; truncate $f, 50; flock $f, LOCK_EX; flock $f, LOCK_UN; fcntl $f, F_GETFL, 0; stat $f; -s 'a'; -r 'a'; -d '.'; -t STDIN; lstat 'a'; close $f;
rename 'a', 'b'; link 'b', 'c'; symlink 'b', 'd'; readlink 'd'; chmod 0600, 'b'; chown 0, 0, 'b'; utime 1, 2, 'b'; unlink 'c'; mkdir 'm'; rmdir 'm'; opendir my $d, '.'; readdir $d; telldir $d; rewinddir $d; closedir $d; copy 'b', 'e'; move 'e', 'g'; find(sub {}, '.'); umask 022; chdir getcwd; mkfifo 'p', 0600; syscall(39); glob '*'; tempfile(UNLINK => 1); truncate 'b', 5; POSIX::access('b', 4); chroot '/'; -e '/nowhere'; POSIX::mkfifo('q', 0600); POSIX::pathconf('.', 3); POSIX::ttyname(0); POSIX::ctermid(); POSIX::uname(); POSIX::times(); POSIX::sysconf(84); POSIX::nice(1); POSIX::dup2(1, 9); POSIX::pipe(); POSIX::setsid(); POSIX::tcgetpgrp(0); POSIX::getpid(); POSIX::setlocale(LC_ALL, 'C');
$SIG{ALRM} = sub {}; alarm 1; sleep 2; ualarm 1000; usleep 5000; $SIG{CHLD} = 'DEFAULT'; $SIG{USR1} = sub { print "usr1\n" }; kill USR1 => $$; my $s = POSIX::SigSet->new(SIGUSR2); sigprocmask(SIG_BLOCK, $s); sigpending($s); POSIX::sigaction(SIGHUP, POSIX::SigAction->new(sub {})); kill HUP => $$; Time::HiRes::setitimer(Time::HiRes::ITIMER_REAL(), 0.01); POSIX::pause(); Time::HiRes::clock_gettime(1); Time::HiRes::nanosleep(1000); Time::HiRes::stat('b'); Time::HiRes::utime(1.5, 2.5, 'b');
my $p = fork; exit 3 unless $p; waitpid $p, 0; pipe my $r, my $w; if (!fork) { print $w "hi"; exit } close $w; <$r>; wait; system 'true'; system 'echo x | cat'; `echo y`; open my $k, '|-', 'cat' or die; print $k "z\n"; close $k; open $k, '-|', 'echo', 'w'; <$k>; close $k; my $pid = open3(my $i, my $o, undef, 'cat'); close $i; waitpid $pid, 0; exec '/nowhere' if !fork; wait; getppid; getpgrp 0; setpgrp 0, 0; getpriority 0, 0; setpriority 0, 0, 5; times; getpwuid 0; getpwnam 'nobody'; getgrgid 0; while (getpwent) {} endpwent; getlogin; hostname(); $> = 65534; $> = 0; $) = "0 0"; $0 = 'named';
my $l = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1', ReuseAddr => 1) or die; my $c = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $l->sockport) or die; my $a = $l->accept; send $a, 'x', 0; recv $c, $b, 1, 0; shutdown $a, 2; getpeername $c; getsockopt $c, SOL_SOCKET, SO_TYPE; setsockopt $c, SOL_SOCKET, SO_KEEPALIVE, 1; socketpair my $x, my $y, AF_UNIX, SOCK_STREAM, 0; select undef, undef, undef, 0.01; IO::Select->new($c)->can_read(0.01); socket my $u, AF_INET, SOCK_DGRAM, 0; send $u, 'x', 0, sockaddr_in(9, inet_aton('127.0.0.1')); gethostbyname 'localhost'; gethostbyname 'nosuch.invalid'; getservbyname 'http', 'tcp'; getprotobyname 'tcp'; getnetbyname 'loopback';
my $m = shmget IPC_PRIVATE, 1000, IPC_CREAT | S_IRWXU; shmwrite $m, 'x', 0, 1; shmread $m, my $q, 0, 1; shmctl $m, IPC_RMID, 0; my $n = semget IPC_PRIVATE, 1, IPC_CREAT | S_IRWXU; semop $n, pack 's3', 0, 1, 0; semctl $n, 0, IPC_RMID, 0; my $g = msgget IPC_PRIVATE, IPC_CREAT | S_IRWXU; msgsnd $g, pack('l! a*', 1, 'x'), 0; msgrcv $g, my $z, 10, 0, 0; msgctl $g, IPC_RMID, 0; ioctl STDIN, 0x5401, my $t; store {a => 1}, 'st'; retrieve 'st'; tie my %h, 'DB_File', 'db' or warn $!; $h{a} = 1; untie %h; my $big = 'x' x 80_000_000; undef $big; require threads; threads->create(sub { 1 })->join; dbmopen my %dd, 'dd', 0600; localtime; srand; rand; sysopen my $so, 'so', O_RDWR|O_CREAT; binmode $so, ':utf8'; eval { die 'x' }; eval 'syntax error ('; opendir my $dh, '/proc/self/fd'; my @l = readdir $dh; chdir $dh; syscall(186);
print "all of it\n";
"""


@program("/usr/bin/perl", "perl", usual=True)
def load_perl(directory):
    script = support.write(f"{directory}/load.pl", PERL)
    sh(f"mkdir w; cd w; timeout 60 perl {script} >../out </dev/null; cat ../out; must grep -q 'all of it' ../out; cd ..; "
       "perl -ne 'print if /root/' /etc/passwd; cp /etc/passwd pw; perl -pi.bak -e 's/root/toor/' pw; perl -MO=Deparse -e 'print 1' 2>/dev/null; perl -c load.pl; perl -V >/dev/null; "
       "perl -d -e 1 </dev/null; ! perl /nowhere; perl -e 'kill 9, $$'; echo 'print 1' | perl -; perl -Mthreads -MThread::Queue -e '$q=Thread::Queue->new; $t=threads->create(sub{$q->dequeue}); $q->enqueue(1); $t->join'; "
       "perldoc -T perl </dev/null >/dev/null 2>&1; prove -e perl /dev/null; perl -MSys::Syslog -e 'openlog(q(x),q(ndelay),q(user)); syslog(q(info),q(x))'; perl -MHTTP::Tiny -e 'HTTP::Tiny->new->get(q(http://127.0.0.1:1/))'; true", directory)


PHP = r"""<?php
function q($f, ...$a) { try { return @$f(...$a); } catch (Throwable $e) { echo get_class($e), "\n"; } }
file_put_contents('a', str_repeat('x', 100000)); file_get_contents('a'); copy('a', 'b'); rename('b', 'c'); link('c', 'd'); symlink('c', 'e'); readlink('e'); unlink('d'); mkdir('m/n', 0755, true); rmdir('m/n'); chmod('c', 0600); chown('c', 0); chgrp('c', 0); lchown('e', 0); touch('c', 1, 2); scandir('.'); glob('*'); stat('c'); lstat('e'); is_writable('c'); tempnam('/tmp', 'x') && tmpfile(); disk_free_space('/'); realpath('e'); clearstatcache(); umask(022); fileperms('c'); parse_ini_string("a=1"); touch('new');
$f = fopen('c', 'r+'); flock($f, LOCK_EX); flock($f, LOCK_UN); ftruncate($f, 50); fseek($f, 3); fread($f, 3); fwrite($f, 'y'); fflush($f); fsync($f); fdatasync($f); fstat($f); stream_set_blocking($f, false); fclose($f); foreach (new RecursiveIteratorIterator(new RecursiveDirectoryIterator('.')) as $x); $z = new PharData('p.tar'); $z->addFile('a'); $z->compress(Phar::GZ); readfile('/etc/hostname'); q('mkfifo', 'p'); q('posix_mkfifo', 'pp', 0600); q('posix_mknod', 'k', POSIX_S_IFREG | 0600); q('finfo_file', finfo_open(), 'a');
$p = pcntl_fork(); if (!$p) { exit(3); } pcntl_waitpid($p, $s); $p = pcntl_fork(); if (!$p) { pcntl_exec('/bin/true'); } pcntl_wait($s); pcntl_async_signals(true); pcntl_signal(SIGUSR1, fn() => print("usr1\n")); posix_kill(posix_getpid(), SIGUSR1); pcntl_alarm(1); pcntl_signal(SIGALRM, fn() => 1); sleep(2); pcntl_sigprocmask(SIG_BLOCK, [SIGUSR2]); posix_kill(posix_getpid(), SIGUSR2); pcntl_sigtimedwait([SIGUSR2], $i, 1); pcntl_getpriority(); pcntl_setpriority(3); q('pcntl_unshare', 0); foreach (['uid', 'euid', 'gid', 'egid', 'pgrp', 'ppid', 'groups', 'login', 'rlimit'] as $n) q("posix_get$n"); posix_setsid(); posix_times(); posix_uname(); posix_ttyname(0); posix_isatty(0); posix_access('a'); posix_getpwnam('root'); posix_getgrgid(0); posix_ctermid(); posix_setuid(0); posix_setgid(0); posix_seteuid(0); posix_initgroups('root', 0); posix_setpgid(0, 0); posix_getsid(0); q('posix_setrlimit', POSIX_RLIMIT_NOFILE, 512, 512);
exec('echo x | cat'); shell_exec('true'); system('true'); passthru('true'); $h = popen('cat', 'w'); fwrite($h, 'x'); pclose($h); $h = proc_open(['cat'], [['pipe', 'r'], ['pipe', 'w'], ['file', 'err', 'w']], $pipes); fclose($pipes[0]); proc_get_status($h); proc_terminate($h); proc_close($h); $h = proc_open('tty', [['pty'], ['pty'], ['pty']], $pipes); proc_nice(1); usleep(100); time_nanosleep(0, 100); getrusage(); sys_getloadavg(); gethostname(); getmyuid(); get_current_user(); getenv('HOME'); putenv('A=b'); set_time_limit(50); memory_get_usage(); random_bytes(9); hrtime(); php_uname(); sys_get_temp_dir(); error_log('x'); syslog(LOG_INFO, 'x'); mail('x@y', 'a', 'b'); gc_collect_cycles();
$l = stream_socket_server('tcp://127.0.0.1:0'); $c = stream_socket_client('tcp://' . stream_socket_get_name($l, false)); $a = stream_socket_accept($l); fwrite($a, 'hi'); fread($c, 2); stream_socket_sendto($c, 'x'); stream_socket_recvfrom($a, 1); stream_socket_shutdown($a, STREAM_SHUT_RDWR); $r = [$c]; $w = $e = null; stream_select($r, $w, $e, 0, 100); stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0); stream_socket_server('udp://127.0.0.1:0', $n, $m, STREAM_SERVER_BIND); stream_socket_server('unix://s.sock'); q('file_get_contents', 'http://127.0.0.1:1/'); q('stream_socket_client', 'tls://127.0.0.1:1'); gethostbyname('localhost'); gethostbyname('nosuch.invalid'); q('dns_get_record', 'x.invalid'); q('fsockopen', 'udp://127.0.0.1', 9); net_get_interfaces();
$s = socket_create(AF_INET, SOCK_STREAM, 0); socket_set_option($s, SOL_SOCKET, SO_REUSEADDR, 1); socket_get_option($s, SOL_SOCKET, SO_TYPE); socket_bind($s, '127.0.0.1'); socket_listen($s); socket_getsockname($s, $ad, $po); $c = socket_create(AF_INET, SOCK_STREAM, 0); socket_connect($c, $ad, $po); $a = socket_accept($s); socket_write($a, 'x'); socket_read($c, 1); socket_send($a, 'x', 1, 0); socket_recv($c, $b, 1, 0); socket_getpeername($c, $x); socket_set_nonblock($a); $r = [$a]; socket_select($r, $w, $e, 0); q('socket_sendmsg', $a, ['iov' => ['x']]); q('socket_recvmsg', $c, $mm); socket_shutdown($a); socket_close($a); socket_create_pair(AF_UNIX, SOCK_DGRAM, 0, $pair); $u = socket_create(AF_INET, SOCK_DGRAM, 0); socket_sendto($u, 'x', 1, 0, '127.0.0.1', 9);
$k = shmop_open(0xabc, 'c', 0600, 100); shmop_write($k, 'x', 0); shmop_read($k, 0, 1); shmop_delete($k); $k = sem_get(0xabd); sem_acquire($k); sem_release($k); sem_remove($k); $k = msg_get_queue(0xabe); msg_send($k, 1, 'x'); msg_receive($k, 1, $t, 100, $d); msg_stat_queue($k); msg_remove_queue($k); $k = shm_attach(0xabf); shm_put_var($k, 1, 2); shm_remove($k); openssl_pkey_new(['private_key_bits' => 1024]); password_hash('x', PASSWORD_BCRYPT); gzcompress('x'); session_save_path('.'); q('session_start'); iconv('UTF-8', 'UTF-16', 'x'); setlocale(LC_ALL, 'C.UTF-8'); date('c'); json_encode([1]); preg_match('/x+/', 'xxx'); $big = str_repeat('x', 60000000); unset($big); q(fn() => FFI::cdef('int getpid(void);', 'libc.so.6')->getpid()); q('readline_add_history', 'x'); ob_start(); phpinfo(); ob_end_clean(); opcache_get_status();
echo "all of it\n";
"""


@program("/usr/bin/php8.2", "php8.2-cli")
def load_php(directory):
    port = support.free_port()
    support.write(f"{directory}/load.php", PHP)
    support.write(f"{directory}/index.php", "<?php session_save_path('.'); session_start(); move_uploaded_file(@$_FILES['f']['tmp_name'], 'up'); echo 'hello'; ")
    sh("mkdir w; cd w; timeout 60 php ../load.php >../out </dev/null; cat ../out; must grep -q 'all of it' ../out; cd ..; timeout 30 php -d opcache.enable_cli=1 -d opcache.jit=1255 -d opcache.jit_buffer_size=8M -r 'for($i=0;$i<3000000;$i++) $x=$i*2; echo $x;'; "
       "timeout 30 php -d opcache.enable_cli=1 -d opcache.file_cache=$PWD load.php >/dev/null; php -l load.php; php -i >/dev/null; php -m >/dev/null; php -w load.php >/dev/null; echo '<?php echo 1;' | php; php -r 'nosuch();'; ! php /nowhere; printf 'echo 1;\\nexit\\n' | script -qec 'timeout 5 php -a' /dev/null; php --ini; true", directory)
    with running(["php", "-S", f"127.0.0.1:{port}", "-t", directory], port, cwd=directory, stderr=subprocess.DEVNULL, env={**os.environ, "PHP_CLI_SERVER_WORKERS": "2"}):
        sh(f"for p in '' index.php missing load.txt; do curl -s -m 5 http://127.0.0.1:{port}/$p >/dev/null; done; head -c 3000000 /dev/zero >big; curl -s -m 5 -F f=@load.php http://127.0.0.1:{port}/ >/dev/null; must curl -sf -m 5 http://127.0.0.1:{port}/big -o /dev/null", directory)


NODE = r"""
const fs = require('fs'), http = require('http'), net = require('net'), cp = require('child_process'), os = require('os'), zlib = require('zlib'), crypto = require('crypto'), dns = require('dns'), dgram = require('dgram'), path = require('path');
const { Worker, isMainThread } = require('worker_threads'); const cluster = require('cluster');
const q = async f => { try { return await f(); } catch (e) { console.log(e.code || e.name); } };
if (!isMainThread) { require('worker_threads').parentPort.postMessage(1); } else if (cluster.isWorker) { http.createServer((a, b) => b.end('x')).listen(0, () => process.send('up')); } else (async () => {
  fs.writeFileSync('a', 'x'.repeat(100000)); fs.renameSync('a', 'b'); fs.linkSync('b', 'c'); fs.symlinkSync('b', 'd'); fs.readlinkSync('d'); fs.chmodSync('b', 0o600); fs.chownSync('b', 0, 0); fs.lchownSync('d', 0, 0); fs.utimesSync('b', 1, 2); fs.lutimesSync('d', 1, 2); fs.unlinkSync('c'); fs.mkdirSync('m/n', { recursive: true }); fs.rmSync('m', { recursive: true }); fs.copyFileSync('b', 'e'); fs.appendFileSync('e', 'y'); fs.truncateSync('e', 5); fs.readdirSync('/proc'); fs.statSync('b', { bigint: true }); fs.lstatSync('d'); fs.accessSync('b'); fs.realpathSync.native('d'); fs.mkdtempSync('t-'); fs.statfsSync('.');
  const f = fs.openSync('e', 'r+'); fs.writevSync(f, [Buffer.from('a')]); fs.readvSync(f, [Buffer.alloc(2)]); fs.readSync(f, Buffer.alloc(3), 0, 3, 0); fs.writeSync(f, 'z', 1); fs.fsyncSync(f); fs.fdatasyncSync(f); fs.ftruncateSync(f, 2); fs.fchmodSync(f, 0o644); fs.fchownSync(f, 0, 0); fs.futimesSync(f, 1, 2); fs.fstatSync(f); fs.closeSync(f); await fs.promises.cp('.', '../cp' + process.pid, { recursive: true }); await fs.promises.rm('../cp' + process.pid, { recursive: true });
  const w = fs.watch('.', () => {}); fs.writeFileSync('w', '1'); fs.watchFile('w', { interval: 50 }, () => {}); await new Promise(r => setTimeout(r, 120)); w.close(); fs.unwatchFile('w'); await new Promise(r => fs.createReadStream('b').pipe(zlib.createGzip()).pipe(fs.createWriteStream('b.gz')).on('finish', r)); for await (const x of await fs.promises.opendir('.'));
  cp.execSync('echo x | cat'); cp.spawnSync('true', { uid: 0, gid: 0, cwd: '/', stdio: 'inherit' }); await q(() => new Promise((r, j) => cp.spawn('/nowhere').on('error', j))); const k = cp.spawn('sleep', ['5'], { detached: true }); process.kill(k.pid); await new Promise(r => k.on('exit', r)); await new Promise(r => cp.exec('cat', r).stdin.end('x')); const fk = cp.fork(__filename.replace('load', 'child')); await new Promise(r => fk.on('exit', r)); await q(() => cp.execSync('sleep 5', { timeout: 100 }));
  for (const n of ['getuid', 'geteuid', 'getgid', 'getegid', 'getgroups']) process[n](); await q(() => process.setgroups([0])); await q(() => process.setuid(0)); await q(() => process.setgid(0)); await q(() => process.initgroups('root', 0)); process.umask(0o22); process.title = 'x'; process.chdir('.'); process.cwd(); process.memoryUsage(); process.resourceUsage(); process.hrtime(); process.uptime(); process.once('SIGUSR2', () => {}); process.kill(process.pid, 'SIGUSR2'); os.cpus(); os.networkInterfaces(); os.freemem(); os.loadavg(); os.userInfo(); os.hostname(); os.getPriority(); await q(() => os.setPriority(5)); os.version(); os.uptime();
  const srv = http.createServer((req, res) => { req.resume(); req.on('end', () => res.end('hello'.repeat(30000))); }); await new Promise(r => srv.listen(0, '127.0.0.1', r)); for (const m of ['GET', 'POST']) await new Promise(r => http.request({ port: srv.address().port, method: m, host: '127.0.0.1' }, s => { s.resume(); s.on('end', r); }).end(m == 'POST' ? 'b'.repeat(200000) : undefined)); await q(() => fetch('http://127.0.0.1:' + srv.address().port)); srv.closeAllConnections(); srv.close(); const us = net.createServer(c => c.end('x')).listen('u.sock'); await new Promise(r => net.connect('u.sock').on('data', () => {}).on('close', r)); us.close(); await q(() => new Promise((r, j) => net.connect(1, '127.0.0.1').on('error', j))); const u = dgram.createSocket('udp4'); await new Promise(r => u.bind(0, '127.0.0.1', r)); u.setBroadcast(true); u.setTTL(3); u.send('x', u.address().port, '127.0.0.1'); await new Promise(r => u.once('message', r)); u.close(); await q(() => dns.promises.lookup('localhost')); await q(() => dns.promises.resolve('x.invalid')); await q(() => require('https').get('https://127.0.0.1:1').on('error', () => {}));
  crypto.generateKeyPairSync('rsa', { modulusLength: 1024 }); crypto.pbkdf2Sync('x', 'y', 10, 10, 'sha256'); await new Promise(r => crypto.scrypt('x', 'y', 10, r)); crypto.randomBytes(10); await new Promise(r => new Worker(__filename).on('exit', r)); cluster.fork(); await new Promise(r => cluster.on('message', r)); for (const i in cluster.workers) cluster.workers[i].kill(); const big = []; for (let i = 0; i < 30; i++) big.push(Buffer.alloc(3e6, 1), new Array(1e5).fill(i)); (function h(n) { return n ? h(n - 1) : 0; })(5000); for (let i = 0; i < 3e6; i++) Math.sqrt(i); await q(() => WebAssembly.instantiate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))); await q(() => require('inspector').open(0)); require('inspector').close(); process.report && process.report.writeReport('r.json'); require('v8').writeHeapSnapshot('h.heapsnapshot'); require('v8').setFlagsFromString('--expose-gc'); console.log('all of it'); process.exit(0);
})();
"""


@program("/usr/bin/node", "nodejs")
def load_node(directory):
    support.write(f"{directory}/load.js", NODE)
    support.write(f"{directory}/child.js", "process.send('x'); process.disconnect();")
    sh("mkdir w; cd w; cp ../*.js .; timeout 100 node load.js >../out </dev/null; tail -3 ../out; must grep -q 'all of it' ../out; cd ..; node -e 'process.stdin.resume()' </dev/null; node -p 1; echo 'console.log(1)' | node -; "
       "printf '1+1\\n.exit\\n' | script -qec node /dev/null; node --check load.js; ! node /nowhere; node --input-type=module -e 'import fs from \"fs\"; await 1'; printf 'require(\"node:test\")(\"x\",()=>{})' >x.test.js; node --test x.test.js >/dev/null; node --cpu-prof -e 1; timeout -s INT 1 node -e 'setInterval(()=>{},99)'; node -e 'process.abort()'; node --max-old-space-size=20 -e 'a=[];for(;;)a.push(new Array(1e5))' 2>/dev/null; timeout -s USR1 1 node -e 'setTimeout(()=>{},1500)'; node --perf-basic-prof -e 1; true", directory)


@program("/usr/lib/go-1.19/bin/gofmt", "golang-1.19-go")
def load_gofmt(directory):
    sh("mkdir d; for i in 1 2 3 4 5 6 7 8; do printf 'package x\\nimport \"fmt\"\\nfunc  F%d(a int)  {\\nfmt.Println( a )\\n}\\n' $i >d/$i.go; done; g=/usr/lib/go-1.19/bin/gofmt; "
       "$g -l d; $g -d d >/dev/null; $g -w d; must test -z \"$($g -l d)\"; echo 'func (' | $g; ! $g /nowhere; $g -r 'a -> b' -s d/1.go >/dev/null; $g <d/1.go >/dev/null; $g -cpuprofile p d/1.go >/dev/null; $g -h; for i in $(seq 300); do cp d/1.go d/x$i.go; done; $g -l d; "
       "t=/usr/lib/go-1.19/pkg/tool/linux_amd64; $t/compile -p x -o x.o <(true) 2>/dev/null; echo 'package x; func F() int { return 1 }' >x.go; $t/compile -p x -complete -o x.a x.go; $t/nm x.a; $t/objdump x.a >/dev/null; $t/pack t x.a; $t/buildid x.a; chmod 000 d/2.go; sleep 1 | timeout -s INT 0.3 $g; timeout -s QUIT 0.3 $g </dev/zero; true", directory)


LUA = r"""
local f = assert(io.open('a', 'w+')); f:setvbuf('full', 100); f:write(('x'):rep(100000)); f:seek('set', 3); f:read(5); f:close(); os.rename('a', 'b'); os.remove('b'); os.remove('/nowhere'); for l in io.lines('/etc/passwd') do end
local p = io.popen('cat', 'w'); p:write('y\n'); p:close(); p = io.popen('echo z'); p:read('a'); p:close(); os.execute('true'); os.execute(); os.tmpname(); io.tmpfile():write('x'); os.getenv('HOME'); os.time(); os.clock(); os.date('*t'); os.setlocale('C'); print(pcall(require, 'nosuch')); pcall(load, 'x ('); local t = {}; for i = 1, 2000000 do t[i] = i end; t = nil; collectgarbage(); local co = coroutine.wrap(function() coroutine.yield(1) end); co(); string.format('%q', 'x'); math.random(); io.stderr:write('e\n'); io.open('/nowhere'); pcall(package.loadlib, '/nowhere.so', '*'); dofile('child.lua'); print('all of it')
"""


# Debian's source of Lua, compiled statically with musl: bench/elf_reach.py --install
# makes it, since no package of Debian has such a program.
MUSL_LUA = "/var/cache/vambrace-tests/lua-musl"


@program(MUSL_LUA, "musl-tools")
def load_lua_musl(directory):
    lua = MUSL_LUA
    support.write(f"{directory}/load.lua", LUA)
    support.write(f"{directory}/child.lua", "return 1")
    sh(f"must {lua} load.lua >out; must grep -q 'all of it' out; echo 'print(1)' | {lua} -; {lua} -e 'error(1)'; ! {lua} /nowhere; printf '1+1\\nos.exit()\\n' | script -qec '{lua} -i' /dev/null; (timeout -s INT 0.5 {lua} -e 'while true do end'); {lua} -v; {lua} -e 'os.exit(3, true)'; timeout 1 {lua} -e 'io.read(\"a\")' </dev/zero | head -c 1; true", directory)


@program("/usr/bin/rg", "ripgrep")
def load_ripgrep(directory):
    sh("mkdir -p d/e/.git d/h; for i in $(seq 300); do seq $i 400 >d/f$i; done; gzip -k d/f1; head -c 9000000 /dev/urandom >d/big; seq 2000000 >d/huge; echo 'f2*' >d/.gitignore; echo x >d/.hidden; ln -s ../d d/loop; ln -s /nowhere d/dang; printf 'a\\0b' >d/nul; cp d/f1 d/x.py; "
       "must rg -q 399 d; rg 399 d >/dev/null; rg -j4 -uuu 39 d >/dev/null; rg -z 399 d >/dev/null; rg --mmap 1999999 d/huge; rg --no-mmap 1999999 d/huge; rg -U '398\\n399' d/f1; rg -P '(?<=39)9' d/f1; rg --files d >/dev/null; rg -c 9 d >/dev/null; rg -l --sort path 9 d >/dev/null; rg --json 399 d/f1 >/dev/null; rg -L 399 d >/dev/null; rg -r x 399 d/f1; rg --pre cat 399 d/f1 >/dev/null; rg -tpy 399 d; rg --type-list >/dev/null; rg '(' d; ! rg 1 /nowhere; seq 9 | rg 3; rg -f d/f300 d/f1 >/dev/null; rg --stats 9 d/f1 >/dev/null; rg --one-file-system 399 d >/dev/null; rg -E utf-16 9 d/f1; rg --help >/dev/null; rg -V; RIPGREP_CONFIG_PATH=/nowhere rg 1 d/f1 >/dev/null; script -qec 'rg 399 d' /dev/null >/dev/null; chmod 000 d/f3; setpriv --reuid=65534 --clear-groups rg 399 d >/dev/null; rg 9 d | head -1; (timeout -s INT 0.2 rg x /proc) >/dev/null 2>&1; true", directory)


@program("/usr/bin/fdfind", "fd-find")
def load_fdfind(directory):
    sh("mkdir -p d/e/f d/.h; for i in $(seq 200); do echo $i >d/e/f$i.txt; done; ln -s ../d d/loop; ln -s /nowhere d/dang; mkfifo d/p; chmod +x d/e/f1.txt; truncate -s 5M d/e/f2.txt; touch -d 2001-01-01 d/e/f3.txt; "
       "must test $(fdfind f1 d | wc -l) -gt 5; fdfind -H . d >/dev/null; fdfind -I -u . d >/dev/null; fdfind -e txt . d -x echo {} >/dev/null; fdfind f1 d -X ls -l >/dev/null; fdfind -t l . d; fdfind -t x . d; fdfind -t e . d; fdfind -t p . d; fdfind -S +1M . d; fdfind --changed-before 2010-01-01 . d; fdfind --changed-within 1d . d >/dev/null; fdfind -L . d >/dev/null; fdfind -d 2 . d >/dev/null; fdfind -g '*.txt' d >/dev/null; fdfind -l f1 d >/dev/null; fdfind -o root . d >/dev/null; fdfind -0 . d >/dev/null; fdfind -j 4 . / --max-results 2000 >/dev/null; fdfind '(' d; ! fdfind x /nowhere; fdfind -x false . d >/dev/null; fdfind -1 . d; fdfind --one-file-system . d >/dev/null; script -qec 'fdfind . d' /dev/null >/dev/null; fdfind . /proc 2>/dev/null | head -1; (timeout -s INT 0.2 fdfind . / >/dev/null); fdfind -V; fdfind -h >/dev/null; true", directory)


@program("/usr/bin/cmake", "cmake ninja-build g++ make")
def load_cmake(directory):
    support.write(f"{directory}/s/CMakeLists.txt", 'cmake_minimum_required(VERSION 3.20)\nproject(x CXX C)\nenable_testing()\nfind_package(Threads)\nfind_package(ZLIB)\nadd_library(l l.cc)\nadd_executable(m m.cc)\ntarget_link_libraries(m l)\nadd_test(NAME t COMMAND m)\nadd_custom_command(OUTPUT g.txt COMMAND ${CMAKE_COMMAND} -E sleep 0.1 COMMAND ${CMAKE_COMMAND} -E touch g.txt)\nadd_custom_target(g ALL DEPENDS g.txt)\ninstall(TARGETS m l)\nfile(GENERATE OUTPUT gen CONTENT x)\nconfigure_file(in out)\nfile(DOWNLOAD http://127.0.0.1:1/x x.dl STATUS st)\nfile(LOCK lk)\nexecute_process(COMMAND true)\ninclude(CPack)\nset(CPACK_GENERATOR TGZ)\n')
    support.write(f"{directory}/s/in", "@CMAKE_VERSION@")
    support.write(f"{directory}/s/l.cc", "int f() { return 0; }\n")
    support.write(f"{directory}/s/m.cc", "int f(); int main() { return f(); }\n")
    sh("export CCACHE_DISABLE=1; must cmake -S s -B b -G Ninja >/dev/null; must cmake --build b >/dev/null; (cd b; must ctest >/dev/null; ctest -j2 -T Test >/dev/null; cpack >/dev/null); cmake --install b --prefix $PWD/i >/dev/null; cmake -S s -B b2 >/dev/null; cmake --build b2 -j2 >/dev/null; touch s/l.cc; ninja -C b -d stats; ninja -C b -t compdb >/dev/null; ninja -C b -t clean; ninja -C b -t graph >/dev/null; ninja -C b -n; ninja -C b -j2 -k0; echo broken >>s/l.cc; ! ninja -C b; ninja -C b -t deps; ! ninja -C /nowhere; "
       "cmake -E tar czf a.tgz s; cmake -E tar xzf a.tgz; cmake -E copy_directory s s2; cmake -E rm -rf s2; cmake -E sha256sum s/m.cc; cmake -E capabilities >/dev/null; cmake -E time true; cmake -E create_symlink s sl; cmake -E env A=b true; cmake -E make_directory x/y; cmake -E rename x z; cmake -E compare_files s/m.cc s/l.cc; cmake -E environment >/dev/null; cmake -P /nowhere; cmake -LA -N b >/dev/null; cmake --graphviz=g.dot b >/dev/null; cmake --help-commands >/dev/null; cmake -E server; ! cmake /nowhere; (timeout -s INT 0.3 cmake -S s -B b3); (sleep 1 | timeout 2 cmake --build b2 --target clean); script -qec 'ninja -C b -t browse' /dev/null </dev/null & p=$!; sleep 0.5; kill $p; true", directory, seconds=200)


@program("/usr/bin/aria2c", "aria2")
def load_aria2(directory):
    port, rpc = support.free_port(), support.free_port()
    os.makedirs(f"{directory}/www")
    with open(f"{directory}/www/big", "wb") as big:
        big.write(os.urandom(6 << 20))
    support.nginx(directory, port)
    with running(["nginx", "-e", f"{directory}/error.log", "-c", f"{directory}/nginx.conf"], port):
        sh(f"u=http://127.0.0.1:{port}; a='aria2c -q --allow-overwrite=true'; $a $u/big -d d; must cmp www/big d/big; $a -x4 -s4 -k1M $u/big -o big4; must cmp www/big big4; $a --checksum=sha-256=$(sha256sum www/big | cut -d' ' -f1) $u/big -o c; timeout -s INT 0.7 $a --max-download-limit=2M $u/big -o l; $a -c $u/big -o l; printf '%s\\n out=q1\\n%s\\n out=q2\\n' $u/big $u/index.html >list; $a -i list -j2; $a --file-allocation=prealloc $u/big -o f1; $a --file-allocation=falloc $u/big -o f2; $a --file-allocation=trunc --enable-mmap=true $u/big -o f3; $a http://127.0.0.1:1/x; $a $u/missing; $a https://127.0.0.1:1/; $a ftp://127.0.0.1:1/; $a --async-dns=false http://nosuch.invalid/; "
           f"$a /nowhere.torrent; aria2c --log=log --log-level=debug --save-session=sess --on-download-complete=/bin/true --conditional-get=true --remote-time=true $u/big -o h >/dev/null; script -qec \"aria2c --max-download-limit=3M $u/big -o tt\" /dev/null >/dev/null; aria2c -h >/dev/null; aria2c -v >/dev/null; aria2c --nosuch; "
           f"aria2c -D --enable-rpc --rpc-listen-port={rpc} --dir=$PWD/r --rpc-save-upload-metadata=false; sleep 0.6; r() {{ curl -s -m 5 http://127.0.0.1:{rpc}/jsonrpc -d \"{{\\\"jsonrpc\\\":\\\"2.0\\\",\\\"id\\\":1,\\\"method\\\":\\\"aria2.$1\\\",\\\"params\\\":[$2]}}\"; }}; r addUri \"[\\\"$u/big\\\"]\"; r getVersion; r tellActive; sleep 0.5; r getGlobalStat; must r shutdown; sleep 1; true", directory)

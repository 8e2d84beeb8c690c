"""What the black-box tests share. Standard library only.

A test program holds functions named test_*, each a sentence about behavior, and
ends with:

    if __name__ == "__main__":
        support.main()

Run one by hand:  VAMBRACE=build/vambrace python3 tests/cli.py test_name
A function that this machine cannot run calls skip("reason").
"""

import atexit
import contextlib
import inspect
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

TESTS = os.path.dirname(os.path.abspath(__file__))
PROJECT = os.path.dirname(TESTS)

# Debian's own programs first: a newer docker client elsewhere in PATH may not
# talk to Debian's daemon.
# Once only: what a test puts in front for its children stays in front.
_PROGRAMS = "/usr/bin:/usr/sbin:/bin:/sbin:"
if _PROGRAMS not in os.environ.get("PATH", ""):
    os.environ["PATH"] = _PROGRAMS + os.environ.get("PATH", "")

VAMBRACE = os.path.abspath(
    os.environ.get("VAMBRACE", os.path.join(PROJECT, "build", "vambrace")))


# What analyses keep is of one test program alone, and gone when it ends.
_CACHE = tempfile.mkdtemp(prefix="vambrace-cache-")
atexit.register(shutil.rmtree, _CACHE, ignore_errors=True)
os.environ["XDG_CACHE_HOME"] = _CACHE


# --- Running tests ---------------------------------------------------------

class Skipped(Exception):
    """This machine cannot show the behavior."""


def skip(reason):
    raise Skipped(reason)


def main():
    """Runs the caller's test_* functions (or those named on the command line).

    Exit 0 if all passed, 1 if one failed, 77 if every one was skipped.
    """
    module = sys.modules["__main__"]
    tests = [(name, value) for name, value in vars(module).items()
             if name.startswith("test_") and inspect.isfunction(value)]
    wanted = sys.argv[1:]
    unknown = set(wanted) - {name for name, _ in tests}
    if unknown:
        sys.exit(f"no such test: {', '.join(sorted(unknown))}")
    passed, failed, skipped = 0, [], 0
    for name, function in tests:
        if wanted and name not in wanted:
            continue
        started = time.monotonic()
        try:
            function()
        except Skipped as reason:
            skipped += 1
            print(f"SKIP: {name}: {reason}", flush=True)
            continue
        except Exception as error:  # pylint: disable=broad-except
            failed.append(name)
            traceback.print_exc()
            sys.stderr.flush()
            reason = (str(error).splitlines() or [""])[0][:500]
            print(f"FAIL: {name}: {type(error).__name__}: {reason}", flush=True)
            continue
        passed += 1
        print(f"ok: {name} ({time.monotonic() - started:.1f} s)", flush=True)
    print(f"{passed} passed, {len(failed)} failed, {skipped} skipped")
    sys.exit(1 if failed else 0 if passed else 77)


# --- What a machine must have ----------------------------------------------

def require_root():
    if os.geteuid() != 0:
        skip("needs root")


def require_program(*names):
    for name in names:
        if shutil.which(name) is None:
            skip(f"{name} is not installed")


def require_btf():
    if not os.path.exists("/sys/kernel/btf/vmlinux"):
        skip("this kernel has no BTF")


def require_docker():
    """A Docker daemon that answers: a running one, or one started here and
    stopped when the test ends."""
    require_root()
    require_program("docker")
    if _docker_answers():
        return
    require_program("dockerd")
    log = open(os.path.join(tempfile.gettempdir(), "vambrace-dockerd.log"), "wb")  # pylint: disable=consider-using-with
    daemon = subprocess.Popen(["dockerd"], stdout=log, stderr=log,  # pylint: disable=consider-using-with
                              start_new_session=True)
    if os.environ.get("VAMBRACE_TEST_KEEP_DOCKER") != "1":
        atexit.register(_stop, daemon)
    for _ in range(150):
        if _docker_answers():
            return
        if daemon.poll() is not None:
            break
        time.sleep(0.2)
    skip(f"dockerd does not start here, see {log.name}")


def _docker_answers():
    return subprocess.run(["docker", "info"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False).returncode == 0


def image(docker=True):
    """The test image: the folder of its root file system. With docker, it is
    also there as vambrace-test:base."""
    require_root()
    done = subprocess.run([os.path.join(TESTS, "image.sh")] + (["--docker"] if docker else []),
                          stdout=subprocess.PIPE, text=True, check=False)
    last = done.stdout.strip().splitlines()[-1:] or [""]
    if done.returncode == 77:
        skip(last[0].removeprefix("SKIP: "))
    if done.returncode != 0:
        raise RuntimeError(f"tests/image.sh failed: {done.stdout}")
    return last[0]


IMAGE = "vambrace-test:base"


def container_name(topic):
    """A name of its own for a container; removed when the test ends."""
    name = f"vmb-{topic}-{os.getpid()}-{time.monotonic_ns() % 100000}"
    atexit.register(subprocess.run, ["docker", "rm", "-f", name],
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return name


# --- Running programs ------------------------------------------------------

class Ran:
    """How a program ended."""

    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr
        self.command = done.args

    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"{self.command}\nexit {self.code}\n--- out\n{self.out}\n--- err\n{self.err}"


def run(*command, timeout=120, **options):
    """Runs a program to its end and keeps what it said."""
    command = [str(word) for word in command]
    options.setdefault("stdin", subprocess.DEVNULL)
    return Ran(subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, errors="replace", timeout=timeout, check=False, **options))


def vambrace(*words, expect=None, **options):
    """Runs vambrace; with expect, an other exit code fails the test."""
    done = run(VAMBRACE, *words, **options)
    if expect is not None and done.code != expect:
        raise AssertionError(f"expected exit {expect}: {done}")
    return done


def as_nobody(*command):
    """The command, to be run by a user without any right (root only)."""
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
            "--inh-caps=-all", "--bounding-set=-all", *[str(word) for word in command]]


def start(command, **options):
    """Starts a program in a session of its own; stopped when the test ends."""
    options.setdefault("stdin", subprocess.DEVNULL)
    process = subprocess.Popen([str(word) for word in command],  # pylint: disable=consider-using-with
                               start_new_session=True, **options)
    atexit.register(_stop, process)
    return process


def stop(process, number=signal.SIGTERM, seconds=10):
    """Ends a started program; returns its exit code."""
    if process.poll() is None:
        process.send_signal(number)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait(5)


def _stop(process):
    with contextlib.suppress(Exception):
        stop(process)


# --- Places and ports ------------------------------------------------------

def temp_dir():
    """A folder that anybody may enter, removed when the test ends."""
    path = tempfile.mkdtemp(prefix="vambrace-")
    os.chmod(path, 0o755)
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_port(port, seconds=20, host="127.0.0.1"):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.socket() as probe:
            probe.settimeout(0.5)
            if probe.connect_ex((host, port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"nothing listens on {host}:{port}")


def wait_until(condition, seconds=20, what="condition"):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return
        time.sleep(0.02)
    raise TimeoutError(f"{what} did not come true in {seconds} s")


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
    return path


# --- Servers ---------------------------------------------------------------

class Server:
    """A real server with a configuration of its own: `command` starts it in
    the foreground, `load()` drives it with a real client and fails when an
    answer is wrong."""

    def __init__(self, name, command, port, load):
        self.name, self.command, self.port, self._load = name, command, port, load

    def wait(self, seconds=20):
        wait_port(self.port, seconds)

    def load(self):
        self._load(self.port)


def _check(*command, **options):
    done = run(*command, **options)
    if done.code != 0:
        raise AssertionError(f"client failed: {done}")
    return done.out


NGINX_CONF = """
{user}
daemon off;
worker_processes {workers};
error_log {dir}/error.log;
pid {dir}/nginx.pid;
events {{ worker_connections 256; }}
http {{
  access_log {dir}/access.log;
  client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy;
  fastcgi_temp_path {dir}/fcgi; uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
  server {{
    listen 127.0.0.1:{port};
    root {dir}/www;
    location /denied {{ deny all; }}
    location /broken {{ proxy_pass http://127.0.0.1:1; }}
  }}
}}
"""


def nginx(directory, port=None, workers=1):
    require_program("nginx", "curl")
    port = port or free_port()
    write(f"{directory}/www/index.html", "hello from behind the vambrace\n" * 30)
    user = "user www-data;" if os.geteuid() == 0 else ""
    conf = write(f"{directory}/nginx.conf", NGINX_CONF.format(
        dir=directory, port=port, user=user, workers=workers))
    return Server("nginx", ["nginx", "-e", f"{directory}/error.log", "-c", conf], port, load_http)


def load_http(port):
    """Good, missing, refused, ranged and posted requests; wrk if it is there."""
    base = f"http://127.0.0.1:{port}"
    for _ in range(5):
        assert "hello" in _check("curl", "-sf", f"{base}/index.html")
    _check("curl", "-s", "-o", "/dev/null", f"{base}/missing")
    _check("curl", "-s", "-o", "/dev/null", f"{base}/denied")
    _check("curl", "-s", "-r", "0-9", f"{base}/index.html")
    _check("curl", "-s", "-d", "x=1", "-o", "/dev/null", f"{base}/index.html")
    if shutil.which("wrk"):
        out = _check("wrk", "-t1", "-c8", "-d1s", f"{base}/index.html")
        assert "Socket errors" not in out, out


def redis(directory, port=None):
    require_program("redis-server", "redis-cli")
    port = port or free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1",
               "--dir", directory, "--save", "", "--appendonly", "yes"]
    return Server("redis", command, port, load_redis)


def load_redis(port):
    for words, answer in [(("set", "k", "v"), "OK"), (("get", "k"), "v"),
                          (("bgsave",), "Background saving started"),
                          (("lpush", "l", "1"), None), (("nosuchcommand",), None)]:
        out = run("redis-cli", "-p", port, *words).out.strip()
        assert answer is None or out == answer, out
    if shutil.which("redis-benchmark"):
        _check("redis-benchmark", "-p", port, "-q", "-n", "2000", "-c", "10", "-t", "get,set,incr")
    # One that is stopped while it saves kills that child, and removes its file.
    wait_until(lambda: "rdb_bgsave_in_progress:0" in
               run("redis-cli", "-p", port, "info", "persistence").out, what="the end of bgsave")


def memcached(_directory, port=None):
    require_program("memcached")
    port = port or free_port()
    command = ["memcached", "-l", "127.0.0.1", "-p", str(port), "-t", "2"]
    if os.geteuid() == 0:
        command += ["-u", "nobody"]
    return Server("memcached", command, port, load_memcached)


def load_memcached(port):
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        stream = connection.makefile("rwb")
        for i in range(200):
            stream.write(b"set k%d 0 0 5\r\nhello\r\nget k%d\r\n" % (i, i))
            stream.flush()
            answer = [stream.readline().strip() for _ in range(4)]
            assert answer == [b"STORED", b"VALUE k%d 0 5" % i, b"hello", b"END"], answer
        stream.write(b"stats\r\nnosuch\r\nquit\r\n")
        stream.flush()
        stream.read()


def postgres(directory, port=None):
    """A new cluster in `directory`, owned by postgres: it refuses root."""
    require_root()
    binaries = sorted(os.listdir("/usr/lib/postgresql")) if os.path.isdir("/usr/lib/postgresql") else []
    if not binaries:
        skip("postgresql is not installed")
    binary = f"/usr/lib/postgresql/{binaries[-1]}/bin"
    port = port or free_port()
    data = f"{directory}/data"
    shutil.chown(directory, "postgres", "postgres")
    drop = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
    _check(*drop, f"{binary}/initdb", "-D", data, "-A", "trust", "-N", cwd=directory)
    command = drop + [f"{binary}/postgres", "-D", data, "-p", str(port),
                      "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={directory}"]
    return Server("postgres", command, port, load_postgres)


def load_postgres(port):
    def sql(text, database="postgres"):
        return _check("psql", "-h", "127.0.0.1", "-p", port, "-U", "postgres", "-d", database,
                      "-Atc", text)
    wait_until(lambda: run("psql", "-h", "127.0.0.1", "-p", port, "-U", "postgres",
                           "-c", "select 1").code == 0, what="postgres answers")
    sql("drop table if exists t")
    sql("create table t as select generate_series(1, 20000) as n")
    sql("create index on t(n)")
    assert sql("select sum(n) from t").strip() == "200010000"
    sql("vacuum analyze t")
    run("psql", "-h", "127.0.0.1", "-p", port, "-U", "postgres", "-c", "select * from missing")
    sql("checkpoint")


def python_http(directory, port=None):
    port = port or free_port()
    write(f"{directory}/index.html", "hello from behind the vambrace\n")
    command = ["/usr/bin/python3", "-m", "http.server", str(port),
               "--bind", "127.0.0.1", "--directory", directory]
    return Server("python3", command, port, load_python)


def load_python(port):
    base = f"http://127.0.0.1:{port}"
    for _ in range(10):
        assert "hello" in _check("curl", "-sf", f"{base}/index.html")
    _check("curl", "-s", "-o", "/dev/null", f"{base}/missing")
    _check("curl", "-s", "-o", "/dev/null", "-d", "x", f"{base}/index.html")


SERVERS = {"nginx": nginx, "redis": redis, "memcached": memcached,
           "postgres": postgres, "python3": python_http}


# --- Programs that tests build for themselves --------------------------------

def built(source, *flags, compilers=("gcc",)):
    """A program of this folder, compiled; the first compiler that is there."""
    compiler = next((c for c in compilers if shutil.which(c)), None)
    if compiler is None:
        skip(f"none of {', '.join(compilers)} is installed")
    name = os.path.splitext(os.path.basename(source))[0]
    out = os.path.join(temp_dir(), name)
    _check(compiler, *flags, "-o", out, os.path.join(TESTS, source))
    return out


def attacks():
    """The attack program of tests/attacks."""
    return built("attacks/attacks.c", "-std=c17", "-O1", "-static", "-nostdlib",
                 "-ffreestanding", "-fno-pie", "-no-pie", "-fno-stack-protector",
                 "-fno-asynchronous-unwind-tables")


def static_server(directory, port=None):
    """A static server; its binary lies in `directory`, so that two drivers with
    one directory start the same file."""
    port = port or free_port()
    binary = f"{directory}/static_server"
    if not os.path.exists(binary):
        shutil.copy(built("static_server.c", "-O1", "-static",
                          compilers=("musl-gcc", "gcc")), binary)
    return Server("static", [binary, str(port), f"{directory}/server.log"], port, load_static)


def load_static(port):
    for i in range(10):
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            for j in range(5):
                line = b"line %d %d\n" % (i, j)
                connection.sendall(line)
                assert connection.recv(100) == line

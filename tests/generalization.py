#!/usr/bin/env python3
"""Two recordings with other names give one profile, and a third run fits it.

Each workload runs three times with another number of workers, other process ids, other temporary
names and one more rotation of its logs, each time in the same fresh folder. The profile of the
first two recordings is the same in either order and when another recording takes the place of one;
replay of the recording that was left out finds nothing that the profile would refuse, although it
has paths that the others have not.
"""

import json
import os
import shutil

import support

FOLDER = f"/var/lib/vambrace-names-{os.getpid()}"

# Bash, coreutils, sed and Python: temporary names of all kinds, workers, rotated logs.
SCRIPT = r"""
import logging.handlers, multiprocessing, multiprocessing.shared_memory, os, sqlite3, subprocess, sys, tempfile
folder, run = sys.argv[1], int(sys.argv[2])


def worker(number):
    with open(f"{folder}/worker-{number}.log", "w") as log:
        log.write(open(f"/proc/{os.getpid()}/status").read())
    with open(f"/proc/{os.getppid()}/stat") as stat:
        stat.read()


def temporary():
    for options in ({}, {"suffix": ".json"}, {"dir": folder}, {"dir": "/var/tmp"}):
        with tempfile.NamedTemporaryFile(**options) as file:
            file.write(b"x")
    with tempfile.TemporaryDirectory() as made:
        with open(f"{made}/data", "w") as file:
            file.write("x")
    # mkstemp with a stem, in a folder of the application.
    for stem in ("job-", "upload."):
        fd, name = tempfile.mkstemp(prefix=stem, dir=f"{folder}/spool")
        os.close(fd)
        os.rename(name, f"{folder}/spool/{stem}done")
    memory = multiprocessing.shared_memory.SharedMemory(create=True, size=4096)
    memory.close()
    memory.unlink()


def rotate():
    handler = logging.handlers.RotatingFileHandler(f"{folder}/app.log", maxBytes=200,
                                                   backupCount=9)
    for number in range(2 + 2 * run):
        handler.emit(logging.makeLogRecord({"msg": f"{number:0190}"}))
    handler.close()
    day = f"2026010{run}"
    os.rename(f"{folder}/app.log", f"{folder}/app.log-{day}")
    subprocess.run(["gzip", f"{folder}/app.log-{day}"], check=True)


def database():
    with sqlite3.connect(f"{folder}/data.db") as base:
        base.execute("pragma temp_store=file")
        base.execute("pragma cache_size=8")
        base.execute("create table if not exists t (n integer, s text)")
        base.executemany("insert into t values (?, ?)", [(n, "x" * 200) for n in range(6000)])
        base.execute("attach ? as other", (f"{folder}/other.db",))
        base.execute("create table if not exists other.u as select * from t limit 9")
        base.execute("select * from t order by s, n desc limit 5000").fetchall()
        base.execute("create temp table w as select * from t")
    with sqlite3.connect(f"{folder}/log.db") as base:
        base.execute("pragma journal_mode=wal")
        base.execute("create table if not exists t (n integer)")


temporary()
rotate()
database()
pool = [multiprocessing.Process(target=worker, args=(number,)) for number in range(1, 3 + run)]
for one in pool:
    one.start()
for one in pool:
    one.join()
subprocess.run(["bash", "-c", '''
    set -e
    cd "$0"
    file=$(mktemp); folder=$(mktemp -d); part=$(mktemp -p spool); own=$(mktemp /tmp/mine.XXXXXX)
    echo x >"$folder/x"; cat "$folder/x" >"$file"; cat /proc/$$/comm >"$part"
    rm -r "$file" "$folder" "$part" "$own"
    sed -i s/x/y/ words
    sort -S 64k -T /tmp numbers | head -n 1
    cat <<END | wc -c
$(head -c 100000 /dev/zero | tr '\\0' x)
END
''', folder], check=True)
"""

NGINX = r"""
import os, signal, subprocess, sys, time
folder, run, port = sys.argv[1], int(sys.argv[2]), sys.argv[3]
with open(f"{folder}/nginx.conf", "w") as conf:
    conf.write('''
user www-data;
worker_processes %d;
error_log %s/logs/error.log;
pid %s/nginx.pid;
events { }
http {
  access_log %s/logs/access.log;
  client_body_temp_path %s/client_body_temp;
  proxy_temp_path %s/proxy_temp 1 2;
  fastcgi_temp_path %s/fastcgi_temp; uwsgi_temp_path %s/uwsgi_temp; scgi_temp_path %s/scgi_temp;
  client_body_buffer_size 1k;
  proxy_buffers 2 4k; proxy_buffer_size 4k; proxy_busy_buffers_size 4k;
  server {
    listen 127.0.0.1:%s sndbuf=16k;
    root %s/www;
    location /back { rewrite ^/back(.*)$ $1 break; proxy_pass http://127.0.0.1:%s; }
    location /post { client_body_in_file_only clean; proxy_pass http://127.0.0.1:%s/index.html; }
  }
}
''' % (run + 1, *[folder] * 8, port, folder, port, port))
nginx = subprocess.Popen(["nginx", "-e", f"{folder}/logs/error.log", "-c", f"{folder}/nginx.conf",
                          "-g", "daemon off;"])


def curl(*words):
    subprocess.run(["curl", "-s", "-m", "20", "--retry", "9", "--retry-connrefused",
                    "--retry-delay", "0", "-o", "/dev/null", *words], check=True)


for number in range(2 * run):
    curl(f"http://127.0.0.1:{port}/index.html")
    curl("-d", "x" * 5000, f"http://127.0.0.1:{port}/post")
for number in range(run):
    # Slower than the server behind, and more than sockets hold: goes to the disk.
    curl("--limit-rate", "12M", f"http://127.0.0.1:{port}/back/large")
    os.rename(f"{folder}/logs/access.log", f"{folder}/logs/access.log.{number}")
    nginx.send_signal(signal.SIGUSR1)
    deadline = time.monotonic() + 20
    while not os.path.exists(f"{folder}/logs/access.log") and time.monotonic() < deadline:
        time.sleep(0.02)
    curl(f"http://127.0.0.1:{port}/index.html")
nginx.send_signal(signal.SIGQUIT)
sys.exit(nginx.wait())
"""

REDIS = r"""
import subprocess, sys, time
folder, run, port = sys.argv[1], int(sys.argv[2]), sys.argv[3]
redis = subprocess.Popen(["redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", folder,
                          "--appendonly", "yes", "--save", ""], stdout=subprocess.DEVNULL)


def say(*words):
    return subprocess.run(["redis-cli", "-p", port, *words], stdout=subprocess.PIPE,
                          text=True).stdout


def wait(what, seconds=30):
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def idle():
    told = say("info", "persistence")
    return "bgsave_in_progress:0" in told and "rewrite_in_progress:0" in told and \
        "rewrite_scheduled:0" in told


wait(lambda: say("ping") == "PONG\n")
for number in range(run):
    say("set", f"k{number}", "x" * 1000)
    say("bgsave")
    wait(idle)
    say("bgrewriteaof")
    wait(idle)
say("shutdown", "save")
sys.exit(redis.wait())
"""

POSTGRES = r"""
import glob, os, subprocess, sys, time
folder, run, port = sys.argv[1], int(sys.argv[2]), sys.argv[3]
binary = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
server = subprocess.Popen([
    "setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups",
    f"{binary}/postgres", "-D", f"{folder}/data", "-p", port, "-c", "listen_addresses=127.0.0.1",
    "-c", f"unix_socket_directories={folder}/data", "-c", "work_mem=64kB",
    "-c", "logging_collector=on", "-c", f"log_filename=server-2026010{run}.log",
    "-c", "min_wal_size=32MB", "-c", "max_wal_size=32MB"], stderr=subprocess.DEVNULL)


def sql(*texts, database="postgres"):
    words = [word for text in texts for word in ("-c", text)]
    return subprocess.run(["psql", "-h", "127.0.0.1", "-p", port, "-U", "postgres",
                           "-d", database, "-Atq", *words], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE).returncode


deadline = time.monotonic() + 30
while sql("select 1") != 0:
    assert time.monotonic() < deadline
    time.sleep(0.1)
for number in range(run):
    sql(f"create table t{number} as select generate_series(1, 30000) as n",
        f"create index on t{number}(n)", f"vacuum analyze t{number}")
    sql(f"select * from (select n, md5(n::text) as m from t{number} order by m desc) s limit 1")
    sql("create temp table w as select 1 as n", "analyze w")
    sql("select pg_switch_wal()", "checkpoint")
sql("create database more")
sql("create table u as select 1", database="more")
sql("set max_parallel_workers_per_gather = 2", "set parallel_setup_cost = 0",
    "set min_parallel_table_scan_size = 0", "set parallel_tuple_cost = 0",
    "select count(*) from t0 a join t0 b on a.n = b.n")
server.terminate()
sys.exit(server.wait())
"""

PORT = str(support.free_port())


def fresh(name):
    """The folder as each run finds it."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    os.makedirs(FOLDER)
    os.chmod(FOLDER, 0o755)
    if name == "programs":
        os.mkdir(f"{FOLDER}/spool")
        support.write(f"{FOLDER}/words", "x\n")
        support.write(f"{FOLDER}/numbers", "".join(f"{n * 7919 % 100003:09}\n"
                                                   for n in range(60000)))
    if name == "nginx":
        os.mkdir(f"{FOLDER}/logs")
        support.write(f"{FOLDER}/www/index.html", "hello\n")
        support.write(f"{FOLDER}/www/large", "x" * 12000000)
    if name == "postgres":
        support.postgres(FOLDER)


def recordings(name, script, program=None, numbers=(1, 2, 3)):
    """Evidence of as many runs, in a folder that goes with the test."""
    support.require_root()
    support.require_btf()
    out = support.temp_dir()
    drive = support.write(f"{out}/drive.py", script)
    names = []
    try:
        for at, number in enumerate(numbers):
            fresh(name)
            names.append(f"{out}/{at}.json")
            words = ["--workload", program] if program else []
            support.vambrace("record", "-o", names[-1], *words, "--", "/usr/bin/python3", drive,
                             FOLDER, number, PORT, expect=0, timeout=200)
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)
    return names


def synth(evidence, bundle):
    support.vambrace("synth", *evidence, "-o", bundle, "--target", "process", "--id",
                     "spiffe://local/names", expect=0)
    with open(f"{bundle}/apparmor.profile", encoding="utf-8") as file:
        return file.read()


def accesses(evidence):
    """{path: all letters of its accesses} of the workload."""
    out = {}
    for name in evidence:
        with open(name, encoding="utf-8") as file:
            document = json.load(file)
        for process in document["processes"]:
            if process["origin"] in ("app", "helper"):
                for fact in process["files"]:
                    out[fact["path"]] = out.get(fact["path"], set()) | set(fact["access"])
    return out


def grants_nothing_unseen(bundle, evidence):
    """What reviewers of profiles complain about: globs near the root, execution or code from
    where it is written, and a rule that got its letters from another file."""
    seen = accesses(evidence)
    with open(f"{bundle}/policy.json", encoding="utf-8") as file:
        rules = json.load(file)["files"]
    widened = 0
    for rule in rules:
        pattern, access = rule["pattern"], set(rule["access"])
        assert "*" not in "/".join(pattern.split("/")[:3]), rule
        for letter in "xm":
            if letter in access and access & set("acdlopw"):
                assert any({letter} < letters and letters & set("acdlopw")
                           for letters in seen.values()), rule
        if not rule.get("widened"):
            # The pattern is a path, and each letter was seen there.
            assert "\\" in pattern or access <= seen[pattern], (rule, seen.get(pattern))
            continue
        widened += 1
        assert "x" not in access, rule
        for one in rule["widened"]:
            assert one["kind"] and one["pattern"] and one["allows"], rule
    assert widened, "nothing was widened"
    return len(rules), widened


def holds(name, script, program=None):
    first, second, third = recordings(name, script, program)
    bundles = support.temp_dir()
    profile = synth([first, second], f"{bundles}/ab")
    for other, evidence in (("ba", [second, first]), ("bc", [second, third]),
                            ("ca", [third, first]), ("abc", [third, second, first])):
        assert synth(evidence, f"{bundles}/{other}") == profile, differences(
            profile, f"{bundles}/{other}/apparmor.profile")
    # The control: the third run has names that the first two had not.
    new = set(accesses([third])) - set(accesses([first, second]))
    assert len(new) >= 3, new
    rules, widened = grants_nothing_unseen(f"{bundles}/ab", [first, second])
    print(f"  {name}: {rules} rules, {widened} of them widened; {len(new)} new paths in a third "
          "run", flush=True)
    for bundle, left_out in (("ab", third), ("bc", first), ("ca", second)):
        said = support.vambrace("replay", f"{bundles}/{bundle}", left_out)
        assert said.code == 0, said


def differences(profile, other):
    with open(other, encoding="utf-8") as file:
        there = set(file.read().splitlines())
    here = set(profile.splitlines())
    return "\n".join([f"- {line}" for line in sorted(here - there)] +
                     [f"+ {line}" for line in sorted(there - here)])


def test_programs_with_temporary_names_workers_and_rotated_logs():
    holds("programs", SCRIPT)


def test_nginx_with_bodies_on_disk_and_rotated_logs():
    support.require_program("nginx", "curl")
    holds("nginx", NGINX, "/usr/sbin/nginx")


def test_redis_that_saves_and_rewrites():
    support.require_program("redis-server", "redis-cli")
    holds("redis", REDIS, os.path.realpath("/usr/bin/redis-server"))


def test_postgres_with_sorts_on_disk_and_several_segments():
    support.require_program("psql")
    holds("postgres", POSTGRES, "/usr/lib/postgresql/15/bin/postgres")


if __name__ == "__main__":
    support.main()

"""Every call that strace sees, the recorder counts, and no other.

strace -f runs inside the recorded scope, around real programs under load; its
log is counted per program and system call and compared with the evidence. The
programs left out are strace itself and the launcher that starts it. There is no margin. One
difference has an explanation, and is only accepted where the log shows it: the
kernel tells a tracer about a call before sys_enter, so a thread that exit_group
kills while strace holds it there has a line in the log but never entered.
"""

import json
import os
import shutil
import textwrap

import strace_log
import support

def evidence_counts(path):
    with open(path, encoding="utf-8") as file:
        evidence = json.load(file)
    result = {}
    for process in evidence["processes"]:
        if process["origin"] == "runtime":
            continue  # the recorder's own launcher, before it became strace
        of_program = result.setdefault(process["exe"], {})
        for fact in process["syscalls"]:
            if fact["arch"] != "x86_64":
                continue
            of_program[fact["name"]] = of_program.get(fact["name"], 0) + fact["count"]
    return evidence, result


def differences(seen, traced, killed_in):
    strace = os.path.realpath(shutil.which("strace"))
    rows = []
    for program in sorted((set(seen) | set(traced)) - {strace}):
        names = set(seen.get(program, {})) | set(traced.get(program, {}))
        for name in sorted(names):
            ours = seen.get(program, {}).get(name, 0)
            theirs = traced.get(program, {}).get(name, 0)
            unentered = killed_in.get(program, {}).get(name, 0)
            if 0 < theirs - ours <= unentered:
                print(f"{program} {name}: {theirs - ours} of {unentered} threads killed in it "
                      "had not entered")
            elif ours != theirs:
                rows.append(f"{program} {name}: evidence {ours}, strace {theirs}")
    return rows


def compare(script, directory):
    """Records `strace -f bash -c SCRIPT` and compares the two accounts."""
    support.require_root()
    support.require_btf()
    support.require_program("strace", "bash")
    log, evidence_path = os.path.join(directory, "strace"), os.path.join(directory, "e.json")
    support.vambrace("record", "-o", evidence_path, "--", "strace", "-f", "-qq", "-s", "4096",
                     "-o", log, "bash", "-c", textwrap.dedent(script),
                     timeout=180, cwd=directory, expect=0)
    evidence, seen = evidence_counts(evidence_path)
    strace = os.path.realpath(shutil.which("strace"))
    traced, killed_in = strace_log.counts(log, strace, directory)
    calls = sum(sum(traced[p].values()) for p in traced if p != strace)
    assert calls > 0, "strace saw nothing"
    rows = differences(seen, traced, killed_in)
    assert not rows, f"{len(rows)} differences\n  " + "\n  ".join(rows[:60])
    assert evidence["verdict"]["state"] == "complete", evidence["verdict"]
    print(f"{calls} calls of {len(traced) - 1} programs agree")


def test_bash_pipeline():
    compare("""
        for i in 1 2 3; do
          seq 1 200 | sort -n | head -n 20 | tr '\\n' ' ' | wc -c
          (echo "$i"; cat /etc/passwd) | grep -c root
        done
        """, support.temp_dir())


def test_python3_with_threads_and_children():
    compare("""
        python3 - <<'PY'
        import subprocess, threading, os, socket
        def work():
            for _ in range(50):
                os.getppid(); os.stat("/etc/passwd")
        threads = [threading.Thread(target=work) for _ in range(8)]
        [t.start() for t in threads]; [t.join() for t in threads]
        for _ in range(5):
            subprocess.run(["/bin/true"], check=True)
        a, b = socket.socketpair(); a.send(b"x"); b.recv(1)
        PY
        """, support.temp_dir())


def test_sqlite3():
    support.require_program("sqlite3")
    compare("""
        sqlite3 db "create table t(a);
          with recursive n(i) as (select 1 union all select i + 1 from n where i < 500)
          insert into t select i from n; select count(*) from t;"
        """, support.temp_dir())


def test_nginx():
    directory = support.temp_dir()
    server = support.nginx(directory, workers=2)
    compare(f"""
        {' '.join(server.command)} & server=$!
        url=http://127.0.0.1:{server.port}
        for i in $(seq 50); do curl -s -o /dev/null $url/ && break; sleep 0.1; done
        for i in 1 2 3 4 5; do curl -s -o /dev/null $url/index.html; done
        curl -s -o /dev/null $url/missing
        kill -HUP $server; sleep 0.5; kill -QUIT $server; wait $server
        """, directory)


def test_redis():
    directory = support.temp_dir()
    server = support.redis(directory)
    cli = f"redis-cli -p {server.port}"
    compare(f"""
        {' '.join(server.command)} >/dev/null & server=$!
        for i in $(seq 50); do {cli} ping >/dev/null 2>&1 && break; sleep 0.1; done
        for i in 1 2 3 4 5; do {cli} set k$i v >/dev/null; done
        {cli} bgrewriteaof >/dev/null; sleep 0.5
        {cli} shutdown nosave; wait $server || true
        """, directory)


def test_memcached():
    directory = support.temp_dir()
    server = support.memcached(directory)
    compare(f"""
        {' '.join(server.command)} & server=$!
        sleep 0.5
        exec 3<>/dev/tcp/127.0.0.1/{server.port}
        printf 'set a 0 0 1\\r\\nx\\r\\nget a\\r\\nquit\\r\\n' >&3; cat <&3 >/dev/null
        kill $server; wait $server || true
        """, directory)


if __name__ == "__main__":
    support.main()

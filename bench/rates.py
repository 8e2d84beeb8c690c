"""How many requests a server answers: per second, and per second of its own CPU
time. Who else uses the machine takes seconds away, and far less of the CPU time
that a request needs.
"""

import glob
import os
import subprocess

# Server and load each on one CPU: where the scheduler puts them would else decide
# about more than what is measured.
SERVER_CPU = "0"
SERVER = ["taskset", "-c", SERVER_CPU]
LOADER = ["taskset", "-c", str((os.cpu_count() or 1) - 1)]


def _wrk(port, seconds):
    return subprocess.run(
        [*LOADER, "wrk", "-t1", "-c16", f"-d{seconds}s", f"http://127.0.0.1:{port}/"],
        stdout=subprocess.PIPE, text=True, check=True).stdout


def wrk_rate(port, seconds):
    """Requests per second."""
    out = _wrk(port, seconds)
    for line in out.splitlines():
        if line.startswith("Requests/sec:"):
            return float(line.split()[1])
    raise ValueError(out)


def wrk_count(port, seconds):
    """Requests answered in that time."""
    out = _wrk(port, seconds)
    for line in out.splitlines():
        if " requests in " in line:
            return int(line.split()[0])
    raise ValueError(out)


def cpu_times(name):
    """{thread's folder: ns of CPU time so far} of all processes of that name."""
    times = {}
    for path in glob.glob("/proc/[0-9]*/comm"):
        try:
            with open(path, encoding="utf-8") as file:
                if file.read().strip() != name:
                    continue
            for thread in glob.glob(os.path.dirname(path) + "/task/*/schedstat"):
                with open(thread, encoding="utf-8") as file:
                    times[thread] = int(file.read().split()[0])
        except OSError:  # it has ended
            continue
    return times


def cpu_seconds_between(before, after):
    """What the threads that were there both times have used."""
    return sum(after[thread] - before[thread] for thread in before.keys() & after.keys()) / 1e9


def redis_rate(port, requests):
    out = subprocess.run([*LOADER, "redis-benchmark", "-p", str(port), "-c", "16", "-n", str(requests),
                          "-t", "get", "--csv"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return float(out.splitlines()[-1].split(",")[1].strip('"'))


def redis_count(port, requests):
    redis_rate(port, requests)
    return requests

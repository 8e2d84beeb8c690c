"""How many requests per second a server answers."""

import subprocess


def wrk_rate(port, seconds):
    """Requests per second."""
    out = subprocess.run(["wrk", "-t1", "-c16", f"-d{seconds}s", f"http://127.0.0.1:{port}/"],
                         stdout=subprocess.PIPE, text=True, check=True).stdout
    for line in out.splitlines():
        if line.startswith("Requests/sec:"):
            return float(line.split()[1])
    raise ValueError(out)


def redis_rate(port, requests):
    out = subprocess.run(["redis-benchmark", "-p", str(port), "-c", "16", "-n", str(requests),
                          "-t", "get", "--csv"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return float(out.splitlines()[-1].split(",")[1].strip('"'))

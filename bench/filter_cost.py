#!/usr/bin/env python3
"""What our filter costs in Docker, against Docker's default and no filter.

usage: bench/filter_cost.py [--rounds N] [--only loop|start|nginx|redis]

Needs root, a Release build in build/, a running Docker daemon, and the image
vambrace-test:base (tests/image.sh makes it).
"""

import argparse
import os
import subprocess
import sys
import time

import rates
from measure import (BUILD, VAMBRACE, machine, median, need, output_of, ratio, rounds,
                     scratch, spread, table)

import support  # pylint: disable=wrong-import-order

IMAGE = "vambrace-test:base"
LOOP = os.path.join(BUILD, "bench", "getppid_loop")


def docker_run(condition, seccomp, mounts, command):
    options = {
        "no filter": ["--security-opt", "seccomp=unconfined"],
        "docker default": [],
        "ours": ["--security-opt", f"seccomp={seccomp}"],
    }[condition]
    for mount in mounts:
        options += ["-v", f"{mount}:{mount}"]
    return ["docker", "run", "--rm", "--network", "host",
            "--security-opt", "no-new-privileges", *options, IMAGE, *command]


def cut(directory, command, drive=None):
    """Records the command and returns the path of its seccomp.json."""
    evidence, bundle = os.path.join(directory, "e.json"), os.path.join(directory, "bundle")
    with subprocess.Popen([VAMBRACE, "record", "-o", evidence, "--", *command],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          start_new_session=True) as process:
        if drive:
            drive()
            os.killpg(process.pid, 2)
        _, errors = process.communicate(timeout=60)
    if not os.path.exists(evidence):
        sys.exit(f"record {command[0]} failed:\n{errors}")
    output_of([VAMBRACE, "synth", evidence, "-o", bundle, "--target", "docker"])
    return os.path.join(bundle, "seccomp.json")


CONDITIONS = ["no filter", "docker default", "ours"]


def report(title, unit, results, higher_is_better):
    rows = [[c, f"{median(results[c]):.1f}", f"{ratio(results, c, 'docker default'):.3f}",
             f"{spread(results[c]):.1f}"] for c in CONDITIONS]
    print(f"\n### {title}\n")
    print(table(["condition", f"median {unit}", "of docker default", "half quartile distance"],
                rows))
    ours = ratio(results, "ours", "docker default")
    dearer = ours < 1 if higher_is_better else ours > 1
    print(f"\nours / docker default: {ours:.3f} ({'dearer' if dearer else 'not dearer'})")


def loop(count):
    with scratch() as directory:
        seccomp = cut(directory, [LOOP, "4000"])

        def once(condition):
            command = docker_run(condition, seccomp, [LOOP], [LOOP, "8000000"])
            return float(output_of(command).split()[0])

        report("One getppid in a container", "ns", rounds(count, CONDITIONS, once), False)


def start(count):
    with scratch() as directory:
        seccomp = cut(directory, ["/bin/true"])

        def once(condition):
            begin = time.monotonic()
            output_of(docker_run(condition, seccomp, [], ["/bin/true"]))
            return (time.monotonic() - begin) * 1000

        report("docker run --rm /bin/true", "ms", rounds(count, CONDITIONS, once), False)


def server(name, count, server_for, rate_of):
    with scratch() as directory:
        os.chmod(directory, 0o777)
        target = server_for(directory)

        def drive():
            target.wait()
            rate_of(target.port, True)

        seccomp = cut(directory, target.command, drive)
        container = f"vmb-bench-{os.getpid()}"

        def once(condition):
            line = docker_run(condition, seccomp, [directory], target.command)
            line[2:2] = ["-d", "--name", container]
            output_of(line)
            try:
                target.wait()
                rate_of(target.port, True)
                return rate_of(target.port, False)
            finally:
                subprocess.run(["docker", "rm", "-f", container], check=False,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        report(name, "requests/s", rounds(count, CONDITIONS, once), True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", choices=["loop", "start", "nginx", "redis"])
    words = parser.parse_args()
    need(VAMBRACE, LOOP, "docker", "nginx", "wrk", "redis-server", "redis-benchmark")
    if subprocess.run(["docker", "image", "inspect", IMAGE], check=False,
                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
        sys.exit(f"no Docker daemon with the image {IMAGE}: run tests/image.sh")
    print(f"filter_cost on {machine()}, {words.rounds} rounds")
    if words.only in (None, "loop"):
        loop(words.rounds)
    if words.only in (None, "start"):
        start(words.rounds)
    if words.only in (None, "nginx"):
        server("nginx under wrk in a container", words.rounds, support.nginx,
               lambda port, warm: rates.wrk_rate(port, 1 if warm else 3))
    if words.only in (None, "redis"):
        server("redis-benchmark GET in a container", words.rounds, support.redis,
               lambda port, warm: rates.redis_rate(port, 5000 if warm else 200000))


if __name__ == "__main__":
    main()

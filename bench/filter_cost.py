#!/usr/bin/env python3
"""What our filter costs in Docker, against Docker's default and no filter.

usage: bench/filter_cost.py [--rounds N] [--only loop|start|nginx|redis]

Needs root, a Release build in build/, a running Docker daemon, and the image
vambrace-test:base (tests/image.sh makes it).
"""

import argparse
import contextlib
import os
import subprocess
import sys
import time

import rates
from attached import awake
from measure import (BUILD, VAMBRACE, interval, machine, median, need, output_of,
                     ratio_cell, rounds, scratch, spread, table, turned)

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
GENERATIONS = 5


def report(title, unit, results, higher_is_better):
    rows = [[c, f"{median(results[c]):.1f}", ratio_cell(results, c, "docker default"),
             f"{spread(results[c]):.1f}"] for c in CONDITIONS]
    print(f"\n### {title}\n")
    print(table(["condition", f"median {unit}", "of docker default (95%)",
                 "half quartile distance"], rows))
    low, high = interval(results, "ours", "docker default")
    if low <= 1 <= high:
        said = "not to be told apart"
    else:
        said = "dearer" if (low > 1) != higher_is_better else "cheaper"
    print(f"\nours against docker default: {said}")


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


def folder(directory, name):
    path = os.path.join(directory, name)
    os.makedirs(path)
    return path


@contextlib.contextmanager
def container(condition, seccomp, directory, target):
    name = f"vmb-bench-{os.getpid()}-{target.port}"
    line = docker_run(condition, seccomp, [directory], target.command)
    line[2:2] = ["-d", "--name", name, "--cpuset-cpus", rates.SERVER_CPU]
    output_of(line)
    try:
        target.wait()
        yield
    finally:
        subprocess.run(["docker", "rm", "-f", name], check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def server(name, count, server_for, rate_of):
    """Three containers at a time, one for each condition; their load alternates.

    Two processes of one program differ by more than a filter costs, so there are
    several generations of three.
    """
    results = {condition: [] for condition in CONDITIONS}
    with scratch() as directory, awake():
        os.chmod(directory, 0o777)
        target = server_for(folder(directory, "cut"))

        def drive():
            target.wait()
            rate_of(target.port)

        seccomp = cut(directory, target.command, drive)
        for generation in range(GENERATIONS):
            with contextlib.ExitStack() as stack:
                ports = {}
                for condition in turned(CONDITIONS, generation):
                    place = folder(directory, f"{generation}-{CONDITIONS.index(condition)}")
                    target = server_for(place)
                    stack.enter_context(container(condition, seccomp, place, target))
                    ports[condition] = target.port
                for port in ports.values():
                    rate_of(port)
                seen = rounds(-(-count // GENERATIONS), turned(CONDITIONS, generation),
                              lambda condition, ports=ports: rate_of(ports[condition]))
            for condition in CONDITIONS:
                results[condition] += seen[condition]
    report(name, "requests/s", results, True)


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
               lambda port: rates.wrk_rate(port, 1))
    if words.only in (None, "redis"):
        server("redis-benchmark GET in a container", words.rounds, support.redis,
               lambda port: rates.redis_rate(port, 60000))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""How many system calls a server's policy allows in Docker, beside Docker's
default profile and the kernel's own count: the table of the README.

usage: bench/profile_sizes.py [SERVER...]

Records the servers of tests/support.py under their load in containers, cuts a
bundle for Docker from each and counts in its rendered seccomp.json. Docker's
default is read back from the kernel, from a container that runs under it.

Needs root, a Release build in build/, a running Docker daemon, and what the tests
need.
"""

import json
import os
import re
import sys

from measure import need, output_of

import enforcement  # pylint: disable=wrong-import-order
import support  # pylint: disable=wrong-import-order

SERVERS = ("nginx", "redis", "memcached", "postgres", "python3", "static")
VERSION = {
    "nginx": ["nginx", "-v"], "redis": ["redis-server", "--version"],
    "memcached": ["memcached", "--version"], "python3": ["/usr/bin/python3", "--version"],
}
KERNEL_FIRST_X32 = 0x40000000


def version_of(name):
    """As the image's own program says."""
    if name == "static":
        return "echo server, " + ("musl" if support.shutil.which("musl-gcc") else "glibc")
    words = VERSION.get(name)
    if words is None:
        versions = sorted(os.listdir(f"{support.image(docker=False)}/usr/lib/postgresql"))
        words = [f"/usr/lib/postgresql/{versions[-1]}/bin/postgres", "--version"]
    done = support.run("docker", "run", "--rm", support.IMAGE, *words)
    return re.search(r"\d+(\.\d+)+", done.out + done.err).group()


def bundle_of(name):
    case = enforcement.case(name, "docker")
    evidence, bundle = f"{case.directory}/evidence.json", f"{case.directory}/bundle"
    support.vambrace("record", "-o", evidence, *case.recorded, "--", *case.driver(), expect=0)
    made = support.vambrace("synth", evidence, "-o", bundle, "--target", "docker", "--json",
                            expect=0).json()
    if made["evidence"]["state"] != "complete":
        sys.exit(f"{name}: the evidence is {made['evidence']}")
    return bundle, made


def allowed_by(bundle):
    """Names that the rendered profile lets through, and those of them that only
    some arguments open."""
    with open(f"{bundle}/seccomp.json", encoding="utf-8") as file:
        entries = [entry for entry in json.load(file)["syscalls"]
                   if entry["action"] == "SCMP_ACT_ALLOW"]
    every = {name for entry in entries for name in entry["names"]}
    free = {name for entry in entries if not entry.get("args") for name in entry["names"]}
    return every, every - free


def dockers_default():
    """What the filter of a container under Docker's default lets through, at least
    for some arguments, seen against a bundle that allows next to nothing:
    what both let through is no difference."""
    nothing = enforcement.handmade(None, [], target="docker")
    name = support.container_name("default")
    output_of(["docker", "run", "-d", "--name", name, support.IMAGE, "sleep", "300"])
    seen = support.vambrace("attest", nothing, "--container", name, "--json", expect=1).json()
    support.run("docker", "rm", "-f", name)
    found, = seen["foreign_filters"]
    differing = {call["nr"]: call["installed"]["action"] for call in found["differences"]
                 if call["arch"] == 0xC000003E and call["nr"] < KERNEL_FIRST_X32}
    numbers = enforcement.numbers_of_calls()
    both = {numbers[name] for name in allowed_by(nothing)[0] if name in numbers}
    return len({nr for nr, action in differing.items() if action == "SCMP_ACT_ALLOW"} |
               (both - differing.keys()))


def main():
    need(support.VAMBRACE, "docker", "runc")
    try:
        support.require_docker()
        support.image()
    except support.Skipped as reason:
        sys.exit(str(reason))
    default = dockers_default()
    print("| server | calls allowed | of which with argument rules | capabilities | "
          "Docker's default | the kernel's table |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name in sys.argv[1:] or SERVERS:
        bundle, made = bundle_of(name)
        every, ruled = allowed_by(bundle)
        print(f"| {name} {version_of(name)} | {len(every)} | {len(ruled)} | "
              f"{len(made['capabilities'])} | {default} | {made['kernel_syscalls']} |", flush=True)
    engine = output_of(["docker", "version", "-f", "{{.Server.Version}}"]).strip()
    runc = output_of(["runc", "--version"]).split()[2]
    print(f"\nLinux {os.uname().release}, Docker {engine}, runc {runc}; "
          f"{output_of([support.VAMBRACE, '--version']).splitlines()[0]}")


if __name__ == "__main__":
    main()

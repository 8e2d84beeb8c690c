#!/usr/bin/env python3
"""A test driver as users have them: starts one server in its own way, loads it
with a real client, stops it, and fails when an answer is wrong.

    drive.py NAME DIRECTORY                       on this host
    drive.py NAME DIRECTORY docker|runc CONTAINER   in a container of that name
"""

import os
import subprocess
import sys
import tempfile

import containers
import support

# Python as the first process of a container has no handler for SIGTERM.
STOP = {"python3": "INT"}


def server_of(name, directory):
    return (support.static_server if name == "static" else support.SERVERS[name])(directory)


def on_this_host(name, directory):
    server = server_of(name, directory)
    # A shell and an extra child in between, as in real suites.
    process = subprocess.Popen(["sh", "-c", 'exec "$@"', "sh", *server.command],
                               stdin=subprocess.DEVNULL)
    return server, process, process.terminate


def in_a_container(name, directory, kind, container):
    # New each time: a server that finds its old files starts in another way.
    served = tempfile.mkdtemp(dir=directory)
    os.chmod(served, 0o755)
    server = server_of(name, served)
    started = containers.start_words(kind, container, name, server, served)
    process = subprocess.Popen(started, stdin=subprocess.DEVNULL)
    return server, process, lambda: subprocess.run(
        [kind, "kill", *containers.signal_words(kind, container, STOP.get(name, "TERM"))],
        stdout=subprocess.DEVNULL, check=False)


def main():
    name, directory, *container = sys.argv[1:]
    server, process, stop = (in_a_container(name, directory, *container) if container else
                             on_this_host(name, directory))
    try:
        server.wait()
        server.load()
        if process.poll() is not None:
            sys.exit(f"{name} ended by itself: {process.returncode}")
    finally:
        stop()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            os.waitpid(process.pid, 0)


if __name__ == "__main__":
    main()

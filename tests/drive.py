#!/usr/bin/env python3
"""A test driver as users have them: starts one server in its own way, loads it
with a real client, stops it, and fails when an answer is wrong.

    drive.py NAME DIRECTORY
"""

import os
import subprocess
import sys

import support


def main():
    name, directory = sys.argv[1:]
    if name == "static":
        server = support.static_server(directory)
    else:
        server = support.SERVERS[name](directory)
    # A shell and an extra child in between, as in real suites.
    process = subprocess.Popen(["sh", "-c", 'exec "$@"', "sh", *server.command],
                               stdin=subprocess.DEVNULL)
    try:
        server.wait()
        server.load()
        if process.poll() is not None:
            sys.exit(f"{name} ended by itself: {process.returncode}")
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            os.waitpid(process.pid, 0)


if __name__ == "__main__":
    main()

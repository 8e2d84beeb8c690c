#!/usr/bin/env python3
"""How long it takes from a load to a bundle, beyond the load itself.

usage: bench/record_to_bundle.py [--rounds N]

The load is examples/nginx/drive: start, serve, errors, reload, stop. Alternated:
the load alone, and the load recorded and its evidence turned into a bundle. Needs
root, a Release build in build/, nginx and curl.
"""

import argparse
import os
import sys
import time

from measure import (ROOT, VAMBRACE, added, machine, median, need, output_of, rounds, scratch,
                     spread, table)

import support  # pylint: disable=wrong-import-order

DRIVE = os.path.join(ROOT, "examples", "nginx", "drive")
ALONE, RECORDED, TO_BUNDLE = "the load alone", "the load recorded", "recorded, then synth"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    words = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("record_to_bundle needs root: recording attaches BPF programs")
    need(VAMBRACE, DRIVE, "nginx", "curl")

    def once(condition):
        with scratch() as directory:
            os.chmod(directory, 0o755)
            load = [DRIVE, f"{directory}/load", str(support.free_port())]
            evidence = f"{directory}/evidence.json"
            begin = time.monotonic()
            if condition == ALONE:
                output_of(load)
            else:
                output_of([VAMBRACE, "record", "--workload", "nginx", "-o", evidence, "--", *load])
            if condition == TO_BUNDLE:
                output_of([VAMBRACE, "synth", evidence, "-o", f"{directory}/bundle"])
            return time.monotonic() - begin

    conditions = [ALONE, RECORDED, TO_BUNDLE]
    results = rounds(words.rounds, conditions, once)
    print(f"record_to_bundle on {machine()}, {words.rounds} rounds")
    print("\n### From nginx under load to a bundle, seconds\n")
    print(table(["condition", "median", "added", "half quartile distance"],
                [[c, f"{median(results[c]):.3f}", f"{added(results, c, ALONE):+.3f}",
                  f"{spread(results[c]):.3f}"] for c in conditions]))
    print(f"\nbeyond the load: {added(results, TO_BUNDLE, ALONE):.3f} s (target 2)")


if __name__ == "__main__":
    main()

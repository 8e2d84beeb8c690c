"""What the benches share: alternated pairs, medians, and a table.

A bench names its conditions; each round runs every condition once, in an order
that turns round by round, so that drift of the machine hits all alike. What is
reported are medians over rounds and, for ratios, the median of the ratios
within a round.
"""

import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("VAMBRACE_BUILD", os.path.join(ROOT, "build"))
VAMBRACE = os.path.join(BUILD, "vambrace")

# The tests know how to start real servers.
sys.path.insert(0, os.path.join(ROOT, "tests"))


def install(packages):
    """Says which packages of Debian are missing and installs them, without starting
    their services."""
    missing = [name for name in packages if subprocess.run(
        ["dpkg-query", "-W", "-f=${db:Status-Status}", name], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, check=False).stdout != b"installed"]
    print(f"will install: {' '.join(missing) or 'nothing'}", file=sys.stderr)
    if not missing:
        return
    policy = "/usr/sbin/policy-rc.d"
    made = not os.path.exists(policy)
    if made:
        with open(policy, "w", encoding="ascii") as file:
            file.write("#!/bin/sh\nexit 101\n")
        os.chmod(policy, 0o755)
    try:
        subprocess.run(["apt-get", "install", "-qy", "--no-install-recommends", *missing], check=True,
                       stdout=sys.stderr, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
    finally:
        if made:
            os.remove(policy)


def need(*programs):
    """Stops with exit 4 if a program is missing."""
    for program in programs:
        if not (os.path.exists(program) or shutil.which(program)):
            sys.exit(f"{program} is missing; ./quickstart and ./test install it")


def turned(names, number):
    """The order of the conditions in that round."""
    return names[number % len(names):] + names[: number % len(names)]


def rounds(count, conditions, run):
    """{condition: [result per round]}; `run` measures one condition once."""
    results = {name: [] for name in conditions}
    for number in range(count):
        for name in turned(conditions, number):
            results[name].append(run(name))
        print(f"\r  round {number + 1} of {count}", end="", file=sys.stderr)
    print(file=sys.stderr)
    return results


def median(values):
    return statistics.median(values)


def spread(values):
    """Half the distance between the quartiles."""
    if len(values) < 4:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4)
    return (high - low) / 2


def ratio(results, name, base):
    """Median over rounds of name / base."""
    return median([a / b for a, b in zip(results[name], results[base])])


def interval(results, name, base):
    """Between which two ratios the median ratio lies, with 95% confidence: by
    the order of the rounds' ratios alone, whatever their distribution. Fewer
    than six rounds cannot be that sure; theirs is from the least to the most."""
    ratios = sorted(a / b for a, b in zip(results[name], results[base]))
    count, outside = len(ratios), 0
    # As often as heads in `count` throws of a coin, ratios lie below the median.
    while sum(math.comb(count, k) for k in range(outside + 2)) <= 0.025 * 2**count:
        outside += 1
    return ratios[outside], ratios[count - 1 - outside]


def ratio_cell(results, name, base):
    """The median ratio with its interval."""
    low, high = interval(results, name, base)
    return f"{ratio(results, name, base):.3f} ({low:.3f} to {high:.3f})"


def added(results, name, base):
    """Median over rounds of name - base."""
    return median([a - b for a, b in zip(results[name], results[base])])


def added_ratio(results, name, floor, base):
    """How many times the floor's added cost a condition adds.

    The two added costs are medians first: a round's own difference can be near
    zero on a noisy machine, and its ratio would mean nothing.
    """
    return added(results, name, base) / added(results, floor, base)


def machine():
    with open("/proc/cpuinfo", encoding="ascii") as info:
        models = [l.split(":")[1].strip() for l in info if l.startswith("model name")]
    return (f"{len(models)} x {models[0] if models else platform.machine()}, "
            f"Linux {platform.release()}, {time.strftime('%Y-%m-%d', time.gmtime())}")


def table(header, rows):
    widths = [max(len(str(r[i])) for r in [header] + rows) for i in range(len(header))]
    lines = []
    for row in [header, ["-" * w for w in widths]] + rows:
        lines.append("| " + " | ".join(str(c).ljust(w) for c, w in zip(row, widths)) + " |")
    return "\n".join(lines)


def output_of(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout


def scratch():
    return tempfile.TemporaryDirectory(prefix="vambrace-bench-")

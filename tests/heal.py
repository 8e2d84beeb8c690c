"""A profile cut too narrow is healed from its own denials.

nginx is recorded under load; ten calls that it makes are taken out of the
evidence, chosen by a seed, and the bundle is cut from the rest. Then either one
pass in stage observe, or enforced rounds that each add what was refused, must
give a bundle under which the whole load passes and the whole of the first
evidence replays without a denial. VAMBRACE_TEST_SEEDS sets how many seeds both
ways take; without it, twenty and four.
"""

import concurrent.futures
import json
import os
import random

import support

SEEDS = int(os.environ.get("VAMBRACE_TEST_SEEDS", "20"))
ROUND_SEEDS = int(os.environ.get("VAMBRACE_TEST_SEEDS", "4"))
AT_ONCE = 4
MAX_ROUNDS = 10
REMOVED = 10
IDENTITY = ["--id", "spiffe://test/nginx", "--workload", "nginx"]

# The launcher needs these to start a program at all; every policy has them.
ALWAYS = {"execve", "exit", "exit_group", "rt_sigreturn", "restart_syscall", "clock_gettime",
          "clock_getres", "gettimeofday", "time", "getcpu"}

# A server that was cut too narrow is not there, or accepts and never answers: a
# healthy one on the same machine answers in milliseconds.
IMPATIENT, PATIENT = "0.5", "5"

DRIVER = """
# Every run is a first run: nginx makes these folders and gives them away.
rm -rf $DIR/body $DIR/proxy $DIR/fcgi $DIR/uwsgi $DIR/scgi
url=http://127.0.0.1:$PORT
ask() { curl -s -m $PATIENCE -o /dev/null "$@"; }
gone() { ! kill -0 $server 2>/dev/null; }
setsid "$@" >/dev/null 2>&1 & server=$!
# Until something listens (7: nobody does yet) or the server has ended.
for i in $(seq 100); do ask $url/index.html; [ $? = 7 ] || break; gone && break; sleep 0.02; done
ok=0
curl -sf -m $PATIENCE $url/index.html | grep -q hello || ok=1
ask $url/missing || ok=1
ask -d x=1 $url/index.html || ok=1
kill -HUP $server 2>/dev/null; sleep 0.2
curl -sf -m $PATIENCE -o /dev/null $url/index.html || ok=1
kill -QUIT $server 2>/dev/null
for i in $(seq 40); do gone && break; sleep 0.05; done
kill -9 -- -$server 2>/dev/null
wait $server || ok=1
exit $ok
"""


class Nginx:
    """Records nginx under the driver, confined or not."""

    def __init__(self):
        support.require_root()
        support.require_btf()
        self.directory = support.temp_dir()
        self.server = support.nginx(self.directory)
        self.driver = support.write(f"{self.directory}/driver.sh", DRIVER)
        self.number = 0

    def record(self, *start, patience=IMPATIENT):
        """(evidence path, did the load pass)"""
        self.number += 1
        path = f"{self.directory}/evidence-{self.number}.json"
        done = support.vambrace("record", "-o", path, *IDENTITY, "--", "bash", self.driver,
                                *start, *self.server.command,
                                env={**os.environ, "PORT": str(self.server.port),
                                     "DIR": self.directory, "PATIENCE": patience}, timeout=120)
        assert done.code in (0, 1), done
        if done.code == 1 and patience == IMPATIENT and not denied(path):
            return self.record(*start, patience=PATIENT)  # a busy machine, not a denial
        return path, done.code == 0

    def confined(self, bundle, stage="harden"):
        return self.record(support.VAMBRACE, "run", bundle, "--stage", stage, "--")

    def synth(self, name, *evidence):
        bundle = f"{self.directory}/{name}"
        support.vambrace("synth", *evidence, "-o", bundle, "--target", "process", "--heal",
                         expect=0)
        return bundle


def narrowed(evidence, seed, path):
    """Takes ten of the application's calls out of an evidence file."""
    with open(evidence, encoding="utf-8") as file:
        document = json.load(file)
    apps = [p for p in document["processes"] if p["origin"] in ("app", "helper")]
    names = sorted({f["name"] for p in apps for f in p["syscalls"]} - ALWAYS)
    gone = set(random.Random(seed).sample(names, REMOVED))
    for process in apps:
        process["syscalls"] = [f for f in process["syscalls"] if f["name"] not in gone]
    # A recording of its own: the same id with other content is refused.
    text = json.dumps(document)
    for number, recording in enumerate(document["recordings"]):
        text = text.replace(recording["id"], f"{seed:08x}{number:024x}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return gone


def check_healed(nginx, bundle, whole):
    replay = support.vambrace("replay", bundle, whole)
    assert replay.code == 0, replay.out
    evidence, passed = nginx.confined(bundle)
    assert not denied(evidence), f"refused: {denied(evidence)}"
    assert passed, "the load fails under the healed bundle without a denial"


def denied(evidence):
    with open(evidence, encoding="utf-8") as file:
        document = json.load(file)
    return sorted({f["name"] for p in document["processes"] for f in p["syscalls"]
                   if f["denied"] and p["origin"] in ("app", "helper")})


def observed_once(whole, seed):
    nginx = Nginx()
    narrow = f"{nginx.directory}/narrow.json"
    gone = narrowed(whole, seed, narrow)
    bundle = nginx.synth("observe", narrow)
    assert support.vambrace("replay", bundle, whole).code == 1, f"{gone} were not missed"
    seen, passed = nginx.confined(bundle, "observe")
    assert passed, f"seed {seed}: observe must not deny"
    healed = nginx.synth("observed", narrow, seen)
    try:
        check_healed(nginx, healed, whole)
    except AssertionError as why:
        raise AssertionError(f"seed {seed}: {sorted(gone)} not healed: {why}") from why


def each_seed(heal, seeds):
    """Most of a round is waiting: several seeds at once, each with a server of its
    own."""
    whole, passed = Nginx().record()
    assert passed, "the load fails unconfined"
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda seed: heal(whole, seed), range(seeds)))


def test_one_observe_pass_heals():
    each_seed(observed_once, SEEDS)
    print(f"{SEEDS} seeds healed by one observe pass each")


def rounds_needed(whole, seed):
    """Adds what each round was refused, until the load passes."""
    nginx = Nginx()
    narrow = f"{nginx.directory}/cut.json"
    gone = narrowed(whole, seed, narrow)
    evidence = [narrow]
    for number in range(MAX_ROUNDS + 1):
        bundle = nginx.synth(f"round-{number}", *evidence)
        seen, passed = nginx.confined(bundle)
        refused = denied(seen)
        if passed and not refused:
            return number
        assert refused, f"seed {seed}, round {number}: the load failed without a denial"
        evidence.append(seen)
    raise AssertionError(
        f"seed {seed}: still refused after {MAX_ROUNDS} rounds: {refused} of {sorted(gone)}")


def test_enforced_rounds_heal():
    needed = each_seed(rounds_needed, ROUND_SEEDS)
    print(f"{ROUND_SEEDS} seeds healed, rounds needed: {needed}")


if __name__ == "__main__":
    support.main()

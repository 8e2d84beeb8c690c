"""The targets are what containers do: profiles are given to Docker, runc and
crun, a prober inside makes calls, and how each one ends must be what
`vambrace evaluate` says for that target.

Calls that a filter lets through are told by a control: the same call in the
same kind of container without a filter. One container per profile and target.
"""

import concurrent.futures
import contextlib
import glob
import io
import json
import os
import subprocess
import tarfile

import seccomp_cases
import support

PROBE = os.path.join(os.environ.get("VAMBRACE_BUILD", "build"), "tests", "probe_calls")
ENOSYS, FLOCK = 38, 73  # of x86-64
KILLS = {"SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_KILL", "SCMP_ACT_TRAP"}
SIGSYS = "signal 31"


def require_prober():
    support.require_root()
    if not os.path.exists(PROBE):
        support.skip(f"no {PROBE}: it is built on x86-64 only")


# --- Containers -----------------------------------------------------------

class Bundle:
    """runc or crun on a bundle whose root holds nothing but the prober."""

    def __init__(self, target):
        require_prober()
        support.require_program("runc", target)
        self.target = target
        self.dir = support.temp_dir()
        os.makedirs(f"{self.dir}/root")
        with open(PROBE, "rb") as source, open(f"{self.dir}/root/probe", "wb") as out:
            out.write(source.read())
        os.chmod(f"{self.dir}/root/probe", 0o755)
        support.run("runc", "spec", cwd=self.dir)
        with open(f"{self.dir}/config.json", encoding="utf-8") as file:
            self.config = json.load(file)
        self.config["root"]["path"] = f"{self.dir}/root"
        self.config["process"].update(args=["/probe"], terminal=False)
        # Neither is what is tested, and both need rights that root may lack.
        self.config["process"].pop("rlimits", None)
        self.config["linux"].pop("resources", None)

    def run(self, profile, lines):
        """What the container printed; its errors if it did not start. Each run
        has state of its own: crun keeps compiled filters there."""
        name = f"vmb-{self.target}-{os.getpid()}-{len(os.listdir(self.dir))}"
        place = f"{self.dir}/{name}"
        os.makedirs(f"{place}/state")
        config = json.loads(json.dumps(self.config))
        config["root"]["path"] = f"{self.dir}/root"
        if profile is not None:
            config["linux"]["seccomp"] = profile
        support.write(f"{place}/config.json", json.dumps(config))
        command = [self.target, "--root", f"{place}/state", "run", "--bundle", place, name]
        if self.target == "crun":
            command = private_cgroups(command)
        return subprocess.run(command, input=lines, capture_output=True, text=True,
                              timeout=60, check=False)


def private_cgroups(command):
    """crun wants version 2 of the cgroups; where both are mounted it gets a
    view of its own."""
    if os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
        return command
    return ["unshare", "-m", "sh", "-c",
            "umount -l /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec \"$@\"",
            "sh", *command]


class Docker:
    target = "docker"

    def __init__(self):
        require_prober()
        support.require_docker()
        self.dir = support.temp_dir()
        self.image = f"vambrace-test:probe-{os.getpid()}"
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as out:
            out.add(PROBE, "probe")
        done = subprocess.run(["docker", "import", "-", self.image], input=packed.getvalue(),
                              capture_output=True, check=False)
        assert done.returncode == 0, done

    def close(self):
        support.run("docker", "rmi", "-f", self.image)

    def command(self, *options):
        return ["docker", "run", "-i", "--rm", "--network", "none", "--name",
                support.container_name("seccomp"), *options, self.image, "/probe"]

    def run(self, profile, lines):
        option = "unconfined"
        if profile is not None:
            option = f"{self.dir}/{len(os.listdir(self.dir))}.json"
            support.write(option, json.dumps(profile))
        return subprocess.run(
            self.command("--security-opt", "no-new-privileges", "--security-opt",
                         f"seccomp={option}"),
            input=lines, capture_output=True, text=True, timeout=60, check=False)


# --- What is said and what is seen -----------------------------------------

def evaluate(path, target, call):
    arch, name, *values = call
    return support.vambrace("evaluate", path, name, *values, "--arch", arch, "--target", target,
                            "--json", expect=0).json()


def answers(path, target, calls):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda call: evaluate(path, target, call), calls))


def line(call, nr):
    arch, _, *values = call
    values += [0] * (6 - len(values))
    return " ".join([arch, *(f"{value:x}" for value in [nr, *values])]) + "\n"


def seen(done, count):
    got = done.stdout.splitlines()
    assert len(got) == count, f"{len(got)} of {count} answers: {done}"
    return got


def expected(answer, control):
    """How a call with that answer ends, in the prober's words."""
    if answer["action"] in KILLS:
        return SIGSYS
    if answer["action"] == "SCMP_ACT_ERRNO":
        return f"errno {answer['errno']}"
    if answer["action"] == "SCMP_ACT_TRACE":  # nobody traces
        return f"errno {ENOSYS}"
    return control


def judge(target, name, calls, said, got, control):
    """The calls that ended otherwise, and how many the kernel alone would have
    answered the same way as the filter, so that nothing is shown."""
    wrong, blind = [], 0
    for call, answer, end, free in zip(calls, said, got, control):
        wanted = expected(answer, free)
        blind += answer["action"] not in ("SCMP_ACT_ALLOW", "SCMP_ACT_LOG") and wanted == free
        if end != wanted:
            wrong.append(f"{target}: {name}: {call} nr {answer['nr']}: {answer['action']} "
                         f"{answer['errno']}, so {wanted}; seen {end}; without filter {free}")
    return wrong, blind


def confirm(container):
    directory = support.temp_dir()
    target = container.target
    made = []
    for number, (name, (profile, calls)) in enumerate(seccomp_cases.CASES.items()):
        path = support.write(f"{directory}/{number}.json", seccomp_cases.text(profile))
        said = answers(path, target, calls)
        lines = "".join(line(call, answer["nr"]) for call, answer in zip(calls, said))
        made.append((name, profile, calls, said, lines))
    everything = "".join(lines for *_, lines in made)
    control = iter(seen(container.run(None, everything), everything.count("\n")))
    wrong, blind, total = [], 0, 0
    for name, profile, calls, said, lines in made:
        free = [next(control) for _ in calls]
        got = seen(container.run(profile, lines), len(calls))
        more, unseen = judge(target, name, calls, said, got, free)
        wrong += more
        blind += unseen
        total += len(calls)
    print(f"{target}: {total} calls under {len(made)} profiles, {len(wrong)} wrong, "
          f"{blind} refused as the kernel alone would")
    assert not wrong, "\n".join(wrong)
    assert blind * 20 < total, blind


def confirm_refusals(container):
    """The runtime starts a container exactly where evaluate has an answer."""
    directory = support.temp_dir()
    call = seccomp_cases.DOUBTFUL_CALL
    probe = line(call, FLOCK)
    control = seen(container.run(None, probe), 1)
    wrong, refused = [], []
    for number, (name, profile) in enumerate(seccomp_cases.DOUBTFUL.items()):
        path = support.write(f"{directory}/{number}.json", seccomp_cases.text(profile))
        said = support.vambrace("evaluate", path, *call[1:], "--target", container.target, "--json")
        assert said.code in (0, 2), said
        done = container.run(profile, probe)
        starts = done.returncode == 0
        if starts != (said.code == 0):
            wrong.append(f"{container.target}: {name}: {said}, runtime: {done}")
        elif starts:
            wrong += judge(container.target, name, [call], [said.json()], seen(done, 1), control)[0]
        else:
            refused.append(name)
    print(f"{container.target} refuses: {', '.join(refused) or 'none'}")
    assert not wrong, "\n".join(wrong)


def test_runc_does_what_evaluate_says():
    container = Bundle("runc")
    confirm(container)
    confirm_refusals(container)


def test_crun_does_what_evaluate_says():
    container = Bundle("crun")
    confirm(container)
    confirm_refusals(container)


def test_docker_does_what_evaluate_says():
    container = Docker()
    with contextlib.closing(container):
        confirm(container)
        confirm_refusals(container)


# --- Docker's own profile ----------------------------------------------------

# Calls that would end, split or stop the prober whatever their arguments, and
# calls that say nothing about a filter.
UNSAFE = {
    "exit": "ends the child before it has written the result",
    "exit_group": "the same",
    "fork": "makes a second child",
    "vfork": "makes a second child on the same stack",
    "rt_sigreturn": "restores registers from a frame that is not there",
    "sigreturn": "the same",
    "pause": "waits for a signal",
    "rt_sigsuspend": "waits for a signal",
    "sigsuspend": "waits for a signal",
    "kill": "reaches every process of the container",
    "sync": "writes back all file systems of the machine",
    "reboot": "only a capability stands between it and the machine",
    "uretprobe": "kernels that have it let it past every filter",
    "uprobe": "the same",
}
MINUS_ONE = (1 << 64) - 1  # no file, no address, no process, no flag

SPECIAL = [("x86_64", "personality", value)
           for value in (0, 8, 0x20000, 0x20008, 0xffffffff, 4, 1 << 32)] + [
    ("x86_64", "socket", family, 1, 0) for family in (1, 2, 16, 38, 40)] + [
    ("x86_64", "clone", flags) for flags in (0x11, 0x10000011, 0x20000011)]


def default_profile(container):
    """The profile as dockerd hands it to runc for a plain `docker run`, and how
    to go on with that container."""
    command = container.command()
    process = support.start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    name = command[command.index("--name") + 1]
    support.wait_until(lambda: support.run("docker", "inspect", "-f", "{{.State.Running}}",
                                           name).out.strip() == "true", what="container runs")
    ident = support.run("docker", "inspect", "-f", "{{.Id}}", name).out.strip()
    found = glob.glob(f"/run/**/moby/{ident}/config.json", recursive=True)
    if not found:
        support.skip("this dockerd keeps its bundles elsewhere")
    with open(found[0], encoding="utf-8") as file:
        return json.load(file)["linux"]["seccomp"], process


def test_dockers_default_is_what_evaluate_says():
    container = Docker()
    with contextlib.closing(container):
        profile, process = default_profile(container)
        path = support.write(f"{container.dir}/default.json", json.dumps(profile))
        calls = SPECIAL + [(arch, number, *[MINUS_ONE] * 6)
                           for arch in ("x86_64", "i386") for number in range(461)]
        said = answers(path, "runc", calls)
        kept = [(call, answer) for call, answer in zip(calls, said)
                if answer["syscall"] not in UNSAFE]
        calls, said = [call for call, _ in kept], [answer for _, answer in kept]
        lines = "".join(line(call, answer["nr"]) for call, answer in kept)
        out, _ = process.communicate(lines, timeout=60)
        got = out.splitlines()
        assert len(got) == len(calls), out
        free = seen(subprocess.run(container.command("--security-opt", "seccomp=unconfined"),
                                   input=lines, capture_output=True, text=True, timeout=60,
                                   check=False), len(calls))
    # What libseccomp compiles from it is compared with the same answers, for
    # every number and covering arguments.
    remarks = support.vambrace("lint", path, "--target", "runc", "--json").json()["findings"]
    assert remarks and "filter-refused" not in {each["id"] for each in remarks}, remarks
    wrong, blind = judge("docker", "its default", calls, said, got, free)
    refused = sum(answer["action"] == "SCMP_ACT_ERRNO" for answer in said)
    print(f"docker's default: {len(calls)} calls, {refused} refused, {len(wrong)} wrong, "
          f"{blind} refused as the kernel alone would")
    assert not wrong, "\n".join(wrong)
    assert refused - blind > 60, (refused, blind)


if __name__ == "__main__":
    support.main()

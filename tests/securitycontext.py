#!/usr/bin/env python3
"""The securityContext is true: nginx and redis run in Docker with exactly the options
that synth rendered (read-only root, folders in memory, user, capabilities,
no_new_privs, seccomp) and pass their load; without any one of the folders they do
not. Compose runs redis by the file it gets; what Kubernetes and systemd get, these read
as it was meant."""

import contextlib
import functools
import json
import os
import re
import shutil
import socket
import subprocess
import sys

import containers
import support

NGINX = """
user www-data;
daemon off;
worker_processes 1;
error_log /var/log/nginx/error.log;
pid /run/nginx.pid;
events {{ worker_connections 64; }}
http {{
  access_log /var/log/nginx/access.log;
  client_body_temp_path /var/lib/nginx/body; proxy_temp_path /run/proxy;
  fastcgi_temp_path /run/fcgi; uwsgi_temp_path /run/uwsgi; scgi_temp_path /run/scgi;
  server {{
    listen 127.0.0.1:{port};
    root {directory};
    location /up {{ client_body_in_file_only clean; proxy_pass http://127.0.0.1:{port}/; }}
  }}
}}
"""


# --- Two servers, as their images have them ------------------------------------

class Case:
    """How a container of one server is started, and a load that fails when the
    server lacks something."""

    def __init__(self, name, directory, port):
        self.name, self.directory, self.port = name, directory, port

    def options(self):
        """Beside what is recorded or rendered."""
        return ["--network", "host", "-v", f"{self.directory}:{self.directory}:ro"]

    def command(self):
        if self.name == "nginx":
            conf = support.write(f"{self.directory}/nginx.conf",
                                 NGINX.format(port=self.port, directory=self.directory))
            support.write(f"{self.directory}/index.html", "hello\n")
            return ["/usr/sbin/nginx", "-e", "/var/log/nginx/error.log", "-c", conf]
        return ["/usr/bin/redis-server", "--port", str(self.port), "--bind", "127.0.0.1",
                "--dir", "/var/lib/redis", "--save", "", "--appendonly", "yes",
                "--logfile", "/var/log/redis/redis.log"]

    def user(self):
        return containers.user_in_image("redis") if self.name == "redis" else (0, 0)

    def is_listening(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def load(self):
        support.wait_port(self.port)
        if self.name == "redis":
            for words, answer in [(("set", "k", "v"), "OK"), (("get", "k"), "v"), (("save",), "OK"),
                                  (("incr", "n"), "1")]:
                out = support.run("redis-cli", "-p", self.port, *words).out.strip()
                assert out == answer, out
            return
        base = f"http://127.0.0.1:{self.port}"
        assert support.run("curl", "-sf", f"{base}/index.html").out == "hello\n"
        # The server that it is handed on to takes no POST; the body went to a file.
        done = support.run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-d", "x" * 20000,
                           f"{base}/up")
        assert done.out == "405", done

    def stop(self, container):
        support.run("docker", "kill", "-s", "TERM", container)


def case_from(words):
    return Case(words[0], words[1], int(words[2]))


def drive(container, *words):
    """What is recorded: the container, started and loaded."""
    case = case_from(words)
    user = "{}:{}".format(*case.user())
    with subprocess.Popen(["docker", "run", "--rm", "--name", container, "--user", user,
                           *case.options(), "--security-opt", "seccomp=unconfined",
                           "--security-opt", "no-new-privileges", support.IMAGE, *case.command()],
                          stdin=subprocess.DEVNULL) as process:
        try:
            case.load()
        finally:
            case.stop(container)


# --- Recorded, rendered, run ---------------------------------------------------

@functools.cache
def bundle_of(name):
    support.require_root()
    support.require_btf()
    support.require_program("curl", "redis-cli")
    support.require_docker()
    support.image()
    case = Case(name, support.temp_dir(), support.free_port())
    folder = support.temp_dir()
    container = support.container_name(f"context-{name}")
    support.vambrace("record", "-o", f"{folder}/e.json", "--container", container, "--", "python3",
                     os.path.abspath(__file__), "--drive", container, name, case.directory,
                     case.port, expect=0)
    support.vambrace("synth", f"{folder}/e.json", "-o", f"{folder}/bundle", expect=0)
    return case, f"{folder}/bundle"


def arguments_of(bundle):
    with open(f"{bundle}/docker.args", encoding="utf-8") as file:
        return file.read().splitlines()


def is_mount(argument):
    return argument.startswith(("--tmpfs=", "--mount="))


def folders(arguments):
    return {argument.split("=", 1)[1].split(":")[0] for argument in arguments
            if argument.startswith("--tmpfs=")}


def holds(case, bundle, arguments, meanwhile=lambda container: None):
    """Does the load pass with these options of docker run?"""
    container = support.container_name(f"context-{case.name}")
    done = support.run("docker", "run", "-d", "--name", container, *arguments, *case.options(),
                       support.IMAGE, *case.command(), cwd=bundle)
    if done.code != 0:
        raise AssertionError(f"docker refuses the options: {done}")
    try:
        support.wait_until(lambda: case.is_listening() or not is_running(container))
        try:
            assert is_running(container)
            case.load()
        except AssertionError:
            return False
        meanwhile(container)
        return True
    finally:
        support.run("docker", "rm", "-f", container)


def is_running(container):
    return support.run("docker", "inspect", "--format", "{{.State.Running}}",
                       container).out.strip() == "true"


def is_attested(bundle):
    def ask(container):
        done = support.vambrace("attest", bundle, "--container", container, "--context", "--json")
        assert done.code == 0 and done.json()["equal"], f"attest: {done}"
    return ask


def fits_and_lists_nothing_in_vain(name, expected):
    case, bundle = bundle_of(name)
    arguments = arguments_of(bundle)
    # nginx makes the last folder itself, in one that a recording may or may not tell.
    assert {folder.removesuffix("/body") for folder in folders(arguments)} == expected, arguments
    assert "--read-only" in arguments and "--cap-drop=ALL" in arguments, arguments
    assert "--user={}:{}".format(*case.user()) in arguments, arguments
    assert "--security-opt=no-new-privileges" in arguments, arguments
    assert holds(case, bundle, arguments, is_attested(bundle))
    for left_out in filter(is_mount, arguments):
        rest = [argument for argument in arguments if argument != left_out]
        assert not holds(case, bundle, rest), f"{left_out} is listed in vain"
    return case, bundle, arguments


def test_nginx_runs_with_exactly_the_rendered_options():
    fits_and_lists_nothing_in_vain("nginx", {"/run", "/var/log/nginx", "/var/lib/nginx"})


def test_redis_runs_with_exactly_the_rendered_options():
    case, bundle, arguments = fits_and_lists_nothing_in_vain(
        "redis", {"/var/lib/redis", "/var/log/redis"})
    assert not [argument for argument in arguments if argument.startswith("--cap-add")], arguments
    other_options_are_found(case, bundle, arguments)


def other_options_are_found(case, bundle, arguments):
    """attest tells each difference by what Docker was told."""
    changed = [argument for argument in arguments if argument != "--read-only"]
    changed = [argument for argument in changed if not argument.startswith("--user")]
    changed += ["--tmpfs=/srv", f"--user={case.user()[0]}:0"]
    container = support.container_name("context-other")
    done = support.run("docker", "run", "-d", "--name", container, *changed, *case.options(),
                       support.IMAGE, *case.command(), cwd=bundle)
    assert done.code == 0, done
    done = support.vambrace("attest", bundle, "--container", container, "--context", "--json")
    support.run("docker", "rm", "-f", container)
    found = {finding["id"] for finding in done.json()["findings"]}
    assert done.code == 1 and found == {"user", "root-writable", "mount-added"}, done


@contextlib.contextmanager
def composed(case, project, *files):
    """The container that Compose starts; the first file, of the service alone, is made."""
    described = {"image": support.IMAGE, "network_mode": "host", "command": case.command(),
                 "volumes": [f"{case.directory}:{case.directory}:ro"]}
    document = json.dumps({"version": "3.8", "services": {service_of(project): described}})
    support.write(f"{project}/compose.yaml", document)
    compose = ["docker-compose", "--project-name", support.container_name("composed")]
    for name in ("compose.yaml", *files):
        compose += ["--file", name]
    try:
        done = support.run(*compose, "up", "--detach", cwd=project)
        assert done.code == 0, done
        yield support.run(*compose, "ps", "--quiet", cwd=project).out.strip()
    finally:
        support.run(*compose, "down", cwd=project)


def service_of(project):
    with open(f"{project}/compose.override.yaml", encoding="utf-8") as file:
        service, = re.findall(r'^  "(.*)":$', file.read(), re.M)
    return service


def test_compose_runs_redis_with_exactly_the_rendered_options():
    case, bundle = bundle_of("redis")
    support.require_program("docker-compose")
    project = support.temp_dir()
    for name in ("compose.override.yaml", "seccomp.json"):
        shutil.copy(f"{bundle}/{name}", project)
    with composed(case, project, "compose.override.yaml") as container:
        case.load()
        is_attested(bundle)(container)
    with composed(case, project) as container:
        support.wait_port(case.port)
        done = support.vambrace("attest", bundle, "--container", container, "--context", "--json")
        found = {finding["id"] for finding in done.json()["findings"]}
        assert done.code == 1 and {"user", "root-writable"} <= found, done


# What the image holds in the folder is read and must be there still.
KEEPS = ("cat /etc/nginx/nginx.conf >/dev/null && echo x >/etc/nginx/state && "
         "echo y >/data/y && cat /etc/nginx/state")


def test_a_folder_that_holds_files_of_the_image_becomes_a_volume_with_them():
    """And one that the container mounts itself is left to it."""
    support.require_root()
    support.require_btf()
    support.require_docker()
    support.image()
    folder = support.temp_dir()
    container = support.container_name("context-keeps")
    program = ["-v", f"{support.temp_dir()}:/data", support.IMAGE, "/bin/sh", "-c", KEEPS]
    support.vambrace("record", "-o", f"{folder}/e.json", "--container", container, "--", "docker",
                     "run", "--rm", "--name", container, "--security-opt", "seccomp=unconfined",
                     "--security-opt", "no-new-privileges", *program, expect=0)
    made = support.vambrace("synth", f"{folder}/e.json", "-o", f"{folder}/bundle", "--json",
                            expect=0).json()
    assert [finding["place"] for finding in made["findings"]
            if finding["id"] == "mounted-when-recorded"] == ["securityContext: /data"], made
    arguments = arguments_of(f"{folder}/bundle")
    mounts = [argument for argument in arguments if is_mount(argument)]
    assert mounts == ["--mount=type=volume,destination=/etc/nginx"], arguments
    done = support.run("docker", "run", "--rm", *arguments, *program, cwd=f"{folder}/bundle")
    assert done.code == 0 and done.out == "x\n", done
    for instead in ([], ["--tmpfs=/etc/nginx"]):
        rest = [argument for argument in arguments if argument not in mounts] + instead
        done = support.run("docker", "run", "--rm", *rest, *program, cwd=f"{folder}/bundle")
        assert done.code != 0, f"{mounts} is listed in vain: {done}"


# What an image brings and a workload uses, each in another way: none of it is read before it
# was opened with O_CREAT, a mail goes from one folder into another one, a link is passed, and a
# file is only looked for.
BRINGS = ("mkdir -p /srv/db /srv/keys /srv/mail/tmp /srv/mail/new /srv/app/plugins && "
          "echo one >/srv/db/app && echo k >/srv/keys/k && touch /srv/app/plugins/p && "
          "mkdir /srv/release /srv/site /srv/look && echo page >/srv/release/page && "
          "ln -s ../release /srv/site/current && touch /srv/look/enabled && "
          "mkdir -m 750 /srv/log && chown 33:4 /srv/log")
USES = """
import os
db = os.open("/srv/db/app", os.O_RDWR | os.O_CREAT)
assert os.read(db, 3) == b"one"
os.write(db, b"two")
os.chmod("/srv/keys/k", 0o600)
os.close(os.open("/srv/mail/tmp/1", os.O_WRONLY | os.O_CREAT | os.O_EXCL))
os.rename("/srv/mail/tmp/1", "/srv/mail/new/1")
os.close(os.open("/srv/app/pid", os.O_WRONLY | os.O_CREAT))
assert os.listdir("/srv/app/plugins") == ["p"]
for folder in ("site", "look"):
    os.close(os.open(f"/srv/{folder}/pid", os.O_WRONLY | os.O_CREAT))
assert open("/srv/site/current/page").read().strip() == "page"
assert os.path.exists("/srv/look/enabled")
os.mkdir("/var/cache/made")
os.close(os.open("/var/cache/made/x", os.O_RDWR | os.O_CREAT))
os.setgroups([])
os.setresgid(33, 33, 33)
os.setresuid(33, 33, 33)
os.close(os.open("/srv/log/own", os.O_WRONLY | os.O_CREAT))
print("used")
"""


@contextlib.contextmanager
def image_with(script):
    made = support.container_name("context-image")
    done = support.run("docker", "run", "--name", made, support.IMAGE, "/bin/sh", "-c", script)
    assert done.code == 0, done
    name = f"{made}:made"
    assert support.run("docker", "commit", made, name).code == 0
    try:
        yield name
    finally:
        support.run("docker", "rmi", "-f", name)


def test_nothing_of_the_image_is_hidden_and_nothing_moves_between_mounts():
    support.require_root()
    support.require_btf()
    support.require_docker()
    support.image()
    folder = support.temp_dir()
    container = support.container_name("context-uses")
    program = ["/usr/bin/python3", "-I", "-S", "-B", "-c", USES]
    with image_with(BRINGS) as image:
        # A container that stays, and one that is removed as it ends.
        for name, words in (("stays", []), ("bundle", ["--rm"])):
            support.vambrace("record", "-o", f"{folder}/{name}.json", "--container", container,
                             "--", "docker", "run", *words, "--name", container,
                             "--security-opt", "seccomp=unconfined", "--security-opt",
                             "no-new-privileges", image, *program, expect=0)
            support.run("docker", "rm", container)
            support.vambrace("synth", f"{folder}/{name}.json", "-o", f"{folder}/{name}", expect=0)
        arguments = arguments_of(f"{folder}/bundle")
        assert arguments == arguments_of(f"{folder}/stays"), arguments
        kept = {argument.rpartition("=")[2] for argument in arguments
                if argument.startswith("--mount=")}
        assert kept == {"/srv/app", "/srv/db", "/srv/keys", "/srv/look", "/srv/mail",
                        "/srv/site"}, arguments
        assert folders(arguments) == {"/var/cache", "/srv/log"}, arguments
        done = support.run("docker", "run", "--rm", *arguments, image, *program,
                           cwd=f"{folder}/bundle")
        assert done.code == 0 and done.out == "used\n", done
        for one in sorted(kept):
            other = [argument for argument in arguments if not argument.endswith(f"={one}")]
            done = support.run("docker", "run", "--rm", *other, f"--tmpfs={one}", image, *program,
                               cwd=f"{folder}/bundle")
            assert done.code != 0, f"{one} may as well be empty: {done}"


# --- Other readers -------------------------------------------------------------

def example_bundle():
    """Of an application that starts as another user, writes in places and was given
    a hostile name in one of them."""
    with open(f"{support.PROJECT}/src/evidence/testdata/example.json", encoding="utf-8") as file:
        evidence = json.load(file)
    process, = evidence["processes"]
    fact = process["execs"][0]
    totals = {key: fact[key] for key in ("count", "phases", "errnos", "denied", "by")}
    process["users"] = [{"uid": 101, "gid": 102, "raised": False, **totals}]
    process["files"] = [{"path": path, "access": "cw", "owner": True, **totals} for path in sorted(
        ["/run/web.pid", "/var/log/web/log", "/srv/a: b\\x0a--privileged\\x0a#\"'/x"])]
    folder = support.temp_dir()
    path = support.write(f"{folder}/e.json", json.dumps(evidence))
    support.vambrace("synth", path, "-o", f"{folder}/bundle", "--target", "kubernetes", expect=0)
    return f"{folder}/bundle"


def leaves(value, place=()):
    if isinstance(value, dict):
        for key, one in value.items():
            yield from leaves(one, (*place, key))
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one, place)
    else:
        yield place, value


DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: %s, image: web, ports: [{containerPort: 80}]}
      - {name: sidecar, image: sidecar}
"""


def test_kubectl_merges_the_patch_and_drops_none_of_it():
    """Without a cluster: kubectl merges by its own types, and what these do not know
    it drops."""
    support.require_program("kubectl")
    bundle = example_bundle()
    with open(f"{bundle}/securitycontext.yaml", encoding="utf-8") as file:
        patch = file.read()
    assert "privileged: false" in patch and "--privileged" not in patch, patch
    name = [line.split('"')[1] for line in patch.splitlines() if 'name: "' in line][0]
    deployment = support.write(f"{bundle}/deployment.yaml", DEPLOYMENT % name)
    merged = support.run("kubectl", "patch", "--local", "-f", deployment, "--type", "strategic",
                         "-p", patch, "-o", "json", env={**os.environ, "KUBECONFIG": "/dev/null"})
    assert merged.code == 0, merged
    spec = merged.json()["spec"]["template"]["spec"]
    container, sidecar = spec["containers"]
    assert container["image"] == "web" and "securityContext" not in sidecar, merged
    context = container["securityContext"]
    assert context == {
        "allowPrivilegeEscalation": False, "privileged": False, "readOnlyRootFilesystem": True,
        "runAsUser": 101, "runAsGroup": 102, "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"], "add": context["capabilities"]["add"]},
        "seccompProfile": {"type": "Localhost", "localhostProfile": f"vambrace/{name}.json"},
    }, context
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    assert set(mounts) == {"/run", "/var/log/web"}, mounts
    assert {volume["name"]: volume["emptyDir"] for volume in spec["volumes"]} == {
        one: {} for one in mounts.values()}, spec


def complaints(unit):
    done = support.run("systemd-analyze", "verify", unit)
    return [line for line in (done.out + done.err).splitlines() if os.path.basename(unit) in line]


def test_systemd_reads_every_line_of_the_drop_in():
    support.require_program("systemd-analyze")
    bundle = example_bundle()
    with open(f"{bundle}/systemd.conf", encoding="utf-8") as file:
        drop_in = file.read()
    assert "\nUser=101\n" in drop_in and "\nSystemCallFilter=read\n" in drop_in, drop_in
    start = "[Service]\nExecStart=/bin/true\n"
    unit = support.write(f"{support.temp_dir()}/vmb-context.service", start + drop_in)
    assert complaints(unit) == [], complaints(unit)
    wrong = drop_in.replace("SystemCallFilter=read\n", "SystemCallFilter=raed\nReadOnly=true\n")
    unit = support.write(f"{support.temp_dir()}/vmb-context.service", start + wrong)
    assert len(complaints(unit)) >= 2, "systemd does not say what it cannot read"


def test_a_hostile_folder_is_refused_by_its_name():
    bundle = example_bundle()
    done = support.vambrace("lint", bundle, "--json")
    found = [finding for finding in done.json()["findings"] if finding["id"] == "folder-unwritable"]
    assert done.code == 1 and len(found) == 1, done
    assert "/srv/a: b\\x0a--privileged\\x0a#" in found[0]["place"], found
    for name in ("docker.args", "securitycontext.yaml", "compose.override.yaml", "quadlet.conf",
                 "systemd.conf"):
        with open(f"{bundle}/{name}", encoding="utf-8") as file:
            assert "/srv" not in file.read(), name


if __name__ == "__main__":
    if sys.argv[1:2] == ["--drive"]:
        drive(*sys.argv[2:])
    else:
        support.main()

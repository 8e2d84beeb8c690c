"""How tests start a program in a container of Docker or of runc, with the file
system of tests/image.sh."""

import json
import os
import shutil

import support

# What Docker 20.10 gives a container that asks for nothing (oci/caps/defaults.go
# of moby).
DEFAULT_CAPABILITIES = [f"CAP_{name}" for name in (
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
    "NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT")]


def user_in_image(name):
    """Numbers of a user of the image, which need not be those of this host."""
    with open(f"{support.image(docker=False)}/etc/passwd", encoding="utf-8") as file:
        fields = next(line.split(":") for line in file if line.startswith(f"{name}:"))
    return int(fields[2]), int(fields[3])


def hand_over(directory, uid, gid):
    for place, _, files in os.walk(directory):
        for path in [place] + [f"{place}/{name}" for name in files]:
            os.chown(path, uid, gid)


def oci_config(command, directory, user=(0, 0), namespaces=("pid", "ipc", "uts", "mount"),
               no_new_privs=True):
    """The configuration of a container that sees `directory` under its own path
    and shares this host's network. No filter, Docker's default capabilities."""
    return {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": False, "user": {"uid": user[0], "gid": user[1]}, "args": command,
            "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "cwd": "/", "noNewPrivileges": no_new_privs,
            "capabilities": {kind: DEFAULT_CAPABILITIES
                             for kind in ("bounding", "effective", "permitted")}},
        "root": {"path": support.image(docker=False), "readonly": True},
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
            {"destination": "/dev/shm", "type": "tmpfs", "source": "shm"},
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"},
            {"destination": directory, "type": "bind", "source": directory,
             "options": ["bind", "rw"]}],
        "linux": {"namespaces": [{"type": kind} for kind in namespaces]}}


def oci_bundle(command, directory, **options):
    folder = support.temp_dir()
    support.write(f"{folder}/config.json", json.dumps(oci_config(command, directory, **options)))
    return folder


def start_words(kind, container, name, server, directory):
    """The command that starts a server of support.SERVERS in a container."""
    command, user = server.command, (0, 0)
    if name == "postgres":
        command = command[command.index("--init-groups") + 1:]
        user = user_in_image("postgres")
        hand_over(directory, *user)
    command = [shutil.which(command[0]) or command[0], *command[1:]]
    if kind == "docker":
        return ["docker", "run", "--rm", "--name", container, "--network", "host",
                "--user", f"{user[0]}:{user[1]}", "-v", f"{directory}:{directory}",
                "--security-opt", "seccomp=unconfined", "--security-opt", "no-new-privileges",
                support.IMAGE, *command]
    return ["runc", "run", "--bundle", oci_bundle(command, directory, user=user), container]


def signal_words(kind, container, signal):
    return ["-s", signal, container] if kind == "docker" else [container, signal]

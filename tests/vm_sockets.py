"""Under AppArmor: sockets that a program did not make, signals that leave the workload, calls
that fail of their own accord when AppArmor has been asked, and capabilities in a user namespace
of the workload's own.

A service whose output is a socket (systemd's journal), one that is started with its listening
socket, and a helper in a profile of its own that talks through a socketpair: each is recorded, by
hooks or by calls, and does the same under what synth makes of it, without a denial. A signal to a
process outside is refused, as replay says. A call that failed when it was recorded fails with the
same error.
"""

import confined
import record_files
import support
import vm

# The words, with a socket for output: what came out of it, and the status.
BEHIND = r"""
import socket, subprocess, sys
ours, theirs = socket.socketpair()
program = subprocess.Popen(sys.argv[1:], stdout=theirs, stderr=theirs)
theirs.close()
with ours, ours.makefile() as said:
    text = said.read().replace("\n", "|")
print(text, program.wait())
"""

# The words, with a listening socket for descriptor 3: what its client got, and the status.
ACTIVATED = r"""
import os, socket, sys
listener = socket.create_server(("127.0.0.1", 4242))
if os.fork() == 0:
    os.dup2(listener.fileno(), 3)
    os.set_inheritable(3, True)
    os.execvp(sys.argv[1], sys.argv[1:])
client = socket.create_connection(("127.0.0.1", 4242))
listener.close()
client.settimeout(60)
print(client.recv(9), os.waitstatus_to_exitcode(os.wait()[1]))
"""

SERVER = r"""
import socket
server = socket.socket(fileno=3)
client, _ = server.accept()
client.sendall(b"hi")
"""

# Through a helper that has a profile of its own.
HELPER = r"""
import socket, subprocess
ours, theirs = socket.socketpair()
ours.send(b"hello")
ours.shutdown(socket.SHUT_WR)
ours.settimeout(60)
print(subprocess.run(["/usr/bin/cat"], stdin=theirs, stdout=theirs).returncode, ours.recv(9))
"""

# Receives a socket that another program, which is not of the workload, sends.
TAKER = r"""
import socket
with socket.socket(fileno=3) as giver:
    _, (given,), _, _ = socket.recv_fds(giver, 1, 1)
with socket.socket(fileno=given) as got:
    got.sendall(b"got it")
"""

GIVER = r"""
import os, socket, sys
giver, taker = socket.socketpair()
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
if os.fork() == 0:
    os.dup2(taker.fileno(), 3)
    os.set_inheritable(3, True)
    os.execvp(sys.argv[1], sys.argv[1:])
socket.send_fds(giver, [b"x"], [theirs.fileno()])
theirs.close()
print(ours.recv(9), os.waitstatus_to_exitcode(os.wait()[1]))
"""

# Names the host in namespaces of its own, as it may there.
INSIDE = r"""
import ctypes, socket
libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWUSER, CLONE_NEWUTS = 0x10000000, 0x04000000
if libc.unshare(CLONE_NEWUSER | CLONE_NEWUTS):
    raise OSError(ctypes.get_errno(), "unshare")
socket.sethostname("inside")
print("named", socket.gethostname())
"""

# The words, with an empty folder.
FRESH = r"""
rm -rf /srv/failing
mkdir /srv/failing
exec "$@"
"""

PYTHON = "python3.11 -I -S -B"
DRIVER = "/usr/bin/driver -I -S -B"  # Python by another name: no program of the workload
SHELL = confined.SHELL + r"""
cp /usr/bin/python3.11 /usr/bin/driver
sleep 1000 & export OTHER=$!
# one NAME KIND BEFORE WORDS...: the words are recorded behind what is before them, and run so.
one() {
  name=$1 kind=$2 before=$3; shift 3
  nnp=nnp; [ $kind = apart ] && nnp=free
  say record-$name vambrace record -o /tmp/$name.json $WAY --workload $1 -- $before "$@"
  bundles $name /tmp/$name.json $kind >/dev/null
  bundle=/b/$name-$kind
  say replay-$name vambrace replay --json $bundle
  say profile-$name name_of $bundle
  say run-$name $before /start $nnp $(name_of $bundle) "$@"
}
for way in hooks calls; do
  WAY="--file-probe $way"
  one journal-$way flat "DRIVER /w/behind" /usr/bin/dash -c 'echo hello; echo problem >&2'
  one activated-$way flat "DRIVER /w/activated" /usr/bin/PYTHON /w/server
  one helper-$way apart env /usr/bin/PYTHON /w/helper
  one taker-$way flat "DRIVER /w/giver" /usr/bin/PYTHON /w/taker
  one failing-$way flat "sh /w/fresh" /usr/bin/PYTHON /w/failing /srv/failing
  one inside-$way flat env /usr/bin/PYTHON /w/inside
  one outside-$way flat env /usr/bin/dash -c 'kill -CONT $OTHER; sleep 100 & sleep 1; kill $!; wait; true'
done
""".replace("PYTHON", PYTHON).replace("DRIVER", DRIVER)

SAID = {"journal": "hello|problem| 0", "activated": "b'hi' 0", "helper": "0 b'hello'",
        "taker": "b'got it' 0", "failing": "all failed as before",
        "inside": "named inside"}


@vm.once
def machine():
    return vm.boot(SHELL, programs=["apparmor_parser"], folders=["/etc/apparmor.d/abi"],
                   apparmor=True, image=True, timeout=400,
                   files={"/w/behind": BEHIND.encode(), "/w/activated": ACTIVATED.encode(),
                          "/w/server": SERVER.encode(), "/w/helper": HELPER.encode(),
                          "/w/giver": GIVER.encode(), "/w/taker": TAKER.encode(),
                          "/w/fresh": FRESH.encode(), "/w/inside": INSIDE.encode(),
                          "/w/failing": (record_files.FAILING
                                         + "print('all failed as before')").encode()})


def expect_the_same(name):
    said = machine()
    for way in ("hooks", "calls"):
        which = f"{name}-{way}"
        for step in ("record", "run"):
            assert SAID[name] in said[f"{step}-{which}"].out, (step, way, said[f"{step}-{which}"])
        assert confined.predicted(said, which) == {}, said[f"replay-{which}"]
        assert confined.refused(said, which) == {}, (way, confined.refused(said, which))


def test_output_into_a_socket_comes_out():
    expect_the_same("journal")


def test_a_server_that_is_started_with_its_socket_answers():
    expect_the_same("activated")


def test_a_helper_in_its_own_profile_uses_a_socket_that_its_starter_made():
    expect_the_same("helper")


def test_a_socket_that_another_program_sent_is_used():
    expect_the_same("taker")


def test_a_call_that_failed_fails_with_the_same_error():
    expect_the_same("failing")


def test_capabilities_in_a_user_namespace_of_its_own_are_had():
    expect_the_same("inside")


def test_a_signal_to_a_process_outside_is_refused_as_replay_says():
    said = machine()
    for way in ("hooks", "calls"):
        which = f"outside-{way}"
        assert said[f"record-{which}"].code == 0, said[f"record-{which}"]
        assert confined.predicted(said, which) == {"signal cont": set()}, said[f"replay-{which}"]
        assert confined.refused(said, which) == {"signal cont": set()}, said[f"run-{which}"]


if __name__ == "__main__":
    support.main()

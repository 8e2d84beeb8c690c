"""The oldest kernel that is promised, for real: Debian 12's 6.1, booted under emulation.

The same kernel also knows lockdown.
"""

import json

import support
from vm import boot


def test_the_walk_on_linux_6_1():
    said = boot("""
say kernel uname -r
say record vambrace record -o /tmp/e.json -- sh -c 'mkdir /tmp/a; rmdir /tmp/a; mknod /tmp/d c 1 3; rm /tmp/d; ls /none; true'
say evidence cat /tmp/e.json
say light vambrace record --light -o /tmp/l.json -- sh -c 'mkdir /tmp/a; rmdir /tmp/a'
say synth vambrace synth /tmp/e.json -o /tmp/bundle
say replay vambrace replay /tmp/bundle /tmp/e.json
say same vambrace run /tmp/bundle -- sh -c 'mkdir /tmp/a; rmdir /tmp/a; mknod /tmp/d c 1 3; rm /tmp/d; ls /none; true'
say other vambrace run /tmp/bundle -- sh -c 'swapoff /tmp/none'
say free swapoff /tmp/none
say labels vambrace apparmor status
echo 'profile a { }' >/tmp/profile
say parser vambrace apparmor load --dry-run /tmp/profile
""")
    assert said["kernel"].out.startswith("6.1."), said["kernel"]
    assert said["record"].code == 0, said["record"]
    evidence = json.loads(said["evidence"].out)
    assert evidence["verdict"]["state"] == "complete", evidence["verdict"]
    calls = {call["name"]: call for process in evidence["processes"]
             for call in process["syscalls"] if process["origin"] != "runtime"}
    assert calls["mkdir"]["count"] == 1 and calls["rmdir"]["count"] == 1, calls
    probes = evidence["recordings"][0]["probes"]
    assert probes["capabilities"] == "fexit/cap_capable", probes
    granted = {check["name"] for process in evidence["processes"]
               for check in process["capabilities"] if check["name"] == "CAP_MKNOD"}
    assert granted == {"CAP_MKNOD"}, evidence["processes"]
    assert said["light"].code == 0, said["light"]
    assert said["synth"].code == 0 and said["replay"].code == 0, (said["synth"], said["replay"])
    assert said["same"].code == 0, said["same"]
    assert "not permitted" in said["other"].err, said["other"]
    assert "not permitted" not in said["free"].err, said["free"]
    # No AppArmor in this boot, and no apparmor_parser in this machine.
    assert said["labels"].code == 4 and "apparmor=1" in said["labels"].err, said["labels"]
    assert said["parser"].code == 4, said["parser"]
    assert "apparmor_parser is not installed" in said["parser"].err, said["parser"]


def test_a_lockdown_that_forbids_reading_kernel_memory_is_one_clear_error():
    said = boot("""
say mode cat /sys/kernel/security/lockdown
say record vambrace record -o /tmp/e.json -- ls /
say left ls /tmp/e.json
""", words="lockdown=confidentiality")
    assert "[confidentiality]" in said["mode"].out, said["mode"]
    assert said["record"].code == 4, said["record"]
    assert "lockdown" in said["record"].err, said["record"]
    assert said["left"].code != 0, said["left"]


if __name__ == "__main__":
    support.main()

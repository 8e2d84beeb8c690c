#!/usr/bin/env python3
"""The profile fits and holds: six real servers, each recorded under load, cut to
what was seen and loaded again under enforcement, without a denial, on a plain
process, in a container of Docker and in one of runc. Attacks from inside the same
policy are refused."""

import json

import attackers
import enforcement
import support

SERVERS = ("nginx", "redis", "memcached", "postgres", "python3", "static")


def fits_and_holds(name, target):
    """The number of attack actions that the policy alone refuses."""
    support.require_root()
    support.require_btf()
    case = enforcement.case(name, target)
    evidence, bundle = f"{case.directory}/evidence.json", f"{case.directory}/bundle"
    support.vambrace("record", "-o", evidence, *case.recorded, "--", *case.driver(), expect=0)
    with open(evidence, encoding="utf-8") as file:
        verdict = json.load(file)["verdict"]
    assert verdict["state"] == "complete", verdict
    support.vambrace("synth", evidence, "-o", bundle, "--target", target, expect=0)
    done = support.vambrace("verify", bundle, "--json", *case.confined, "--", *case.driver())
    assert done.code == 0, done
    verdict = done.json()
    assert verdict["holds"] and verdict["confined"] >= 1, verdict
    assert verdict["denials"] == [] and verdict["status"] == 0, verdict
    return attackers.holds(bundle, target)


def a_call_left_out_is_caught(target):
    """The load passes without it; only the kernel knows."""
    case = enforcement.case("static", target)
    evidence, bundle = f"{case.directory}/evidence.json", f"{case.directory}/bundle"
    support.vambrace("record", "-o", evidence, *case.recorded, "--", *case.driver(), expect=0)
    support.vambrace("synth", evidence, "-o", bundle, "--target", target, expect=0)
    with open(f"{bundle}/bundle.yaml", encoding="utf-8") as file:
        text = file.read()
    assert "decisions: []" in text, text
    support.write(f"{bundle}/bundle.yaml", text.replace(
        "decisions: []",
        "decisions:\n  - {what: syscall wait4, choice: drop, who: test, why: test}"))
    support.vambrace("synth", "-o", bundle, expect=0)
    done = support.vambrace("verify", bundle, "--json", "--", *case.driver())
    verdict = done.json()
    assert done.code == 1 and verdict["status"] == 0 and verdict["confined"] == 1, done
    denial, = verdict["denials"]
    assert denial["name"] == "wait4" and denial["origin"] == "app", done
    assert denial["exe"].endswith("static_server") and denial["errnos"].get("EPERM"), done


def each(target):
    """All servers, each of them judged whatever becomes of the others. In brackets
    the attacks refused."""
    shown, missing, failed = [], [], []
    for name in SERVERS:
        try:
            shown.append(f"{name} ({fits_and_holds(name, target)})")
        except support.Skipped as reason:
            missing.append(f"{name}: {reason}")
        except AssertionError as failure:
            failed.append(f"{name}: {failure}")
    print(f"{target}: {', '.join(shown) or 'none'}" + "".join(f"; not shown: {m}" for m in missing))
    assert not failed, "\n".join(failed)
    if not shown:
        support.skip("; ".join(missing))


def test_policies_fit_and_hold_on_plain_processes():
    each("process")


def test_policies_fit_and_hold_in_docker():
    support.require_docker()
    support.image()
    each("docker")


def test_policies_fit_and_hold_under_runc():
    support.require_program("runc")
    each("runc")


def test_a_call_left_out_is_caught_in_docker():
    support.require_docker()
    support.image()
    a_call_left_out_is_caught("docker")


def test_a_call_left_out_is_caught_under_runc():
    support.require_root()
    support.require_program("runc")
    a_call_left_out_is_caught("runc")


if __name__ == "__main__":
    support.main()

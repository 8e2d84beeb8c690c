#!/usr/bin/env python3
"""From recordings to a policy and back: the same behavior gives the same bytes,
its own evidence is never denied, and what is taken away is named."""

import filecmp
import json
import os
import shutil

import support
from support import run, vambrace

EXAMPLE = os.path.join(support.PROJECT, "src", "evidence", "testdata", "example.json")
POLICY = os.path.join(support.PROJECT, "src", "policy", "testdata", "example.json")

# Sockets, a child, a failing call: enough for argument rules and helpers.
WORK = ("import os, socket, subprocess;"
        "socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).close();"
        "a, b = socket.socketpair(); a.close(); b.close();"
        "os.access('/nonexistent', os.R_OK);"
        "subprocess.run(['/bin/true'], check=True)")


def record(folder, name):
    """One recording of the same work; skips where the kernel cannot."""
    support.require_root()
    support.require_btf()
    path = os.path.join(folder, name)
    vambrace("record", "-o", path, "--", "/usr/bin/python3", "-S", "-c", WORK, expect=0)
    return path


def files_below(folder):
    return sorted(os.path.join(root, name) for root, _, names in os.walk(folder) for name in names)


def evidence(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def without_call(path, name, to):
    """The evidence as if nobody had made one call."""
    document = evidence(path)
    for process in document["processes"]:
        process["syscalls"] = [fact for fact in process["syscalls"] if fact.get("name") != name]
    return support.write(to, json.dumps(document))


def test_the_worked_example_of_the_format_holds():
    bundle = os.path.join(support.temp_dir(), "bundle")
    vambrace("synth", EXAMPLE, "-o", bundle, expect=0)
    assert filecmp.cmp(os.path.join(bundle, "policy.json"), POLICY, shallow=False)
    vambrace("replay", bundle, expect=0)


def test_recording_the_same_behavior_again_gives_the_same_policy():
    folder = support.temp_dir()
    for which in ("first", "second"):
        vambrace("synth", record(folder, f"{which}.json"), "-o", f"{folder}/{which}", expect=0)
    assert not filecmp.cmp(f"{folder}/first.json", f"{folder}/second.json", shallow=False)
    for name in ("policy.json", "seccomp.json", "capabilities.json", "bundle.yaml"):
        assert filecmp.cmp(f"{folder}/first/{name}", f"{folder}/second/{name}", shallow=False), name
    done = vambrace("diff", f"{folder}/first", f"{folder}/second", expect=0)
    assert "permit the same" in done.out, done
    # Each covers the other's evidence.
    vambrace("replay", f"{folder}/first", f"{folder}/second.json", expect=0)


def test_own_evidence_is_never_denied_on_any_target_or_stage():
    folder = support.temp_dir()
    path = record(folder, "all.json")
    for target in ("process", "docker", "runc", "crun", "podman"):
        for stage in ("observe", "allow", "harden"):
            bundle = f"{folder}/{target}-{stage}"
            made = vambrace("synth", path, "-o", bundle, "--target", target, "--stage", stage,
                            "--json", expect=0).json()
            assert made["target"] == target and made["stage"] == stage, made
            assert 0 < made["syscalls"] < made["kernel_syscalls"], made
            assert made["with_arguments"] > 0, made
            done = vambrace("replay", bundle, "--json", expect=0).json()
            assert done["denials"] == [] and done["facts"] > 20, done


def test_a_rule_that_is_missing_is_named_and_explained():
    folder = support.temp_dir()
    path = record(folder, "all.json")
    vambrace("synth", path, "-o", f"{folder}/full", expect=0)
    less = without_call(path, "socketpair", f"{folder}/less.json")
    vambrace("synth", less, "-o", f"{folder}/cut", expect=0)
    denials = vambrace("replay", f"{folder}/cut", path, "--json", expect=1).json()["denials"]
    assert {denial["name"] for denial in denials} == {"socketpair"}, denials
    assert denials[0]["arguments"].startswith("arg0 == 0x1"), denials
    assert "python3" in denials[0]["exe"], denials

    answer = vambrace("explain", f"{folder}/full", "socketpair", "--json", expect=0).json()["answers"][0]
    assert answer["permission"] == "depends" and answer["when"], answer
    assert answer["uses"][0]["count"] == 1, answer
    answer = vambrace("explain", f"{folder}/cut", "socketpair", "--json", expect=0).json()["answers"][0]
    assert answer["permission"] == "refused" and answer["reasons"] == [], answer

    done = vambrace("diff", f"{folder}/full", f"{folder}/cut", "--json", expect=1).json()
    assert [permit["call"] for permit in done["only_a"]] == ["x86_64 socketpair"], done
    assert done["only_b"] == [], done


def test_the_profile_loads_in_docker_and_holds():
    support.require_docker()
    support.image()
    folder = support.temp_dir()
    vambrace("synth", record(folder, "all.json"), "-o", f"{folder}/bundle", expect=0)

    def contained(script, *options):
        name = support.container_name("policy")
        return run("docker", "run", "--rm", "--name", name, "--network", "none", *options,
                   support.IMAGE, "/usr/bin/python3", "-S", "-c", script)

    confined = ("--security-opt", f"seccomp={folder}/bundle/seccomp.json",
                "--security-opt", "no-new-privileges")
    done = contained(WORK, *confined)
    assert done.code == 0, done
    # AF_ALG was never seen; the same program may make it without the profile.
    crypto = "import socket; socket.socket(38, 5, 0)"
    denied = contained(crypto, *confined)
    assert denied.code != 0 and "PermissionError" in denied.err, denied
    free = contained(crypto, "--security-opt", "seccomp=unconfined")
    assert "PermissionError" not in free.err, free


def test_bad_input_is_refused_and_writes_nothing():
    folder = support.temp_dir()
    with open(EXAMPLE, encoding="utf-8") as file:
        text = file.read()
    cut = support.write(f"{folder}/cut.json", text[:len(text) // 2])
    schema = support.write(f"{folder}/schema.json", text.replace("evidence/v1", "evidence/v7", 1))
    deep = support.write(f"{folder}/deep.json", "[" * 100000)
    before = files_below(folder)
    for words, said in (((cut,), "cut.json"), ((schema,), "evidence/v7"), ((deep,), "deep.json"),
                        ((EXAMPLE, cut), "cut.json"), ((f"{folder}/none.json",), "none.json"),
                        ((), "no evidence")):
        done = vambrace("synth", *words, "-o", f"{folder}/out", expect=2)
        assert said in done.err and done.out == "", done
    for words in (("replay", f"{folder}/out"), ("explain", f"{folder}/out", "read"),
                  ("diff", f"{folder}/out", f"{folder}/out")):
        done = vambrace(*words, expect=2)
        assert "out" in done.err, done
    assert files_below(folder) == before


def test_a_damaged_bundle_is_named_by_its_file():
    folder = support.temp_dir()
    vambrace("synth", EXAMPLE, "-o", f"{folder}/good", expect=0)
    for name, text in (("policy.json", "{}"), ("seccomp.json", "{"), ("capabilities.json", "[]"),
                       ("bundle.yaml", "schema: vambrace.bundle/v9\n"),
                       ("bundle.yaml", "a: &x [*x]\n")):
        shutil.copytree(f"{folder}/good", f"{folder}/bad")
        support.write(f"{folder}/bad/{name}", text)
        done = vambrace("replay", f"{folder}/bad", expect=2)
        assert name in done.err, done
        shutil.rmtree(f"{folder}/bad")


def test_a_pipe_in_the_place_of_a_file_of_a_bundle_is_not_waited_for():
    folder = support.temp_dir()
    bundle = f"{folder}/b"
    vambrace("synth", EXAMPLE, "-o", bundle, expect=0)
    kept = next(os.path.join("evidence", name) for name in os.listdir(f"{bundle}/evidence"))
    words = (["replay", bundle], ["lint", bundle], ["explain", bundle, "read"],
             ["review", bundle], ["apparmor", "load", bundle, "--dry-run"],
             ["synth", f"{bundle}/{kept}", "-o", bundle])
    for name in ("policy.json", "bundle.yaml", "seccomp.json", "apparmor.profile",
                 "capabilities.json", kept):
        os.rename(f"{bundle}/{name}", f"{folder}/kept")
        os.mkfifo(f"{bundle}/{name}")
        refused = 0
        for command in words:
            if bundle + "/" + name in command:
                continue  # A pipe that a user names is read.
            done = run("timeout", "20", support.VAMBRACE, *command)
            assert done.code != 124, (name, command)
            refused += f"{name}: not a regular file" in done.err
        assert refused, name
        os.unlink(f"{bundle}/{name}")
        os.rename(f"{folder}/kept", f"{bundle}/{name}")


if __name__ == "__main__":
    support.main()

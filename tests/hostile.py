"""Files that nobody meant well with: each command that reads one answers with one
clear error that names the place, exit code 2, soon, in little memory, and leaves
what was there."""

import json
import os
import resource
import shutil
import time

import support
from support import VAMBRACE, run

MEMORY = 1 << 30  # of addresses; the largest input below is 100 MB
SECONDS = 20


def limited():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def refuse(*words, code=2):
    """One error, exit 2, no output."""
    began = time.monotonic()
    done = run(VAMBRACE, *words, preexec_fn=limited, timeout=60)
    assert done.code == code, (words, done.code, done.out[:500], done.err[:500])
    lines = [line for line in done.err.splitlines() if line.startswith("vambrace")]
    assert len(lines) == 1 and len(done.err) < 4000, (words, done.err[:500])
    assert "\x1b" not in done.err and "\0" not in done.err, (words, done.err[:500])
    assert done.out == "", (words, done.out[:500])
    assert time.monotonic() - began < SECONDS, words
    return done.err


GOOD_PROFILE = {"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"],
                "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW"}]}


def example():
    with open(f"{support.PROJECT}/src/evidence/testdata/example.json", encoding="utf-8") as file:
        return file.read()


def json_files(folder, good):
    """Name to path: whatever no JSON reader of ours may accept."""
    texts = {
        "empty": "", "space": " \n", "cut": good[:len(good) // 2], "twice": good + good,
        "word": "hello", "null": "null", "list": "[]", "number": "1e999", "text": '"x"',
        "deep": "[" * 1_000_000, "deep-object": '{"a":' * 500_000,
        "deep-closed": "[" * 100_000 + "]" * 100_000,
        "unknown-schema": good.replace("/v1\"", "/v999\""),
        "escapes": '{"schema": "\x1b[31mred"}', "nul": good[:40] + "\0" + good[40:],
        "key-twice": '{"schema": "a", "schema": "b"}',
        "trailing": good.rstrip() + "}",
        "huge-number": good.replace(": 1,", ": 184467440737095516160,", 1)
                       if ": 1," in good else "184467440737095516160",
    }
    paths = {name: support.write(f"{folder}/{name}.json", text) for name, text in texts.items()}
    for name, data in {"bytes": bytes(range(256)) * 50, "utf8": good.encode() + b"\xff",
                       "utf16": good.encode("utf-16"), "overlong": b'{"schema": "\xc0\xaf"}'}.items():
        paths[name] = f"{folder}/{name}.json"
        with open(paths[name], "wb") as file:
            file.write(data)
    # 100 MB without a single value, and a file without end.
    paths["huge"] = f"{folder}/huge.json"
    with open(paths["huge"], "wb") as file:
        file.write(b"[")
        file.seek(100_000_000)
        file.write(b" ")
    os.symlink("/dev/zero", f"{folder}/endless.json")
    paths["endless"] = f"{folder}/endless.json"
    os.mkdir(f"{folder}/folder.json")
    paths["folder"] = f"{folder}/folder.json"
    paths["missing"] = f"{folder}/missing.json"
    return paths


def test_evidence_that_is_none():
    folder = support.temp_dir()
    good = support.write(f"{folder}/good.json", example())
    assert run(VAMBRACE, "evidence", "show", good).code == 0
    out = f"{folder}/out"
    for path in json_files(folder, example()).values():
        refuse("evidence", "show", path)
        refuse("evidence", "check", path)
        refuse("evidence", "diff", good, path)
        refuse("evidence", "merge", good, path, "-o", f"{out}/merged.json")
        refuse("evidence", "compact", good, path, "-o", f"{out}/compact.json")
        refuse("synth", path, "-o", f"{out}/bundle")
    assert not os.path.exists(out), os.listdir(out)


def test_profiles_that_are_none():
    folder = support.temp_dir()
    text = json.dumps(GOOD_PROFILE)
    good = support.write(f"{folder}/good.json", text)
    assert run(VAMBRACE, "evaluate", good, "read").code == 0
    paths = json_files(folder, text)
    del paths["unknown-schema"], paths["huge-number"]  # a profile has no schema, this one no number
    del paths["null"]
    for name, path in paths.items():
        refuse("evaluate", path, "read")
        if name != "folder":  # lint takes a bundle folder, and says what it lacks
            refuse("lint", path)
        refuse("diff", good, path)


def a_bundle(folder):
    evidence = support.write(f"{folder}/good.json", example())
    done = run(VAMBRACE, "synth", evidence, "-o", f"{folder}/bundle", "--target", "process")
    assert done.code == 0, done
    return f"{folder}/bundle"


# Every command that reads a bundle; what it would run does not exist.
def readers(bundle, folder):
    yield ["replay", bundle]
    yield ["explain", bundle, "read"]
    yield ["diff", bundle, bundle]
    yield ["lint", bundle]
    yield ["synth", "-o", bundle]
    if os.geteuid() == 0:
        yield ["run", bundle, "--", "/bin/true"]
        yield ["verify", bundle, "--", "/bin/true"]
        yield ["attest", bundle, "--pid", str(os.getpid())]
    yield ["synth", f"{folder}/good.json", "-o", bundle]


def test_bundles_with_a_file_that_is_none():
    folder = support.temp_dir()
    whole = a_bundle(folder)
    for part in ("policy.json", "seccomp.json", "capabilities.json"):
        with open(f"{whole}/{part}", encoding="utf-8") as file:
            bad = json_files(support.temp_dir(), file.read())
        for name in ("empty", "cut", "deep", "unknown-schema", "huge", "endless", "bytes",
                     "escapes"):
            if name == "unknown-schema" and part == "seccomp.json":
                continue
            bundle = f"{support.temp_dir()}/bundle"
            shutil.copytree(whole, bundle)
            os.remove(f"{bundle}/{part}")
            os.symlink(bad[name], f"{bundle}/{part}")
            for words in readers(bundle, folder):
                if words[0] == "synth":
                    continue  # makes them anew
                if part != "seccomp.json" and words[0] == "lint":
                    continue  # does not read it
                refuse_or_skip_capabilities(part, words)


def refuse_or_skip_capabilities(part, words):
    """diff and explain need no capability set."""
    if part == "capabilities.json" and words[0] in ("explain", "diff", "lint"):
        done = run(VAMBRACE, *words, preexec_fn=limited)
        assert done.code in (0, 1, 2), (words, done)
        return
    refuse(*words)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9))


def yaml_texts(good):
    return {
        "empty": "", "cut": good[:len(good) // 2].rsplit("\n", 1)[0] + "\n  - [", "bomb": good + BOMB,
        "deep": "a: " + "[" * 100_000, "deep-indent": "".join(
            " " * i + "a:\n" for i in range(2000)),
        "tabs": good + "\t\tx: y\n", "unknown-key": good + "surprise: yes\n",
        "unknown-schema": good.replace("vambrace.bundle/v1", "vambrace.bundle/v999"),
        "list": "- a\n- b\n", "anchor": good.replace("stage: harden", "stage: &x harden"),
        "stage": good.replace("stage: harden", "stage: \"\\e[31mhard\""),
        "two": good + "---\n" + good,
        "number": good + "gates:\n  runs: 1e999\n",
        "huge": good + "#" + "x" * 30_000_000 + "\n",
    }


def test_manifests_that_are_none():
    folder = support.temp_dir()
    whole = a_bundle(folder)
    with open(f"{whole}/bundle.yaml", encoding="utf-8") as file:
        good = file.read()
    assert "stage: harden" in good, good
    for name, text in yaml_texts(good).items():
        bundle = f"{support.temp_dir()}/bundle"
        shutil.copytree(whole, bundle)
        support.write(f"{bundle}/bundle.yaml", text)
        for words in readers(bundle, folder):
            try:
                said = refuse(*words)
            except AssertionError as why:
                raise AssertionError(f"{name}: {why}") from why
            assert "bundle.yaml" in said, (name, words, said)
        with open(f"{bundle}/bundle.yaml", encoding="utf-8") as file:
            assert file.read() == text, f"{name}: bundle.yaml was changed"


def test_calibrations_that_are_none():
    folder = support.temp_dir()
    evidence = support.write(f"{folder}/good.json", example())
    with open(f"{support.PROJECT}/src/runtime/layers/runc.json", encoding="utf-8") as file:
        bad = json_files(folder, file.read())
    for path in bad.values():
        refuse("synth", evidence, "-o", f"{folder}/bundle", "--target", "runc", "--layer", path)
    assert not os.path.exists(f"{folder}/bundle")


if __name__ == "__main__":
    support.main()

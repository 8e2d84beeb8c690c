"""What we print of AppArmor, given to AppArmor's own parser; no kernel is needed.

Hostile file names become rules of a profile, which must compile; patterns that we refuse must be
refused there, too. That the rules match exactly those names is shown by apparmor_patterns.py.
"""

import json
import os
import random
import re
import tempfile

import support
from support import require_program, run

HERE = os.path.join(os.environ.get("VAMBRACE_BUILD", os.path.join(support.PROJECT, "build")),
                    "tests", "apparmor")

ID = "0123456789abcdef0123456789abcdef"

NAMES = [
    b'"', b'""', b"\\", b"\\\\", b'\\"', b'a" rw,\n  /** rwx,\n"', b"a rw,", b"a,b", b"a,", b",",
    b"a\nb", b"a\n/** rwx,", b"\r\n", b"#include <abstractions/base>", b"a #include <x>", b"#",
    b"\n#include <x>\n", b"include <x>", b"@{x}", b"@{HOME}/x", b"\\@{x}", b"@", b"@@{x}",
    b"${x}", b"$x", b"*", b"**", b"a*", b"a?b", b"[a]", b"[^a]", b"[", b"]", b"{a,b}", b"{", b"}",
    b"{}", b"^", b"a b", b" ", b"  a", b"a ", b"\t", b"\x01", b"\x1b[31m", b"\x7f", b"\xff\xfe",
    b"\xc3\xa4", b"\xc3", b"\xe2\x80\xae", b"\\101", b"\\x41", b"\\d65", b"\\n", b"\\*", b"}\n}\n",
    b"a -> b", b"-> x,", b"(", b")", b"=", b"a=b", b"!", b"<x>", b"|", b"a+b.c", b"'", b"`", b";",
    b"%s%n", b"owner /x rw,", b"deny", b"profile x {}", b"n" * 255, b"\xff" * 255,
]


def hostile_names():
    """Paths whose last names try to be something else; the same ones every time."""
    chance = random.Random(7)
    bytes_of = bytes(byte for byte in range(1, 256) if byte != ord("/"))
    signs = b'"\\,\n #@{}*?[]^a0'
    made = [bytes(chance.choice(some) for _ in range(chance.randint(1, 9)))
            for some in (bytes_of, signs) for _ in range(50)]
    names = NAMES + [name for name in made if name not in (b".", b"..")]
    return [b"/p/h/" + name for name in names]


def printed(names, profile):
    """The text that our printer makes of a profile that lets these files be read."""
    done = run(os.path.join(HERE, "aare_profile"), profile, stdin=None,
               input="".join(name.hex() + "\n" for name in names))
    assert done.code == 0, done
    return done.out


def made_up():
    """(text of the variables, {number: word}, [(number, hex path, verdict)], refused words)."""
    variables, patterns, pairs, refused = "", {}, [], []
    done = run(os.path.join(HERE, "aare_pairs"))
    assert done.code == 0, done
    for line in done.out.splitlines():
        kind, rest = line.split(" ", 1)
        if kind == "variable":
            name, values = rest.split(" ", 1)
            variables += f"@{{{name}}}={values}\n"
        elif kind == "pattern":
            number, word = rest.split(" ", 1)
            patterns[int(number)] = word
        elif kind == "pair":
            number, path, verdict = rest.split(" ")
            pairs.append((int(number), path, verdict))
        else:
            refused.append(rest)
    return variables, patterns, pairs, refused


def compiled(text, folder, features="kernel-5.4-vanilla"):
    """What apparmor_parser says to the profile, and the file of what the kernel takes."""
    source, binary = os.path.join(folder, "profiles"), os.path.join(folder, "binary")
    with open(source, "w", encoding="utf-8") as file:
        file.write(text)
    # One job, in the process itself: nothing is left behind should it not end.
    return run("apparmor_parser", "-QK", "-j0", "-o", binary, "--kernel-features",
               f"/etc/apparmor.d/abi/{features}", source), binary


def test_hostile_names_compile_and_stay_names():
    require_program("apparmor_parser")
    names = hostile_names()
    text = printed(names, "hostile")
    lines = [line.strip() for line in text.splitlines()]
    rules = [line for line in lines if line.endswith(" r,")]
    assert len(rules) == len(set(names)), (len(rules), len(set(names)))
    assert not [line for line in lines if line.startswith("#") and not line.startswith("# ")]
    assert all(line[0] in "#\"/}" or line.split()[0] in (
        "abi", "profile", "capability", "network", "unix", "signal", "ptrace", "mount", "umount",
        "pivot_root", "owner", "link") for line in lines if line), text
    with tempfile.TemporaryDirectory() as folder:
        # The second knows the rules that Linux 6.1 does not mediate (unix).
        for features in ("kernel-5.4-vanilla", "kernel-5.4-outoftree-network"):
            done, _ = compiled(text, folder, features)
            assert done.code == 0 and "error" not in done.err, (features, done)


def test_what_we_refuse_is_refused():
    require_program("apparmor_parser")
    variables, _, _, refused = made_up()
    assert len(refused) >= 14, refused
    with tempfile.TemporaryDirectory() as folder:
        for word in refused:
            done, _ = compiled(f"abi <abi/3.0>,\n{variables}profile p {{ {word} r, }}\n", folder)
            assert done.code != 0, word


def quoted(name):
    r"""A name as evidence has it: control characters and bytes that are no UTF-8 as \xNN."""
    text = name.replace(b"\\", b"\\\\").decode("utf-8", "surrogateescape")
    return "".join(f"\\x{ord(c) & 0xff:02x}" if ord(c) < 32 or ord(c) == 127
                   or 0xdc80 <= ord(c) <= 0xdcff else c for c in text)


def evidence_with(names, mounted):
    """The example of the format, with files of these names and a helper that has them, too, and
    mounts of some."""
    with open(os.path.join(support.PROJECT, "src", "evidence", "testdata", "example.json"),
              encoding="utf-8") as file:
        document = json.load(file)
    main = document["processes"][0]
    share = {"count": 1, "phases": {"serving": 1}, "errnos": {}, "denied": 0}
    by = {**main["syscalls"][0]["by"][ID], **share, "denied_errnos": {}}

    def accessed(name, access):
        return {"path": quoted(name), "access": access, "owner": False, **share, "by": {ID: by}}

    helper = json.loads(json.dumps(main))
    helper.update(exe="/usr/bin/he lper", origin="helper", parent=main["exe"], syscalls=[],
                  capabilities=[], network=[], execs=[])
    helper["files"] = sorted((accessed(name, "r") for name in names),
                             key=lambda fact: (name_of(fact), fact["access"]))
    main["files"] = sorted([accessed(name, "rw") for name in names] +
                           [accessed(b"/usr/bin/he lper", "x")],
                           key=lambda fact: (name_of(fact), fact["access"]))
    document["processes"] = sorted([main, helper], key=lambda process: process["exe"])
    call = {"arch": "x86_64", "nr": 165, "name": "mount", **share, "args": "unbounded",
            "by": {ID: by}}
    main["syscalls"] = sorted([*main["syscalls"], call],
                              key=lambda fact: (fact["arch"] != "x86_64", fact["nr"]))
    main["mounts"] = sorted(
        [{"operation": operation, "fstype": kind, "options": options, "source": quoted(source),
          "target": quoted(name), **share, "by": {ID: by}}
         for name in mounted for operation, kind, options, source in (
             ("bind", "", ["rbind"], name),
             ("mount", "tmpfs", ["rw"], name[5:].replace(b"//", b"/")),
             ("umount", "", [], b""), ("pivot_root", "", [], name))],
        key=lambda fact: (fact["operation"], fact["fstype"], fact["options"],
                          name_of({"path": fact["source"]}), name_of({"path": fact["target"]})))
    return json.dumps(document)


def name_of(fact):
    """The bytes of a path in the evidence, which it is sorted by."""
    text = fact["path"].encode()
    return re.sub(rb"\\(?:x([0-9a-f]{2})|(\\))",
                  lambda m: bytes.fromhex(m[1].decode()) if m[1] else b"\\", text)


def test_a_profile_made_of_hostile_evidence_compiles():
    require_program("apparmor_parser")
    names = sorted(set(hostile_names()))
    folder = support.temp_dir()
    # A policy has 300 rules about mounts at most.
    for first, apart in [(first, apart) for first in range(0, len(names), 70)
                         for apart in (False, True)]:
        mounted = names[first:first + 70]
        path = support.write(f"{folder}/e.json", evidence_with(names, mounted))
        bundle = f"{folder}/bundle-{first}-{apart}"
        support.vambrace("synth", path, "-o", bundle, "--stage", "harden", expect=0)
        if apart:
            with open(f"{bundle}/bundle.yaml", encoding="utf-8") as file:
                text = file.read()
            support.write(f"{bundle}/bundle.yaml", text.replace(
                "target: docker\n", "target:\n  name: docker\n  no_new_privs: false\n"))
            support.vambrace("synth", "-o", bundle, expect=0)
        done = run("apparmor_parser", "-QK", f"{bundle}/apparmor.profile")
        assert done.code == 0 and "error" not in done.err, done
        with open(f"{bundle}/apparmor.profile", encoding="utf-8") as file:
            lines = [line.strip() for line in file]
        rules = [line for line in lines if line.endswith((" r,", " rw,")) and line[0] in '/"']
        assert len(rules) >= len(names) * (2 if apart else 1) * 0.9, (len(rules), len(names))
        mounts = [line for line in lines if line.split(" ")[0] in (
            "mount", "umount", "pivot_root")]
        assert len(mounts) == 4 * len(mounted), (len(mounts), len(mounted))
        assert not [line for line in lines if line.startswith(("#include", "include"))]
        assert len([line for line in lines if line.startswith("profile ")]) == 1 + apart, lines
        # Whatever the names are, its own evidence is never denied.
        support.vambrace("replay", bundle, expect=0)


if __name__ == "__main__":
    support.main()

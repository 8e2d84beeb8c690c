"""What we print of AppArmor, given to AppArmor's own parser; no kernel is needed.

Hostile file names become rules of a profile, which must compile; patterns that we refuse must be
refused there, too. That the rules match exactly those names is shown by apparmor_patterns.py.
"""

import os
import random
import tempfile

import support
from support import require_program, run

HERE = os.path.join(os.environ.get("VAMBRACE_BUILD", os.path.join(support.PROJECT, "build")),
                    "tests", "apparmor")

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
        "abi", "profile", "capability", "network", "unix", "signal", "ptrace", "mount", "owner",
        "link") for line in lines if line), text
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


if __name__ == "__main__":
    support.main()

"""Our matcher of AppArmor patterns against AppArmor: a kernel is asked the same pairs.

tests/apparmor/aare_pairs.cc makes up patterns and paths and says what we think; each pattern
becomes a profile of its own, and a machine with AppArmor answers twice: what the loaded profile
says of each path, and, for paths that can be made, whether a process under it can open the file.
"""

import os
import tempfile

import support
import vm
from apparmor_parser import HERE, compiled, hostile_names, made_up, printed
from support import require_program

# The number of the profile that lets each hostile name be read, and no other.
HOSTILE = 9000


def hostile_pairs(names):
    """Each name, and names that differ in one byte."""
    pairs = []
    for name in names:
        near = {name, name + b"x", name[:-1], name[:-1] + b"x", name.replace(b"\\", b"")}
        near |= {name.replace(b"*", b"zz"), name.replace(b"?", b"z"), name.replace(b"@{x}", b"z")}
        pairs += [(HOSTILE, path.hex(), "01"[path in names]) for path in sorted(near) if path]
    return pairs


def differences(pairs, patterns, answers):
    return [f"{patterns[number]} with {bytes.fromhex(path)!r}: we say {ours}, the kernel {theirs}"
            for (number, path, ours), theirs in zip(pairs, answers)
            if theirs not in (ours, "-")]


def test_our_verdict_is_the_kernels():
    require_program("apparmor_parser")
    variables, patterns, pairs, _ = made_up()
    assert len(pairs) >= 2000, len(pairs)
    share = sum(verdict == "1" for _, _, verdict in pairs) / len(pairs)
    assert 0.2 < share < 0.8, share
    with tempfile.TemporaryDirectory() as folder:
        text = "abi <abi/3.0>,\n" + variables + "".join(
            f"profile p{number} {{ {word} r, }}\n" for number, word in patterns.items())
        names = hostile_names()
        patterns[HOSTILE] = "hostile names"
        pairs += hostile_pairs(names)
        text += printed(names, f"p{HOSTILE}").split("\n", 1)[1]
        done, binary = compiled(text, folder)
        assert done.code == 0, done
        asked = os.path.join(folder, "pairs")
        with open(asked, "w", encoding="ascii") as file:
            file.writelines(f"{number} {path}\n" for number, path, _ in pairs)
        said = vm.boot("""
            say load sh -c '/aare_ask load </profiles'
            say query sh -c '/aare_ask query </pairs'
            say open sh -c '/aare_ask open </pairs'
            """, apparmor=True, files={
                "/profiles": binary, "/pairs": asked,
                "/aare_ask": (os.path.join(HERE, "aare_ask"), 0o755)})
    assert said["load"].code == 0, (said["load"], said.log[-2000:])
    for way, least in (("query", len(pairs)), ("open", len(pairs) // 3)):
        answers = said[way].out.strip()
        assert len(answers) == len(pairs), said[way]
        found = differences(pairs, patterns, answers)
        assert not found, f"{len(found)} differ in {way}:\n" + "\n".join(found[:20])
        assert len(answers) - answers.count("-") >= least, (way, answers.count("-"))
        print(f"{way}: {len(answers) - answers.count('-')} pairs, {answers.count('1')} match")


if __name__ == "__main__":
    support.main()

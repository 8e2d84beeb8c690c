"""Installed abstractions as we read them, against AppArmor's own parser; no kernel is needed.

What apparmor_parser compiles of a profile that includes one must be, byte for byte, what it compiles
of the rules that we read in it.
"""

import json
import os
import shutil

import apparmor_parser
import support
from support import require_program, run

FOLDER = "/etc/apparmor.d"
HERE = apparmor_parser.HERE


def read_by_us(folder=FOLDER):
    """({name: profile of its rules}, {name: why it is not understood or not used})."""
    done = run(os.path.join(HERE, "abstractions"), folder)
    assert done.code == 0, done
    read, refused, name = {}, {}, None
    for line in done.out.splitlines(keepends=True):
        if name is None:
            kind, rest = line.rstrip("\n").split(" ", 1)
            if kind == "read":
                name, read[rest] = rest, ""
            else:
                one, why = rest.split(" ", 1)
                refused[one] = why
        elif line == "end\n":
            name = None
        else:
            read[name] += line
    return read, refused


def compiled(text, folder, base=FOLDER):
    """What the kernel would be given; None where apparmor_parser refuses the text."""
    source = support.write(f"{folder}/profile", text)
    binary = f"{folder}/binary"
    if os.path.exists(binary):
        os.remove(binary)
    # One job, in the process itself: nothing is left behind should it not end.
    done = run("apparmor_parser", "-QK", "-j0", "-b", base, "-o", binary, "--kernel-features",
               "/etc/apparmor.d/abi/kernel-5.4-vanilla", source)
    if done.code != 0:
        return None
    with open(binary, "rb") as file:
        return file.read()


def with_include(name):
    return (f"abi <abi/3.0>,\ninclude <tunables/global>\nprofile p {{\n"
            f"  include <abstractions/{name}> # 0123456789abcdef\n}}\n")


def test_what_we_read_is_what_the_parser_compiles():
    require_program("apparmor_parser")
    if not os.path.isdir(f"{FOLDER}/abstractions"):
        support.skip("no abstractions are installed")
    folder = support.temp_dir()
    read, refused = read_by_us()
    installed = {name for name in os.listdir(f"{FOLDER}/abstractions")
                 if os.path.isfile(f"{FOLDER}/abstractions/{name}")}
    assert set(read) | set(refused) == installed, installed ^ (set(read) | set(refused))
    assert len(read) >= 40, sorted(read)
    nothing = compiled("abi <abi/3.0>,\nprofile p {\n}\n", folder)
    differ = []
    for name, rules in sorted(read.items()):
        theirs, ours = compiled(with_include(name), folder), compiled(rules, folder)
        assert theirs is not None and ours is not None, name
        if theirs != ours or theirs == nothing:
            differ.append(name)
    assert not differ, differ
    print(f"{len(read)} of {len(installed)} are read, each as the parser does")


# Files of an abstraction, and whether we read them; those that we read are compiled by both.
UNUSUAL = {
    "plain": ("  /etc/a r,\n", True),
    "abi": ("abi <abi/kernel-5.4-vanilla>,\n  /etc/a r,\n", True),
    "hash": ("  #include <abstractions/plain>\n# x #include <abstractions/nope>\n", True),
    "hash-behind": ("/b r, #include <abstractions/plain>\n", True),
    "hash-no-space": ("#include<abstractions/plain>\n", True),
    "if-exists": ("include if exists <abstractions/nope>\n"
                  "#include if exists <abstractions/plain>\n", True),
    "comments": ("/etc/a r, # c, d\n#\n#/e r,\n/f # x\n  r\n ,\n", True),
    "several": ("/a r, /b rw, owner /c{d,e} rk,\n", True),
    "lines": ("/a\r\n   rm\n  ,\n", True),
    "file": ("file /a r, owner file /b w,\n", True),
    "no-end-of-line": ("/etc/{a,b} r,", True),
    "quotes": ('"/etc/a b" r,\n"/etc/{c, d},*" rw,\n', True),
    "twice": ("/etc/a rr,\n/etc/a r,\n/etc/a w,\n/etc/a a,\n", True),
    "link": ("/a l,\n/b rwl,\n", True),
    "variables": ("@{PROC}/@{pid}/stat r,\nowner @{HOME}/x rw,\n@{run}/y r,\n", True),
    "folder": ("include <abstractions/dir>\n", True),
    "escapes": ("/a\\*b r,\n/c\\101d r,\n/[a-z^] r,\n/x?{y,[0-9]*}z** r,\n", True),
    "self": ("include <abstractions/self>\n/etc/a r,\n", False),
    "absent": ("include <abstractions/nope>\n", False),
    "elsewhere": ("include if exists <local/x>\n/a r,\n", False),
    "above": ("include <abstractions/../abstractions/plain>\n", False),
    "mode-first": ("r /etc/a,\n", False),
    "upper": ("/etc/a R,\n", False),
    "write-append": ("/etc/a wa,\n", False),
    "mode-in-quotes": ('/etc/a "r",\n', False),
    "no-space": ("/etc/a r,/b r,\n", False),
    "hash-in-name": ("/etc/a#b r,\n", False),
    "escaped-space": ("/etc/a\\ b r,\n", False),
    "unknown-variable": ("@{NOPE}/a r,\n", False),
    "variable-set": ("@{X}=/b\n/a r,\n", False),
    "alias": ("alias /a -> /b,\n", False),
    "block": ("profile x {\n /a r,\n}\n", False),
    "hat": ("^x {\n /a r,\n}\n", False),
    "if": ("if true {\n /a r,\n}\n", False),
    "exec": ("/bin/a rix,\n", False),
    "transition": ("/bin/a px -> b,\n", False),
    "deny": ("deny /a w,\n/b r,\n", False),
    "audit": ("audit /a w,\n", False),
    "all-files": ("file,\n", False),
    "capability": ("capability chown,\n", False),
    "network": ("network inet stream,\n", False),
    "dbus": ('dbus send\n bus=system\n peer=(name="a,b", label=x),\n', False),
    "no-end": ("/a r", False),
    "empty-pattern": ('"" r,\n', False),
    "zero": ("/a r,\0\n", False),
}
# Names in a folder that is included; every one of these is of a file that is read.
TAKEN = ["plain", "x.conf", "Readme", "README.d", "s p", "x.dpkg-tmp", "x.bak", "x.swp", "x.origin"]


def base_in(folder):
    """A folder as AppArmor's, without abstractions."""
    base = f"{folder}/apparmor.d"
    shutil.copytree(f"{FOLDER}/tunables", f"{base}/tunables")
    shutil.copytree(f"{FOLDER}/abi", f"{base}/abi")
    return base


def test_unusual_texts_are_read_as_the_parser_does_or_not_at_all():
    require_program("apparmor_parser")
    folder = support.temp_dir()
    base = base_in(folder)
    for name, (text, _) in UNUSUAL.items():
        support.write(f"{base}/abstractions/{name}", text)
    for number, name in enumerate(TAKEN + [".hidden"]):
        support.write(f"{base}/abstractions/dir/{name}", f"/of/{number} r,\n")
    support.write(f"{base}/abstractions/dir/sub/x", "/sub r,\n")
    read, refused = read_by_us(base)
    wanted = {name for name, (_, is_read) in UNUSUAL.items() if is_read}
    assert set(read) == wanted, (set(read) ^ wanted, refused)
    assert read["folder"].count("/of/") == len(TAKEN), read["folder"]
    for name in sorted(wanted):
        theirs = compiled(with_include(name), folder, base)
        assert theirs is not None, name
        assert theirs == compiled(read[name], folder, base), (name, read[name])


def test_names_that_we_pass_over_are_those_that_the_parser_does():
    require_program("apparmor_parser")
    folder = support.temp_dir()
    base = base_in(folder)
    done = run(os.path.join(HERE, "abstractions"), "--passed-over")
    assert done.code == 0 and "README" in done.out.split(), done
    names = done.out.split() + TAKEN
    for number, name in enumerate(names):
        support.write(f"{base}/abstractions/of{number}", f"include <abstractions/{number}.d>\n")
        support.write(f"{base}/abstractions/{number}.d/{name}", "/etc/x r,\n")
    read, refused = read_by_us(base)
    assert not refused, refused
    nothing = compiled("abi <abi/3.0>,\nprofile p {\n}\n", folder)
    ours, theirs = set(), set()
    for number, name in enumerate(names):
        if "/etc/x r" not in read[f"of{number}"]:
            ours.add(name)
        theirs_compiled = compiled(with_include(f"of{number}"), folder, base)
        assert theirs_compiled is not None, name
        if theirs_compiled == nothing:
            theirs.add(name)
    assert ours == theirs, ours ^ theirs
    assert theirs.isdisjoint(TAKEN) and theirs | set(TAKEN) == set(names), theirs
    print(f"{len(theirs)} names are passed over by both, {len(TAKEN)} by neither")


def add_what_cannot_be_read(base):
    """Nothing of it is included by an abstraction of Debian."""
    os.makedirs(f"{base}/abstractions", exist_ok=True)
    os.symlink("user@host.1", f"{base}/abstractions/.#x")
    os.symlink("/none", f"{base}/abstractions/.x")
    os.symlink("/none", f"{base}/abstractions/gone")
    os.mkfifo(f"{base}/abstractions/pipe")
    os.mkfifo(f"{base}/abstractions/pipe.orig")
    support.write(f"{base}/abstractions/big", "#" * 300_000)


def test_what_cannot_be_read_fails_only_what_includes_it():
    require_program("apparmor_parser")
    folder = support.temp_dir()
    base = base_in(folder)
    add_what_cannot_be_read(base)
    including = {"one": ".x", "two": "gone", "three": "pipe", "four": "big", "five": "more.d",
                 "six": "pipe.orig"}
    for name, included in including.items():
        support.write(f"{base}/abstractions/{name}",
                      f"/a r,\ninclude if exists <abstractions/{included}>\n")
    support.write(f"{base}/abstractions/plain", "/a r,\ninclude if exists <abstractions/d>\n")
    support.write(f"{base}/abstractions/d/x", "/b r,\n")
    os.mkfifo(f"{base}/abstractions/d/x~")
    os.makedirs(f"{base}/abstractions/more.d")
    os.symlink("/none", f"{base}/abstractions/more.d/gone")
    read, refused = read_by_us(base)
    assert set(read) == {"plain"}, (read, refused)
    assert set(refused) == set(including) | {"gone", "pipe", "big"}, refused
    assert all(" cannot be read: " in why for why in refused.values()), refused
    assert compiled(with_include("plain"), folder, base) == compiled(read["plain"], folder, base)


# What sshd of Debian reads through libwrap, and other files that it reads.
WRAPPED = ["/etc/hosts.allow", "/etc/hosts.deny"]
FILES = WRAPPED + ["/etc/passwd", "/etc/ssh/sshd_config", "/etc/ssl/openssl.cnf"]


def evidence_of(paths, folder):
    """Evidence of a program that reads these files."""
    with open(os.path.join(support.PROJECT, "src", "evidence", "testdata", "example.json"),
              encoding="utf-8") as file:
        document = json.load(file)
    main = document["processes"][0]
    share = {"count": 1, "phases": {"serving": 1}, "errnos": {}, "denied": 0}
    by = {**main["syscalls"][0]["by"][apparmor_parser.ID], **share, "denied_errnos": {}}
    main["files"] = [{"path": path, "access": "r", "owner": False, **share,
                      "by": {apparmor_parser.ID: by}} for path in sorted(paths)]
    return support.write(f"{folder}/evidence.json", json.dumps(document))


def text_of(bundle):
    with open(f"{bundle}/apparmor.profile", encoding="utf-8") as file:
        return file.read()


def test_an_installed_abstraction_that_fits_is_included():
    require_program("apparmor_parser")
    if not os.path.isfile(f"{FOLDER}/abstractions/hosts_access"):
        support.skip("no abstractions/hosts_access is installed")
    folder = support.temp_dir()
    bundle = f"{folder}/bundle"
    evidence = evidence_of(FILES, folder)
    support.vambrace("synth", evidence, "-o", bundle, expect=0)
    assert "include" not in text_of(bundle)
    support.vambrace("synth", "-o", bundle, "--abstractions", FOLDER, expect=0)
    text = text_of(bundle)
    includes = [line.strip() for line in text.splitlines() if "include" in line]
    assert len(includes) == 1 and includes[0].startswith(
        "include <abstractions/hosts_access> # "), includes
    assert not any(path in text for path in WRAPPED), text
    # The parser makes the same of it as of the rules that it stands for.
    rules = "\n".join(f"  {path} r," for path in WRAPPED)
    written_out = text.replace("  " + includes[0], rules)
    assert compiled(text, folder) == compiled(written_out, folder) is not None
    support.vambrace("replay", bundle, expect=0)
    support.vambrace("apparmor", "load", bundle, "--dry-run", expect=0)


def test_a_host_whose_abstraction_grants_something_else_is_refused():
    require_program("apparmor_parser")
    folder = support.temp_dir()
    base, bundle = f"{folder}/apparmor.d", f"{folder}/bundle"
    shutil.copytree(FOLDER, base)
    add_what_cannot_be_read(base)
    support.write(f"{base}/abstractions/hosts_access.d/local", "/etc/hosts.more r,\n")
    evidence = evidence_of(FILES, folder)
    support.vambrace("synth", evidence, "-o", bundle, "--abstractions", base, expect=0)
    assert "include <abstractions/hosts_access> # " in text_of(bundle)
    # This host does not have the local addition that the other one had.
    done = support.vambrace("apparmor", "load", bundle, "--dry-run", expect=3)
    assert "abstractions/hosts_access of this host is not what" in done.err, done
    assert "synth --abstractions" in done.err, done


if __name__ == "__main__":
    support.main()

"""Test suites that the authors of real programs wrote, run on Debian's own binaries.

The sources come from where the machine has Debian's archive from, and its apt state is
left alone; packages that a suite needs and that are missing are installed. Helpers that
a suite needs are built from the same sources; the program under test is always the
installed one. Tests run as root where they are recorded: on a machine of no matter.

    suite = SUITES["perl"]
    folder = prepare(suite, "suites")     # once
    for name in tests_of(suite, folder, limit=40):
        shell = suite.command(folder, name)  # in an empty working folder

A test is what the authors keep in one file (of tar's suite: one group). What a test
says of success is not asked: what the program did is what counts, and some tests
are made for a build of their own.
"""

import collections
import glob
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

import measure

import debian_archive
import elf_programs
import support

# program: the file that is measured. packages: of Debian, needed to run the suite.
# source: Debian's source package; "" where the suite is a package by itself.
# build: shell lines, run in the unpacked source. tests: the names of all tests,
# found in that folder. command: the shell line of one test.
Suite = collections.namedtuple("Suite", "program packages source build tests command")


def names_below(*patterns, but=()):
    def names(folder):
        found = {os.path.relpath(path, folder) for pattern in patterns
                 for path in glob.glob(os.path.join(folder, pattern), recursive=True)}
        return sorted(name for name in found
                      if not any(re.search(word, name) for word in but))
    return names


def python_modules(_folder):
    done = subprocess.run(["python3", "-m", "test", "--list-tests"], check=True,
                          capture_output=True, text=True)
    # The package leaves out what its list still names.
    place = "/usr/lib/python3.11/test"
    return sorted(name for name in done.stdout.split() if glob.glob(f"{place}/{name}*"))


def python_classes(folder):
    """The classes of the tests of python_modules, as "MODULE CLASS"; where a module does
    not tell its classes, the module."""
    names = []
    for module in python_modules(folder):
        done = subprocess.run(["python3", "-m", "test", "-u", "network", "--list-cases", module],
                              check=False, capture_output=True, text=True)
        classes = {case.rpartition(".")[0] for case in done.stdout.split()}
        names += [f"{module} {name}" for name in sorted(classes)] or [module]
    return names


def python_command(_folder, name):
    module, _, group = name.partition(" ")
    only = f"-m {shlex.quote(group + '.*')}" if group else ""
    return f"exec \"$P\" -m test -u network {module} {only}"


def tar_groups(folder):
    done = subprocess.run(["./testsuite", "--list"], cwd=os.path.join(folder, "tests"),
                          check=True, capture_output=True, text=True)
    return re.findall(r"^ +(\d+): ", done.stdout, re.M)


def perl_command(folder, name):
    place = os.path.join(folder, "t") if name.startswith("t/") else os.path.join(
        folder, *name.split("/")[:2])
    with open(os.path.join(folder, name), encoding="latin-1") as file:
        taint = re.match(r"#!.*perl.* (-[tT])", file.readline())
    return f"cd {shlex.quote(place)} && exec \"$P\" {taint[1] if taint else ''} -I{folder}/lib " + (
        shlex.quote(os.path.relpath(os.path.join(folder, name), place)))


def busybox_command(folder, name):
    applet = os.path.basename(name).removesuffix(".tests")
    # The suite makes its links new in each run, beside the program.
    return (f"cp -r {shlex.quote(folder)}/testsuite {shlex.quote(folder)}/.config . && "
            f"ln -s \"$P\" busybox && cd testsuite && exec ./runtest {shlex.quote(applet)}")


def redis_command(folder, name):
    unit = name.removeprefix("tests/").removesuffix(".tcl")
    return (f"cp -r {shlex.quote(folder)}/tests {shlex.quote(folder)}/runtest . && mkdir src && "
            "cp -s /usr/bin/redis-* src/ && touch src/redis-trib.rb && "
            f"exec ./runtest --clients 1 --single {shlex.quote(unit)}")


# The extensions that php8.2-cli comes with, built in or by a package it depends on.
PHP_EXTENSIONS = (
    "calendar ctype date exif ffi fileinfo filter ftp gettext hash iconv json libxml opcache "
    "openssl pcntl pcre phar posix random readline reflection session shmop sockets sodium spl "
    "standard sysvmsg sysvsem sysvshm tokenizer zlib").split()


def php_command(folder, name):
    # The suite's runner is a php program itself: a copy runs it, and is not measured.
    return (f"cp \"$P\" runner && cd {shlex.quote(folder)} && exec \"$OLDPWD/runner\" "
            f"run-tests.php -q --offline --set-timeout 30 -p \"$P\" {shlex.quote(name)}")


def ruby_command(folder, name):
    # As Debian runs it on the installed ruby (debian/tests/run-all), in an order of no chance.
    excludes = " ".join(f"-X debian/tests/excludes/{group}" for group in ("any", "autopkgtest"))
    return (f"cd {shlex.quote(folder)} && OPENSSL_CONF=\"$PWD/debian/openssl.cnf\" exec \"$P\" "
            f"test/runner.rb --ruby=\"$P\" --seed=1 -X test/excludes {excludes} "
            f"--name='!/memory_leak/' {shlex.quote(name)}")


def toybox_tests(folder):
    """One for each command that the installed toybox has.

    Left out is what would touch the machine's mounts, loop devices and network devices,
    what asks for the modules of its kernel, what runs the shell's own command, and
    killall, which would wait until the limit for orphans that nobody reaps."""
    done = subprocess.run(["/usr/bin/toybox"], check=True, capture_output=True, text=True)
    applets = set(done.stdout.split()) - {
        "mount", "losetup", "ifconfig", "modinfo", "pwd", "killall"}
    return [name for name in names_below("tests/*.test")(folder)
            if os.path.basename(name).removesuffix(".test") in applets]


def toybox_command(folder, name):
    applet = os.path.basename(name).removesuffix(".test")
    # As the suite tests one command: its link is before the machine's own commands.
    return (f"cp -r {shlex.quote(folder)}/configure {shlex.quote(folder)}/scripts "
            f"{shlex.quote(folder)}/tests . && mkdir bin && ln -s \"$P\" bin/{applet} && "
            "exec env TEST_HOST=1 VERBOSE=all PATH=\"$PWD/bin:$PATH\" "
            f"unshare --uts bash scripts/test.sh {applet}")


def socat_tests(folder):
    """The names of those that run if no name is given: where a test's number is asked
    whether it is to run, the name is printed instead."""
    with open(os.path.join(folder, "test.sh"), encoding="utf-8") as file:
        text, found = re.subn(r'^(NUMCOND="test .*)"$', r'\1 && echo =\\$NAME=; false"',
                              file.read(), flags=re.M)
    if not found:
        raise ValueError("test.sh of socat does not say which of its tests run")
    with tempfile.TemporaryDirectory() as place:
        with open(os.path.join(place, "test.sh"), "w", encoding="utf-8") as file:
            file.write(text)
        done = subprocess.run(
            ["bash", "test.sh"], cwd=place, check=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace",
            env={**os.environ, "SOCAT": "/usr/bin/socat", "TMPDIR": place})
    return sorted(set(re.findall(r"^=(\S+)=$", done.stdout, re.M)))


def node_command(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        flags = " ".join(re.findall(r"^// Flags:(.*)$", file.read(), re.M))
    return (f"export NODE_TEST_DIR=\"$PWD\" NODE_TEST_NO_INTERNET=1 && cd {shlex.quote(folder)} && "
            # Debian's machines have keys of a length that the tests' are below.
            "export OPENSSL_CONF=\"$PWD/deps/openssl/openssl/apps/openssl.cnf\" && "
            f"exec \"$P\" {flags} {shlex.quote(name)}")


SUITES = {
    "python3": Suite(
        "/usr/bin/python3", "libpython3.11-testsuite", "", "", python_modules, python_command),
    # The same suite, cut where its authors cut it a second time.
    "python3-classes": Suite(
        "/usr/bin/python3", "libpython3.11-testsuite", "", "", python_classes, python_command),
    "perl": Suite(
        "/usr/bin/perl", "perl", "perl",
        # Tests look for modules in ../lib: those of the installed perl.
        "mv lib lib.of-the-source; mkdir lib; for d in $(perl -e 'print join q( ), grep "
        "{m{^/usr/(lib|share)}} @INC'); do [ ! -d $d ] || cp -rsn $d/. lib/; done",
        names_below("t/*/*.t", "cpan/*/t/*.t", "dist/*/t/*.t", "ext/*/t/*.t",
                    but=("^t/porting/", "^t/win32/", "^t/benchmark/", "^t/bigmem/")),
        perl_command),
    "busybox": Suite(
        "/usr/bin/busybox", "busybox-static bzip2 zip", "busybox",
        "cp debian/config/pkg/static .config; "
        "gcc -Os -o testsuite/echo-ne scripts/echo.c",
        lambda folder: sorted(
            set(names_below("testsuite/*.tests")(folder)) |
            {os.path.relpath(os.path.dirname(path), folder)
             for path in glob.glob(os.path.join(folder, "testsuite/*/*"))}), busybox_command),
    "git": Suite(
        "/usr/bin/git", "git zlib1g-dev libssl-dev", "git",
        "make -j2 -s NO_CURL=1 NO_EXPAT=1 NO_TCLTK=1 NO_GETTEXT=1 NO_PYTHON=1 CFLAGS=-O0 "
        "GIT-BUILD-OPTIONS t/helper/test-tool; make -s -C templates",
        names_below("t/t[0-9]*.sh", but=("^t/t9[1-8]", "^t/t5[58]")),
        lambda folder, name: f"mkdir -p out && cd {shlex.quote(folder)}/t && exec env "
        f"GIT_TEST_INSTALLED=/usr/bin sh {os.path.basename(name)} --root=\"$OLDPWD/out\""),
    "tar": Suite(
        "/usr/bin/tar", "autoconf attr acl", "tar",
        "FORCE_UNSAFE_CONFIGURE=1 ./configure -q && make -s -j2 -C gnu && make -s -j2 -C lib && "
        "make -s -C tests testsuite genfile checkseekhole ckmtime", tar_groups,
        lambda folder, name: f"cp {shlex.quote(folder)}/tests/[!T]* . 2>/dev/null; "
        f"exec ./testsuite AUTOTEST_PATH=/usr/bin:{shlex.quote(folder)}/tests {name}"),
    "redis": Suite(
        "/usr/bin/redis-server", "redis-server tcl", "redis", "",
        names_below("tests/unit/*.tcl", "tests/unit/type/*.tcl", "tests/integration/*.tcl",
                    but=("moduleapi", "fuzzer")), redis_command),
    "memcached": Suite(
        "/usr/bin/memcached", "memcached perl", "memcached", "ln -sf /usr/bin/memcached "
        "memcached-debug; ln -sf /usr/bin/memcached memcached; "
        # An option of debugging builds alone.
        "sed -i '/relaxed_privileges/d' t/lib/MemcachedTest.pm; gcc -w -o timedrun timedrun.c",
        names_below("t/*.t", but=("whitespace", "extstore", "ssl", "proxy")),
        lambda folder, name: f"cd {shlex.quote(folder)} && exec perl {name}"),
    "bash": Suite(
        "/usr/bin/bash", "bash gcc", "bash",
        "./configure -q; cd tests; for f in recho zecho xcase; do gcc -w -DHAVE_CONFIG_H -I.. "
        "-I../include -o $f ../support/$f.c; done; ln -sf /usr/bin/printenv printenv",
        names_below("tests/run-*", but=("run-all", "run-minimal", "run-gprof")),
        lambda folder, name: f"cp -r {shlex.quote(folder)}/tests . && cd tests && export "
        f"THIS_SH=/usr/bin/bash BASH_TSTOUT=out PATH=\"$PWD:$PATH\"; exec bash {os.path.basename(name)}"),
    "php": Suite(
        "/usr/bin/php8.2", "php8.2-cli", "php8.2", "",
        names_below("Zend/tests/**/*.phpt", "tests/**/*.phpt", "sapi/cli/tests/**/*.phpt",
                    *(f"ext/{name}/tests/**/*.phpt" for name in PHP_EXTENSIONS),
                    but=("win32", "32bit")), php_command),
    "ruby": Suite(
        "/usr/bin/ruby3.1", "ruby3.1 ruby", "ruby3.1",
        # A patch cannot make an empty file.
        "touch test/openssl/fixtures/pkey/empty.pem",
        # Not what needs extensions built for tests, gems, or another system.
        names_below("test/**/test_*.rb",
                    but=("^test/-ext-/", "^test/mkmf/", "^test/rubygems/", "^test/win32ole/",
                         "^test/dtrace/")), ruby_command),
    "toybox": Suite(
        "/usr/bin/toybox", "toybox gcc", "toybox", "", toybox_tests, toybox_command),
    "node": Suite(
        "/usr/bin/node", "nodejs", "nodejs", "ln -sf /usr/bin/node node",
        names_below("test/parallel/test-*.js", "test/sequential/test-*.js",
                    # Left out is what Debian leaves out, and what watches until it is stopped.
                    but=("-npm-", "single-executable", "watch-mode", "force-repl")),
        node_command),
    "socat": Suite(
        "/usr/bin/socat", "socat openssl iproute2 iputils-ping procps net-tools", "socat", "",
        socat_tests,
        lambda folder, name: f"cp {shlex.quote(folder)}/*.sh . && export SOCAT=\"$P\" "
        f"TMPDIR=\"$PWD\"; exec bash ./test.sh {shlex.quote(name)}"),
    "zsh": Suite(
        "/usr/bin/zsh", "zsh", "zsh", "", names_below("Test/*.ztst"),
        lambda folder, name: f"cp -r {shlex.quote(folder)}/Test . && mkdir Src && ln -s \"$P\" "
        "Src/zsh && cd Test && ZTST_srcdir=. ZTST_exe=../Src/zsh exec \"$P\" +Z -f ./ztst.zsh "
        f"./{os.path.basename(name)}"),
    "tclsh": Suite(
        "/usr/bin/tclsh8.6", "tcl8.6", "tcl8.6", "",
        # Left out is what is for other systems or wholly for commands of a build of its own.
        names_below("tests/*.test", but=(
            "/(macOSX|win)", "/(assocd|async|cmdInfo|dcall|dstring|httpPipeline|indexObj|iogt|link|"
            "lset|notify|registry|resolver|stringObj|thread|unixFile|unixForkEvent|unixNotfy)[.]")),
        # Most tests of files are not for root.
        lambda folder, name: "chown nobody . && exec setpriv --reuid nobody --regid nogroup "
        f"--clear-groups \"$P\" {shlex.quote(os.path.join(folder, name))}"),
}


def prepare(suite, folder):
    """The folder with the suite of a program, unpacked and built if it is not there."""
    measure.install(suite.packages.split())
    if not suite.source:
        return folder
    place = os.path.join(os.path.abspath(folder), suite.source)
    ready = os.path.join(place, ".prepared")
    if os.path.exists(ready):
        return place
    unpack(suite.source, folder)
    print(f"building what the tests of {suite.source} need", file=sys.stderr)
    with open(os.path.join(place, "build.log"), "w", encoding="utf-8") as log:
        done = subprocess.run(["sh", "-ec", suite.build], cwd=place, check=False, stdout=log,
                              stderr=log)
    if done.returncode != 0:
        sys.exit(f"{suite.source}: see {place}/build.log")
    with open(ready, "w", encoding="utf-8"):
        pass
    return place


def unpack(source, folder, patched=True):
    """Fetches a source package of Debian and unpacks it, with Debian's patches or without,
    into the folder of its name, anew. apt has a state of its own in `folder`."""
    folder = os.path.abspath(folder)
    place = os.path.join(folder, source)
    shutil.rmtree(place, ignore_errors=True)
    os.makedirs(os.path.join(folder, "lists", "partial"), exist_ok=True)
    options = ["-o", f"Dir::Etc::sourcelist={debian_archive.write_sources(folder, 'deb-src')}",
               "-o", "Dir::Etc::sourceparts=/dev/null", "-o", f"Dir::State::Lists={folder}/lists"]
    subprocess.run(["apt-get", *options, "-qq", "update"], check=True)
    description = download(source, folder, options)
    subprocess.run(["dpkg-source", "--no-check", *([] if patched else ["--skip-patches"]), "-x",
                    description, place], check=True,
                   stdout=subprocess.DEVNULL)
    return place


def download(source, folder, options):
    """Fetches a version of the source package that the archive has; its .dsc file."""
    for version in source_versions(source, options):
        done = subprocess.run(["apt-get", *options, "source", "--download-only", "-qq",
                               f"{source}={version}"], cwd=folder, check=False)
        if done.returncode == 0:
            return os.path.join(folder, f"{source}_{version.split(':')[-1]}.dsc")
    sys.exit(f"{source}: the archive has none of the versions that it lists")


def source_versions(source, options):
    """The versions to try, that of the installed packages first: an archive lists more
    than one, and may list what it no longer has."""
    done = subprocess.run(["apt-cache", *options, "showsrc", source], check=True,
                          capture_output=True, text=True)
    versions = sorted(set(re.findall(r"^Version: (.*)$", done.stdout, re.M)))
    done = subprocess.run(["dpkg-query", "-W", "-f", "${source:Package} ${source:Version}\\n"],
                          check=True, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    installed = [version for version in versions if f"{source} {version}" in lines]
    return installed + [version for version in versions if version not in installed]


def tests_of(suite, folder, limit):
    """The suite's tests in an order that does not change; at most `limit` of them, chosen
    evenly by a fixed seed."""
    names = suite.tests(folder)
    random.Random(suite.program).shuffle(names)
    return names[:limit]


def record(suite, folder, name, path, seconds=90):
    """Records one test into the file at `path`; says what went wrong, "" for nothing.

    Whatever the test leaves running ends with it. Root is needed.
    """
    program = os.path.realpath(suite.program)
    with tempfile.TemporaryDirectory() as place:
        done = subprocess.run(
            ["flock", elf_programs.LOCK, support.VAMBRACE, "record", "-o", path, "--workload",
             program, "--id", f"suite/{os.path.basename(suite.program)}", "--",
             "unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
             "timeout", str(seconds), "sh", "-c", suite.command(folder, name)],
            cwd=place, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, errors="replace", check=False,
            env={**os.environ, "P": program, "HOME": place, "LC_ALL": "C.UTF-8"})
    return "" if os.path.exists(path) else done.stderr.strip()[-300:]


def recorded(name, folder, limit=None):
    """[(test, evidence file)] of a suite, each made where it is missing; progress on
    standard error. Tests that could not be recorded are named there and left out."""
    suite = SUITES[name]
    os.makedirs(os.path.join(folder, "evidence"), exist_ok=True)
    place = prepare(suite, folder)
    names = tests_of(suite, place, limit)
    made = []
    for index, test in enumerate(names):
        path = os.path.join(folder, "evidence", f"{name}-{test.replace('/', '_')}.json")
        if not os.path.exists(path):
            print(f"{name}: test {index + 1} of {len(names)}: {test}", file=sys.stderr)
            error = record(suite, place, test, path)
            if error:
                print(f"{name}: {test} was not recorded: {error}", file=sys.stderr)
                continue
        made.append((test, path))
    return made

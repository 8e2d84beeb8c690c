#!/usr/bin/env python3
"""`vambrace analyze` on programs made for the test, in roots that try to lead it
out, and on an image of Docker."""

import glob
import json
import os
import shutil
import signal
import subprocess

import support
from support import run, vambrace

# Makes two calls and no other.
STATIC = """
void _start(void) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(39) : "rcx", "r11", "memory");
  __asm__ volatile("syscall" : "=a"(result) : "a"(60), "D"(0) : "rcx", "r11", "memory");
  for (;;) {}
}
"""

# A library whose function makes one call, and a program that needs it.
LIBRARY = """
long %s(void) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(%d) : "rcx", "r11", "memory");
  return result;
}
"""
USER = """
long call(void);
void _start(void) { call(); for (;;) {} }
"""


def compiled(path, text, *flags):
    support.require_program("cc")
    source = support.write(path + ".c", text)
    done = run("cc", "-O1", "-nostdlib", "-fno-stack-protector", "-o", path, source, *flags)
    assert done.code == 0, done
    os.remove(source)
    return path


def static_program(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return compiled(path, STATIC, "-static", "-ffreestanding")


def names(answer):
    return {call["name"] for call in answer["syscalls"]}


def analyzed(*words, **options):
    return vambrace("analyze", "--json", *words, expect=0, **options).json()


def kinds(answer):
    return {gap["kind"] for gap in answer["gaps"]}


def root_with_library(name="root"):
    """A root with /bin/p, which needs /lib/libcall.so (getppid)."""
    root = os.path.join(support.temp_dir(), name)
    for folder in ("bin", "lib", "plugins"):
        os.makedirs(os.path.join(root, folder))
    library = compiled(f"{root}/lib/libcall.so", LIBRARY % ("call", 110), "-shared", "-fPIC",
                       "-Wl,-soname,libcall.so")
    compiled(f"{root}/bin/p", USER, library, "-Wl,--dynamic-linker=/lib/ld.so")
    shutil.copy(os.path.realpath("/lib64/ld-linux-x86-64.so.2"), f"{root}/lib/ld.so")
    return root


def test_a_static_program_has_exactly_its_calls():
    program = static_program(support.temp_dir() + "/p")
    answer = analyzed(program)
    assert answer["schema"] == "vambrace.reach/v1", answer
    assert names(answer) == {"getpid", "exit"}, answer
    assert answer["gaps"] == [], answer
    assert [(file["path"], file["why"]) for file in answer["libraries"]] == \
        [(os.path.realpath(program), "program")], answer
    text = vambrace("analyze", program, "--no-cache", expect=0)
    assert "can reach 2 system calls" in text.out and "no gap" in text.out, text
    assert " s\n" in text.err and " s\n" not in text.out, text


def test_equal_questions_have_equal_bytes():
    program = static_program(support.temp_dir() + "/p")
    first = vambrace("analyze", "--json", "--no-cache", program, expect=0)
    out = support.temp_dir() + "/reach.json"
    second = vambrace("analyze", "--no-cache", "-o", out, program, expect=0)
    with open(out, encoding="utf-8") as text:
        assert text.read() == first.out, second


def test_what_is_missing_or_no_program_is_exit_2():
    folder = support.temp_dir()
    for word in (folder + "/none", "no-such-program", folder,
                 support.write(folder + "/text", "hello\n"),
                 support.write(folder + "/cut", "\x7fELF\x02\x01\x01")):
        done = vambrace("analyze", word, expect=2)
        assert os.path.basename(word) in done.err, done
        assert done.out == "", done
    vambrace("analyze", expect=2)
    vambrace("analyze", "--root", folder + "/none", "/bin/p", expect=2)


def test_a_script_is_its_interpreter_and_a_gap():
    folder = support.temp_dir()
    program = static_program(folder + "/p")
    script = support.write(folder + "/s.sh", f"#!{program} -x\nwhatever\n")
    answer = analyzed(script)
    assert answer["program"] == os.path.realpath(program), answer
    assert names(answer) == {"getpid", "exit"}, answer
    (gap,) = answer["gaps"]
    assert gap["kind"] == "script" and gap["object"] == os.path.realpath(script), gap
    support.write(folder + "/s.sh", "#!/no/such/interpreter\n")
    done = vambrace("analyze", script, expect=2)
    assert "/no/such/interpreter" in done.err, done


def test_of_several_programs_a_broken_one_stops_no_other():
    folder = support.temp_dir()
    program = static_program(folder + "/p")
    broken = support.write(folder + "/broken", "hello\n")
    done = vambrace("analyze", "--json", program, broken, program, expect=2)
    answer = done.json()
    assert answer["schema"] == "vambrace.reaches/v1", answer
    assert [names(one) for one in answer["programs"]] == [{"getpid", "exit"}] * 2, answer
    assert "not analyzed" in done.err and broken in done.err, done


def test_many_at_a_time_are_answered_as_one_by_one():
    # Real programs with common libraries, and one that is missing among them.
    programs = [path for path in ("/bin/bash", "/usr/bin/tar", "/usr/bin/git", "/bin/ls", "/usr/bin/openssl",
                                  "/usr/bin/perl", "/bin/true", "/bin/mkdir") if os.path.exists(path)]
    assert len(programs) >= 6, programs
    alone = [json.loads(vambrace("analyze", "--json", "--no-cache", path, expect=0).out) for path in programs]
    programs.insert(2, "/no/such/program")
    for jobs in ("1", "2", "8"):
        done = vambrace("analyze", "--json", "--no-cache", "-j", jobs, *programs, expect=2)
        assert done.json()["programs"] == alone, f"{jobs} at a time"
        told = [line.split()[1] for line in done.err.splitlines() if line.startswith("analyzed ")]
        assert told == [one["program"] for one in alone], done.err
        assert "not analyzed: /no/such/program" in done.err, done.err
    for jobs in ("0", "257", "-1", "many"):
        vambrace("analyze", "/bin/true", "-j", jobs, expect=2)


def test_libraries_are_found_in_the_root():
    root = root_with_library()
    answer = analyzed("--root", root, "p")
    assert "getppid" in names(answer), names(answer)
    files = {file["path"]: file["why"] for file in answer["libraries"]}
    assert files["/bin/p"] == "program", files
    assert files["/lib/libcall.so"] == "needed by /bin/p", files
    os.remove(root + "/lib/libcall.so")
    assert "library-missing" in kinds(analyzed("--root", root, "/bin/p"))


def test_links_do_not_lead_out_of_the_root():
    outside = support.temp_dir()
    root = root_with_library()
    shutil.move(root + "/lib/libcall.so", outside + "/libcall.so")
    for target in (outside + "/libcall.so", "../../../../../../.." + outside + "/libcall.so"):
        os.symlink(target, root + "/lib/libcall.so")
        answer = analyzed("--root", root, "/bin/p")
        assert "library-missing" in kinds(answer), answer
        assert "getppid" not in names(answer), answer
        os.remove(root + "/lib/libcall.so")
    os.symlink(static_program(outside + "/p"), root + "/bin/out")
    vambrace("analyze", "--root", root, "/bin/out", expect=2)
    # In the root the same link means another file.
    os.makedirs(root + outside)
    shutil.copy(outside + "/p", root + outside + "/p")
    assert analyzed("--root", root, "/bin/out")["program"] == outside + "/p"


def test_pipes_and_devices_are_not_waited_for():
    root = root_with_library()
    os.remove(root + "/lib/libcall.so")
    os.mkfifo(root + "/lib/libcall.so")
    answer = analyzed("--root", root, "/bin/p", timeout=60)
    assert "library-missing" in kinds(answer), answer
    os.mkfifo(root + "/bin/pipe")
    vambrace("analyze", "--root", root, "/bin/pipe", expect=2, timeout=60)


def test_with_adds_what_is_loaded_while_it_runs():
    root = root_with_library()
    compiled(root + "/plugins/a.so", LIBRARY % ("plugin", 112), "-shared", "-fPIC")
    assert "setsid" not in names(analyzed("--root", root, "/bin/p"))
    answer = analyzed("--root", root, "/bin/p", "--with", "/plugins/a.so")
    assert "setsid" in names(answer), answer
    (file,) = [one for one in answer["libraries"] if one["path"] == "/plugins/a.so"]
    assert file["why"] == "named by --with" and file["syscalls"] == ["setsid"], file
    answer = analyzed("--root", root, "/bin/p", "--with", "/plugins/none.so")
    assert "library-missing" in kinds(answer), answer


def evidence_of(program, mapped):
    """The example, as if this program had mapped these files."""
    path = os.path.join(support.PROJECT, "src/evidence/testdata/example.json")
    with open(path, encoding="utf-8") as text:
        evidence = json.load(text)
    process = evidence["processes"][0]
    process["exe"] = program
    # Facts differ in what they are about, and are counted alike.
    fact = dict(process["execs"][0], access="mr", owner=False)
    process["files"] = [dict(fact, path=path) for path in sorted(mapped)]
    evidence["processes"] = [process]
    return support.write(support.temp_dir() + "/evidence.json", json.dumps(evidence))


def test_evidence_adds_what_was_seen_being_loaded():
    root = root_with_library()
    compiled(root + "/plugins/a.so", LIBRARY % ("plugin", 112), "-shared", "-fPIC")
    seen = evidence_of("/bin/p", ["/plugins/a.so", "/lib/libcall.so"])
    answer = analyzed("--root", root, "/bin/p", "--evidence", seen)
    assert {"setsid", "getppid"} <= names(answer), names(answer)
    whys = {file["path"]: file["why"] for file in answer["libraries"]}
    assert whys["/plugins/a.so"] == "mapped in the evidence", whys
    assert whys["/lib/libcall.so"] == "needed by /bin/p", whys
    other = evidence_of("/bin/other", ["/plugins/a.so"])
    done = vambrace("analyze", "--json", "--root", root, "/bin/p", "--evidence", other, expect=0)
    assert "setsid" not in names(done.json()), done
    assert "the evidence does not have /bin/p" in done.err, done


# --- Images ----------------------------------------------------------------

def test_without_docker_it_says_what_is_missing():
    nothing = {"PATH": support.temp_dir()}
    done = vambrace("analyze", "--image", "x", expect=4, env=nothing)
    assert "docker is not installed" in done.err, done
    vambrace("analyze", "--image", "x", "--root", "/tmp", expect=2)


def imported(*changes, script=None):
    """An image of /bin/p and, if there is one, a script /start."""
    support.require_docker()
    root = root_with_library("image")
    static_program(root + "/bin/s")
    os.symlink("/bin/s", root + "/bin/linked")
    if script:
        os.chmod(support.write(root + "/start", script), 0o755)
    name = support.container_name("analyze")
    tar = subprocess.run(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE, check=True)
    words = [word for change in changes for word in ("--change", change)]
    done = subprocess.run(["docker", "import", *words, "-", name], input=tar.stdout,
                          stdout=subprocess.PIPE, check=True)
    assert done.stdout.startswith(b"sha256:"), done
    return name


def left_behind(below):
    """Folders and containers that an analysis has made there and not removed."""
    listed = run("docker", "ps", "-a", "--format", "{{.Names}}").out.split()
    return glob.glob(below + "/vambrace-image.*") + \
        [name for name in listed if name.startswith("vambrace-image.")]


def test_an_image_is_analyzed_from_its_entrypoint():
    below = support.temp_dir()
    name = imported('ENTRYPOINT ["linked"]', 'CMD ["-x"]', "ENV PATH=/none:/bin")
    try:
        done = vambrace("analyze", "--json", "--image", name, "linked", "/bin/p",
                        env={**os.environ, "TMPDIR": below}, expect=0)
        static, dynamic = done.json()["programs"]
        assert static["program"] == "/bin/s" and names(static) == {"getpid", "exit"}, static
        assert "getppid" in names(dynamic), names(dynamic)
        assert left_behind(below) == [], left_behind(below)
    finally:
        run("docker", "rmi", "-f", name)


def test_an_image_whose_entrypoint_is_a_script_has_its_command_analyzed_too():
    name = imported('ENTRYPOINT ["/start"]', 'CMD ["p"]', "ENV PATH=/bin",
                    script="#!/bin/s\n")
    try:
        script, command = analyzed("--image", name)["programs"]
        assert script["program"] == "/bin/s" and kinds(script) == {"script"}, script
        assert command["program"] == "/bin/p", command
    finally:
        run("docker", "rmi", "-f", name)


def test_an_image_that_is_not_there_is_not_fetched():
    support.require_docker()
    done = vambrace("analyze", "--image", "vambrace-no-such-image:1", expect=2)
    assert "docker pull" in done.err, done


def test_nothing_stays_when_it_is_killed():
    below = support.temp_dir()
    name = imported('CMD ["/bin/p"]')
    try:
        process = support.start([support.VAMBRACE, "analyze", "--image", name, "--json"],
                                env={**os.environ, "TMPDIR": below},
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        support.wait_until(lambda: glob.glob(below + "/vambrace-image.*"), what="the folder")
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        support.wait_until(lambda: not left_behind(below), seconds=60, what="the cleaning")
    finally:
        run("docker", "rmi", "-f", name)


if __name__ == "__main__":
    support.main()

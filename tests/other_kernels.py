"""The recorder's programs load where the kernel lacks what later ones have, though it has
plain loads (Linux 6.2 to 6.8 are not to be had here: this kernel's own types are renamed)."""

import os
import re

import support

PROGRAMS = os.path.join(os.environ.get("VAMBRACE_BUILD", os.path.dirname(support.VAMBRACE)),
                        "src/recorder/ebpf/bpf")
SOURCES = os.path.join(support.PROJECT, "src/recorder/ebpf/bpf")
# What the programs ask for with bpf_core_type_exists and bpf_core_field_exists.
LATER = ("file_lock_core", "backing_file", "io_uring")


def loader():
    support.require_root()
    return support.built("load_without.c", "-O1", "-D_GNU_SOURCE", "-I" + PROGRAMS, "-I" + SOURCES,
                         "-Wl,--no-as-needed", "-lbpf")


def load(program, *names):
    done = support.run(program, *names)
    if done.code == 3:
        support.skip(done.err.strip())
    return done


def test_programs_load_without_what_later_kernels_have():
    program = loader()
    for names in ((), *((name,) for name in LATER), LATER):
        done = load(program, *names)
        assert done.code == 0, (names, done)


def test_what_every_kernel_has_is_needed():
    done = load(loader(), "thread_info")
    assert done.code == 1, done


def test_each_question_that_programs_ask_is_in_the_list():
    asked = set()
    for name in sorted(os.listdir(SOURCES)):
        with open(os.path.join(SOURCES, name), encoding="utf-8") as file:
            text = file.read()
        asked |= set(re.findall(r"bpf_core_type_exists\(struct (\w+)\)", text))
        asked |= set(re.findall(r"bpf_core_field_exists\(task->(\w+)\)", text))
        if "bpf_core_field_exists(backing->" in text:
            asked.add("backing_file")
    assert asked == set(LATER), asked


if __name__ == "__main__":
    support.main()

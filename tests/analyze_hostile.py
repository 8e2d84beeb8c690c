"""Files that are made to break the analysis: an answer, a gap or an error, within 1.5 GiB of memory
and a minute, whatever they say."""

import os
import random
import resource
import struct
import tempfile

import support
from support import run

MEMORY = 1536 << 20
BASE = 0x1000
CALL = b"\xb8\x3c\0\0\0\x0f\x05"  # exit(2)
PT_LOAD, PT_DYNAMIC, ET_DYN, EM_X86_64 = 1, 2, 3, 62


def program(body, dynamic=()):
    """One segment that may do everything, entered at its beginning."""
    table = b"".join(struct.pack("<QQ", tag, value) for tag, value in dynamic)
    loaded = len(body) + len(table)
    headers = [struct.pack("<IIQQQQQQ", PT_LOAD, 7, BASE, BASE, BASE, loaded, loaded, 0x1000)]
    if table:
        headers.append(struct.pack("<IIQQQQQQ", PT_DYNAMIC, 6, BASE + len(body), BASE + len(body), 0,
                                   len(table), len(table), 8))
    start = (b"\x7fELF\x02\x01\x01" + bytes(9) +
             struct.pack("<HHIQQQIHHHHHH", ET_DYN, EM_X86_64, 1, BASE, 64, 0, 0, 64, 56,
                         len(headers), 64, 0, 0) + b"".join(headers))
    return start.ljust(BASE, b"\0") + body + table


def limited():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def answer(content):
    """What analyze says of it; fails if that is neither an answer nor an error."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "program")
        with open(path, "wb") as file:
            file.write(content)
        done = run(support.VAMBRACE, "analyze", path, "--json", timeout=60, preexec_fn=limited)
    assert done.code in (0, 2), done
    return done.json() if done.code == 0 else None


def kinds(reach):
    return {gap["kind"] for gap in reach["gaps"]}


def test_a_program_of_nothing_but_jumps():
    answer(program(b"".join(bytes([0x74, i * 37 % 120]) for i in range(125_000)) + CALL))


def test_a_function_too_large_to_follow_is_a_gap():
    reach = answer(program(b"\x0f\x05\x90" * 2_000_000))
    assert "number-unknown" in kinds(reach), reach["gaps"]


def test_a_relocation_bomb():
    words = 4_000_000  # each stands for 63 places
    body = CALL.ljust(16, b"\x90") + struct.pack("<Q", BASE) + b"\xff" * (8 * words)
    reach = answer(program(body, [(36, BASE + 16), (35, 8 * (words + 1)), (0, 0)]))
    assert "library-unreadable" in kinds(reach), reach["gaps"]


def test_functions_that_all_call_each_other_with_what_they_were_given():
    count = 100_000
    body = b"".join(b"\xe8" + struct.pack("<i", (i * 7919 % count - i) * 12 - 5) +
                    b"\x0f\x05\x89\xf8\x90\xc3\x90" for i in range(count))
    answer(program(body))


def test_tables_of_absurd_places_and_sizes():
    dice = random.Random(1)
    absurd = [0, BASE, BASE + 8, 1 << 30, 1 << 60, (1 << 64) - 1]
    tags = [1, 4, 5, 6, 7, 8, 10, 12, 23, 2, 25, 27, 35, 36, 0x6ffffef5, 0x6ffffff0, 0x6ffffffc,
            0x6ffffffd, 0x6ffffffe, 0x6fffffff]
    for _ in range(40):
        body = bytes([dice.choice((0, 1, 0x90, 0xff))]) * 4096 + dice.randbytes(4096)
        answer(program(body, [(tag, dice.choice(absurd)) for tag in tags] + [(0, 0)]))


def test_a_section_of_a_gibibyte_and_headers_that_overlap():
    content = bytearray(program(CALL))
    content[0x28:0x30] = struct.pack("<Q", 64)  # sections where the segments are told
    content[0x3c:0x3e] = struct.pack("<H", 60000)
    answer(bytes(content))
    section = struct.pack("<IIQQQQIIQQ", 0, 2, 6, BASE, BASE, 1 << 30, 0, 0, 0, 24)
    content = bytearray(program(CALL))
    content[0x28:0x30] = struct.pack("<Q", len(content))
    content[0x3c:0x3e] = struct.pack("<H", 3)
    answer(bytes(content) + section * 3)


def test_bytes_that_mean_nothing():
    answer(program(random.Random(2).randbytes(4_000_000)))


if __name__ == "__main__":
    support.main()

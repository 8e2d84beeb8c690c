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
PT_LOAD, PT_DYNAMIC, ET_DYN, EM_X86_64, EM_AARCH64 = 1, 2, 3, 62, 183
# mov x8, #93; svc #0: exit as well
CALL_AARCH64 = b"\xa8\x0b\x80\xd2\x01\0\0\xd4"


def program(body, dynamic=(), machine=EM_X86_64):
    """One segment that may do everything, entered at its beginning."""
    table = b"".join(struct.pack("<QQ", tag, value) for tag, value in dynamic)
    loaded = len(body) + len(table)
    headers = [struct.pack("<IIQQQQQQ", PT_LOAD, 7, BASE, BASE, BASE, loaded, loaded, 0x1000)]
    if table:
        headers.append(struct.pack("<IIQQQQQQ", PT_DYNAMIC, 6, BASE + len(body), BASE + len(body), 0,
                                   len(table), len(table), 8))
    start = (b"\x7fELF\x02\x01\x01" + bytes(9) +
             struct.pack("<HHIQQQIHHHHHH", ET_DYN, machine, 1, BASE, 64, 0, 0, 64, 56,
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


# --- aarch64 ----------------------------------------------------------------------

def words(*each):
    return struct.pack(f"<{len(each)}I", *each)


def adrp(register, pages):
    return 0x90000000 | (pages & 3) << 29 | (pages >> 2 & 0x7ffff) << 5 | register


def branch(distance):
    return 0x14000000 | (distance // 4 & 0x3ffffff)


def test_aarch64_addresses_in_all_registers_that_go_everywhere():
    # Each block forms an address and may jump to any other one: 60,000 blocks.
    dice = random.Random(3)
    count = 60_000
    body = b"".join(words(adrp(i % 29, i * 7 % 5000), 0x91000000 | i % 4096 << 10 | i % 29 << 5 | i % 29,
                          0xb4000000 | (dice.randrange(count) - i) * 4 % (1 << 19) << 5 | i % 31,
                          branch((dice.randrange(count) - i) * 16)) for i in range(count))
    answer(program(body + CALL_AARCH64, machine=EM_AARCH64))


def test_aarch64_slots_of_the_frame_that_hold_all():
    body = b"".join(words(adrp(0, i), 0x91000000 | i % 4096 << 10, 0xf90003e0 | i % 4096 << 10,
                          0xd61f0000 | i % 29 << 5 if i % 50 == 0 else 0xd63f0020) for i in range(100_000))
    answer(program(body + CALL_AARCH64, machine=EM_AARCH64))


def test_aarch64_jumps_backwards_alone():
    count = 400_000
    answer(program(CALL_AARCH64 + b"".join(
        words(0xb4000000 | -1 % (1 << 19) << 5 | i % 29, 0xf9400000 | i % 29 << 5) for i in range(count)),
        machine=EM_AARCH64))


def test_aarch64_a_function_too_large_to_follow_is_a_gap():
    reach = answer(program(words(0xd4000001) * 2_000_000, machine=EM_AARCH64))
    assert "number-unknown" in kinds(reach), reach["gaps"]


def test_aarch64_bytes_that_mean_nothing_and_programs_that_are_cut():
    answer(program(random.Random(4).randbytes(4_000_000), machine=EM_AARCH64))
    whole = program(CALL_AARCH64 * 100, [(tag, BASE) for tag in (5, 6, 7, 8, 23, 25)] + [(0, 0)],
                    machine=EM_AARCH64)
    for size in range(64, len(whole), 97):
        answer(whole[:size])


if __name__ == "__main__":
    support.main()

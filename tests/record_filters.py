"""What seccomp filters of a workload refuse is told, however they are made, whether or not
calls are seen to enter."""

import collections
import os
import tempfile

import support
from record_counts import calls_of, kinds, record
from support import require_program

# A filter of one thread: `answer` to call `nr` of x86_64, all else allowed.
FILTERING = r"""
import ctypes, os, struct, threading, time
libc = ctypes.CDLL(None, use_errno=True)
def install(nr, answer):
    code = b"".join(struct.pack("HBBI", *line) for line in [
        (0x20, 0, 0, 0), (0x15, 0, 1, nr), (0x06, 0, 0, answer), (0x06, 0, 0, 0x7fff0000)])
    buffer = ctypes.create_string_buffer(code)
    prog = struct.pack("HxxxxxxQ", 4, ctypes.addressof(buffer))
    libc.prctl(38, 1, 0, 0, 0)
    libc.prctl(22, 2, prog, 0, 0)
"""
KILL_PROCESS, KILL_THREAD, TRAP, ERRNO = 0x80000000, 0, 0x30000, 0x50000
USER_NOTIF, TRACE = 0x7fc00000, 0x7ff00000


def record_filtering(*words, program, expect=0, before=()):
    """A python program that loads a filter of its own."""
    require_program("python3")
    if os.uname().machine != "x86_64":
        support.skip("the filter is written for x86_64")
    return record(*words, command=[*before, "python3", "-c", FILTERING + program],
                  expect=expect)


def refused(program, expect=0, made=()):
    """What a python program is refused, {call: {errno: count}}; the same with --enters.
    How often it made such calls, and those in `made`, is the same, too."""
    found = []
    for words in ([], ["--enters"]):
        evidence = record_filtering(*words, program=program, expect=expect)
        assert evidence["verdict"]["state"] == "complete", evidence["verdict"]
        denied, calls = denied_in(evidence), calls_of(evidence)
        found.append((denied, {name: calls.get(name, 0) for name in [*denied, *made]}))
    assert found[0] == found[1], found
    return found[0][0]


def denied_in(evidence):
    found = collections.defaultdict(collections.Counter)
    for process in evidence["processes"]:
        for call in process["syscalls"]:
            for share in call["by"].values():
                found[call["name"]].update(share.get("denied_errnos", {}))
            if call["denied"]:
                assert call["denied"] == found[call["name"]].total(), call
    return {name: dict(errnos) for name, errnos in found.items() if errnos}


def test_refused_calls_are_denied_attempts():
    assert refused(f"""
install(83, {ERRNO} | 1)
for i in range(3):
    try: os.mkdir("/tmp/vmb-denied")
    except PermissionError: pass
""") == {"mkdir": {"EPERM": 3}}


RANDOM = r"""
import collections, random, sys
said = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND)
seed = int(sys.argv[1])
draw = random.Random(seed)
GETPPID, FCHDIR, EBADF = 110, 81, 9
def answer():
    return draw.choice([0x7fff0000] * 6 + [0x7ffc0000, 0x50000, 0x50001, 0x50000 | EBADF,
                                           0x50000 | 5000, 0x30000])
def instructions(count):
    # Whatever the call may do, of every kind that a filter may have.
    lines = []
    for at in range(count):
        left, k = count - at, draw.choice([0, 1, 3, draw.getrandbits(32)])
        kind = draw.randrange(10)
        if kind == 0: lines.append((0x20, 0, 0, 4 * draw.randrange(16)))
        elif kind == 1: lines.append((draw.choice([0x00, 0x01]), 0, 0, k))
        elif kind == 2: lines.append((draw.choice([0x80, 0x81]), 0, 0, 0))
        elif kind == 3: lines.append((draw.choice([0x60, 0x61]), 0, 0, draw.randrange(16)))
        elif kind == 4: lines.append((draw.choice([0x02, 0x03]), 0, 0, draw.randrange(16)))
        elif kind == 5: lines.append((draw.choice([0x07, 0x87]), 0, 0, 0))
        elif kind == 6: lines.append((4 | draw.choice([0, 1, 2, 4, 5, 10]) << 4 | 8 * draw.randrange(2),
                                      0, 0, k))
        elif kind == 7: lines.append((4 | draw.choice([3, 6, 7, 8]) << 4, 0, 0, 1 + draw.randrange(31)))
        elif left > 1:
            lines.append((5 | draw.choice([1, 2, 3, 4]) << 4 | 8 * draw.randrange(2),
                          draw.randrange(min(left, 8)), draw.randrange(min(left, 8)), k))
        else: lines.append((0x20, 0, 0, 16))
    return lines
def install_random():
    memory = [line for cell in range(16) for line in [(0x00, 0, 0, draw.getrandbits(4)),
                                                      (0x02, 0, 0, cell)]]
    middle = draw.randrange(2, 40)
    tail = []
    # What is left in the registers and the memory decides.
    for _ in range(6):
        tail += [draw.choice([(0x87, 0, 0, 0), (0x60, 0, 0, draw.randrange(16)),
                              (0x0c, 0, 0, 0), (0xac, 0, 0, 0), (0x20, 0, 0, 4 * draw.randrange(2, 16))]),
                 (5 | draw.choice([1, 2, 3, 4, 4, 4]) << 4 | 8 * draw.randrange(2), 0, 1,
                  draw.choice([0, 1 << draw.randrange(32), draw.getrandbits(32)])),
                 (0x06, 0, 0, answer())]
    lines = [(0x20, 0, 0, 0), (0x15, 2, 0, GETPPID), (0x15, 1, 0, FCHDIR),
             (0x06, 0, 0, 0x7fff0000), *memory, *instructions(middle), *tail]
    # What a register holds may be any answer, also one that nobody foresees.
    lines += [(0x00, 0, 0, answer()), (0x16, 0, 0, 0)] if seed % 4 == 3 else [(0x06, 0, 0, answer())]
    code = b"".join(struct.pack("HBBI", *line) for line in lines)
    buffer = ctypes.create_string_buffer(code)
    prog = struct.pack("HxxxxxxQ", len(lines), ctypes.addressof(buffer))
    libc.prctl(38, 1, 0, 0, 0)
    assert libc.prctl(22, 2, prog, 0, 0) == 0, ctypes.get_errno()
import signal
signal.signal(signal.SIGSYS, lambda *_: None)
libc.syscall.argtypes = [ctypes.c_long] + [ctypes.c_uint64] * 6
for number in range(100):
    pid = os.fork()
    if pid:
        assert os.waitpid(pid, 0)[1] == 0
        continue
    parent = os.getppid()
    draw.seed(seed * 1000 + number)
    refused = collections.Counter()
    for loaded in range(3):
        install_random()
        for i in range(30):
            values = [draw.choice([0, 1, draw.getrandbits(8), draw.getrandbits(64)])
                      for _ in range(6)]
            got = libc.syscall(GETPPID, *values)
            if got == -1: refused["EPERM E4095 EBADF".split()[{1: 0, 4095: 1, 9: 2}[ctypes.get_errno()]]] += 1
            elif got != parent: refused[{0: "E0", GETPPID: "SIGSYS"}[got]] += 1
            values[0] = 2 ** 32 - 1
            libc.syscall(FCHDIR, *values)
    os.write(said, "".join(f"{name}\n" * count for name, count in refused.items()).encode())
    os._exit(0)
"""


def test_random_filters_answer_here_as_in_the_kernel():
    # The program knows what of getppid was refused; of fchdir, which fails by itself as
    # well, the enters tell.
    total = 0
    for seed in range(4):
        found = []
        for words in ([], ["--enters"]):
            said, evidence = record_random(seed, *words)
            assert evidence["verdict"]["state"] == "complete", evidence["verdict"]
            denied = denied_in(evidence)
            assert denied["getppid"] == said, (seed, words, said, denied)
            found.append(denied)
        assert found[0] == found[1], (seed, found)
        total += sum(said.values())
    assert total > 10000, total


def record_random(seed, *words):
    """With what getppid was refused, {errno: count}, as the program saw it, and the evidence."""
    with tempfile.NamedTemporaryFile("r") as said:
        program = RANDOM.replace("sys.argv[1]", str(seed)).replace("sys.argv[2]", repr(said.name))
        # A filter may look at addresses, too, which have to be the same both ways.
        evidence = record_filtering(*words, program=program, before=("setarch", "-R"))
        return dict(collections.Counter(said.read().split())), evidence


def test_the_first_call_of_a_child_is_refused_like_any_other():
    assert refused(f"""
install(273, {ERRNO} | 1)  # set_robust_list, with which a child begins
for i in range(3):
    pid = os.fork()
    if not pid: os._exit(0)
    os.waitpid(pid, 0)
""") == {"set_robust_list": {"EPERM": 3}}


def test_a_filter_that_another_thread_loads_refuses_no_call_before_it():
    # A read that has begun fails by itself, as the filter answers to those that follow.
    found = refused(f"""
place = [os.pipe() for _ in range(2)]
os.set_blocking(place[1][0], False)
def works():
    for i in range(200):
        libc.read(place[1][0], None, 1)  # EAGAIN
        libc.getpriority(0, 0)
    libc.read(place[0][0], ctypes.create_string_buffer(1), 1)  # waits
    for i in range(3): libc.getpriority(0, 0)
thread = threading.Thread(target=works)
thread.start()
time.sleep(0.3)
code = b"".join(struct.pack("HBBI", *line) for line in [
    (0x20, 0, 0, 0), (0x15, 0, 1, 140), (0x06, 0, 0, {ERRNO} | 1), (0x06, 0, 0, 0x7fff0000)])
buffer = ctypes.create_string_buffer(code)
prog = struct.pack("HxxxxxxQ", 4, ctypes.addressof(buffer))
libc.prctl(38, 1, 0, 0, 0)
assert libc.syscall(317, 1, 1, prog) == 0  # for all threads
os.write(place[0][1], b"x")
thread.join()
""")
    assert found == {"getpriority": {"EPERM": 3}}, found


def test_a_tracer_that_is_not_there_refuses():
    assert refused(f"""
install(83, {TRACE})
for i in range(3): libc.mkdir(b"/tmp/vmb-denied", 0o700)
""") == {"mkdir": {"ENOSYS": 3}}


def test_what_a_filter_leaves_to_another_process_is_seen_to_enter_soon():
    program = f"""
code = b"".join(struct.pack("HBBI", *line) for line in [
    (0x20, 0, 0, 0), (0x15, 0, 1, 83), (0x06, 0, 0, {USER_NOTIF}), (0x06, 0, 0, 0x7fff0000)])
buffer = ctypes.create_string_buffer(code)
prog = struct.pack("HxxxxxxQ", 4, ctypes.addressof(buffer))
libc.prctl(38, 1, 0, 0, 0)
listener = libc.syscall(317, 1, 8, prog)
assert listener > 2, listener
os.close(listener)  # nobody answers
for i in range(3):
    libc.mkdir(b"/tmp/vmb-denied", 0o700)
    if WAITS: time.sleep(0.3)
"""
    for waits, sure in (("True", 2), ("False", 0)):
        evidence = record_filtering(program=program.replace("WAITS", waits))
        if evidence["recordings"][0]["probes"]["syscalls"] != "tp_btf/sys_exit":
            support.skip("this kernel has calls seen as they enter from the start")
        # Whether the first were refused or made nobody knows: they are told as made, with
        # a gap, unless the enters were watched in time.
        denied = denied_in(evidence).get("mkdir", {}).get("ENOSYS", 0)
        made = calls_of(evidence).get("mkdir", 0)
        assert denied >= sure and made + denied == 3, (waits, denied, made)
        assert kinds(evidence) == ({"refusals_unsure"} if made else set()), evidence["verdict"]


def test_a_signal_that_looks_like_a_filters_is_none():
    program = """
import ctypes, os, signal, struct
signal.signal(signal.SIGSYS, lambda *_: None)
libc = ctypes.CDLL(None)
record = struct.pack("iii116x", signal.SIGSYS, 0, 1)  # SYS_SECCOMP
for i in range(2):
    assert libc.syscall(129, os.getpid(), signal.SIGSYS, record) == 0  # rt_sigqueueinfo
os._exit(0)
"""
    if os.uname().machine != "x86_64":
        support.skip("the number of rt_sigqueueinfo is x86_64's")
    for words in ([], ["--enters"]):
        evidence = record(*words, command=["python3", "-c", program])
        calls = calls_of(evidence)
        assert calls["rt_sigreturn"] == 2 and calls["exit_group"] == 1, calls
        assert not denied_in(evidence), denied_in(evidence)


def test_a_call_answered_with_success_is_not_taken_for_a_signal():
    # What the filter answers equals the number of read: 0.
    found = refused(f"""
install(0, {ERRNO})
assert os.read(0, 10) == b""
os._exit(0)
""")
    assert list(found) == ["read"] and "SIGSYS" not in found["read"], found


def test_a_call_that_kills_its_process_is_a_denied_attempt():
    assert refused(f"""
install(83, {KILL_PROCESS})
os.mkdir("/tmp/vmb-denied")
""", expect=1) == {"mkdir": {"SIGSYS": 1}}


def test_a_call_that_kills_its_thread_alone_is_a_denied_attempt():
    assert refused(f"""
def work():
    install(83, {KILL_THREAD})
    libc.mkdir(b"/tmp/vmb-denied", 0o700)
thread = threading.Thread(target=work, daemon=True)
thread.start()
while len(os.listdir("/proc/self/task")) > 1: time.sleep(0.01)
os._exit(0)
""") == {"mkdir": {"SIGSYS": 1}}


def test_a_call_that_ends_a_process_of_several_threads_was_not_made():
    # The core dump waits for the others, with the call still in the registers.
    for answer in (KILL_PROCESS, TRAP):
        assert refused(f"""
threading.Thread(target=time.sleep, args=[60], daemon=True).start()
install(83, {answer})
for i in range(2): libc.mkdir(b"/tmp/vmb-denied", 0o700)
""", expect=1) == {"mkdir": {"SIGSYS": 1}}


def test_a_signal_that_may_not_be_sent_and_an_end_that_is_refused_were_not_made():
    for answer in (KILL_PROCESS, KILL_THREAD, TRAP):
        assert refused(f"install(62, {answer}); libc.kill(os.getpid(), 0)",
                       expect=1) == {"kill": {"SIGSYS": 1}}
        # Python's own end.
        assert refused(f"install(231, {answer})", expect=1,
                       made=["exit_group"]) == {"exit_group": {"SIGSYS": 1}}


def test_a_call_of_a_page_that_the_kernel_emulates_leaves_nothing_behind():
    with open("/proc/self/maps", encoding="ascii") as file:
        if "[vsyscall]" not in file.read():
            support.skip("this kernel has no vsyscall page")
    assert not refused(f"""
import signal
signal.signal(signal.SIGSYS, lambda *_: None)
install(201, {TRAP})  # time
libc.getpriority(0, 0)
ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_void_p)(0xffffffffff600400)(None)
libc.getpriority(0, 0)
os._exit(0)
""", made=["rt_sigreturn", "getpriority"])


def test_a_tracer_may_keep_the_filters_from_being_asked():
    assert not refused(f"""
begin = os.pipe()
pid = os.fork()
if not pid:
    install(83, {ERRNO} | 2)
    os.read(begin[0], 1)
    for i in range(3): libc.mkdir(b"/none/vmb", 0o700)  # ENOENT by itself
    os._exit(0)
time.sleep(0.3)
libc.ptrace.argtypes = [ctypes.c_long] * 4
assert libc.ptrace(0x4206, pid, 0, 1 << 21) == 0, ctypes.get_errno()  # SEIZE, SUSPEND_SECCOMP
os.write(begin[1], b"x")
os.waitpid(pid, 0)
""", made=["mkdir"])


def test_a_call_of_i386_is_refused_like_any_other():
    found = record_filtering(program="""
import mmap
code = mmap.mmap(-1, 4096, prot=7)
code.write(bytes.fromhex("53 89f8 89f3 31c9 cd80 5b 4898 c3"))  # number, first argument
call = ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_int, ctypes.c_int)(
    ctypes.addressof(ctypes.c_char.from_buffer(code)))
lines = b"".join(struct.pack("HBBI", *line) for line in [
    (0x20, 0, 0, 4), (0x15, 1, 0, 0x40000003), (0x06, 0, 0, 0x7fff0000), (0x20, 0, 0, 0),
    (0x15, 0, 3, 96), (0x20, 0, 0, 16), (0x15, 0, 1, 7), (0x06, 0, 0, 0x50001),
    (0x06, 0, 0, 0x7fff0000)])
buffer = ctypes.create_string_buffer(lines)
libc.prctl(38, 1, 0, 0, 0)
libc.prctl(22, 2, struct.pack("HxxxxxxQ", 9, ctypes.addressof(buffer)), 0, 0)
assert [call(96, which) for which in (7, 0, 9)] == [-1, 20, -22]  # getpriority
""")
    assert denied_in(found) == {"getpriority": {"EPERM": 1}}, denied_in(found)
    assert calls_of(found)["getpriority"] == 2, calls_of(found)
    assert found["verdict"]["state"] == "complete", found["verdict"]


def test_a_number_that_the_kernel_lacks_is_refused_like_any_other():
    for words in ([], ["--enters"]):
        evidence = record_filtering(*words, program=f"""
install(551, {ERRNO} | 1)  # 512 more than getpid
for i in range(3): libc.syscall(551)
""")
        found = [call for process in evidence["processes"] for call in process["syscalls"]
                 if call["nr"] == 551]
        assert [(call["count"], call["denied"]) for call in found] == [(0, 3)], found


def test_a_call_that_traps_is_a_denied_attempt_and_a_signal_to_oneself_is_none():
    assert refused(f"""
import signal
signal.signal(signal.SIGSYS, lambda *_: None)
os.kill(os.getpid(), signal.SIGSYS)
install(83, {TRAP})
libc.mkdir(b"/tmp/vmb-denied", 0o700)
libc.mkdir(b"/tmp/vmb-denied", 0o700)
os._exit(0)
""") == {"mkdir": {"SIGSYS": 2}}


if __name__ == "__main__":
    support.main()

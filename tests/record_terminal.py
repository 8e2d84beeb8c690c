"""What `record` shows while it runs: progress for a person at a terminal, nothing
for a pipe, and the next step at the end."""

import json
import os
import pty
import re
import select
import subprocess
import time

import support
from support import VAMBRACE, vambrace

LINE = re.compile(r"\r\x1b\[Krecording (\d\d):(\d\d)  phase (\S+)  (\d+) facts, "
                  r"(\d+)/s new, last (\d+) s ago")
# Makes new facts at the start and at the end, and none between.
COMMAND = ["sh", "-c", "ls / >/dev/null; sleep 2.2; mkdir $0/a; rmdir $0/a"]


def require():
    support.require_root()
    support.require_btf()


def watched(*words, separate_out=False):
    """A recording at a terminal: what was shown, as (second, text) pieces, what
    went to its separate output, and how it ended."""
    outer, inner = pty.openpty()
    out = subprocess.PIPE if separate_out else inner
    process = subprocess.Popen([VAMBRACE, "record", *words], stdin=inner, stdout=out,
                               stderr=inner, env={**os.environ, "TERM": "xterm"})
    os.close(inner)
    pieces, began = [], time.monotonic()
    while time.monotonic() < began + 60:
        if not select.select([outer], [], [], 1)[0]:
            continue
        try:
            piece = os.read(outer, 65536)
        except OSError:  # nobody holds the terminal's other end any more
            break
        if not piece:
            break
        pieces.append((time.monotonic() - began, piece.decode()))
    os.close(outer)
    answer = process.stdout.read().decode() if separate_out else ""
    return pieces, answer, process.wait(20)


def test_a_terminal_shows_live_progress_and_then_the_next_step():
    require()
    folder = support.temp_dir()
    pieces, _, code = watched("-o", f"{folder}/e.json", "--", *COMMAND, folder)
    shown = "".join(text for _, text in pieces)
    assert code == 0, shown
    # It came while the command ran, not in one piece at the end.
    moments = [when for when, text in pieces if "recording 00:" in text]
    assert len(moments) >= 3 and moments[-1] - moments[0] > 0.8, pieces
    lines = [[int(each) if each.isdigit() else each for each in found]
             for found in LINE.findall(shown)]
    assert len(lines) == shown.count("recording 00:"), shown
    seconds, facts = [line[1] for line in lines], [line[3] for line in lines]
    assert seconds == sorted(seconds) and seconds[-1] >= 1, lines
    assert facts == sorted(facts) and facts[0] > 20, lines
    assert all(line[2] == "startup" for line in lines), lines
    # Nothing new while it sleeps: the evidence is saturating, and that shows.
    assert any(line[4] == 0 and line[5] >= 1 for line in lines), lines
    # Each line fits and is wiped; the answer stands alone.
    assert all(len(text.replace("\r\x1b[K", "")) < 80 for text in shown.split("\r\x1b[K")[1:-1])
    end = shown[shown.rindex("\r\x1b[K") + len("\r\x1b[K"):]
    assert "recording 00" not in end and "verdict  complete" in end, end
    assert end.strip().splitlines()[-1] == f"next: vambrace synth {folder}/e.json -o bundle/", end


def test_a_mark_shows_in_the_progress():
    require()
    folder = support.temp_dir()
    phase = f"{folder}/phase"
    pieces, _, code = watched("-o", f"{folder}/e.json", "--phase-from-file", phase, "--", "sh", "-c",
                              f"sleep 0.5; echo {'p' * 60} > {phase}; sleep 1")
    shown = "".join(text for _, text in pieces)
    assert code == 0 and f"phase {'p' * 16}  " in shown, shown
    with open(f"{folder}/e.json", encoding="utf-8") as file:
        phases = [phase["name"] for phase in json.load(file)["recordings"][0]["phases"]]
    assert phases == ["startup", "p" * 60], phases


def test_the_answer_is_clean_when_only_it_is_piped():
    require()
    folder = support.temp_dir()
    pieces, answer, code = watched("-o", f"{folder}/e.json", "--json", "--", "sleep", "1.2",
                                   separate_out=True)
    assert code == 0 and json.loads(answer)["schema"] == "vambrace.record/v1", answer
    assert "recording 00:" in "".join(text for _, text in pieces), pieces


def test_a_pipe_gets_no_progress_and_no_color():
    require()
    folder = support.temp_dir()
    done = vambrace("record", "-o", f"{folder}/e.json", "--", *COMMAND, folder, expect=0)
    assert done.err == "", done
    assert "\x1b" not in done.out and "\r" not in done.out, done
    assert done.out.rstrip().endswith(f"next: vambrace synth {folder}/e.json -o bundle/"), done


def test_the_next_step_that_is_named_works():
    require()
    folder = support.temp_dir()
    done = vambrace("record", "-o", f"{folder}/e.json", "--", "ls", "/", expect=0, cwd=folder)
    for _ in range(2):  # synth, then what synth names
        step = done.out.strip().splitlines()[-1]
        assert step.startswith("next: vambrace "), done
        done = vambrace(*step.removeprefix("next: vambrace ").split(), expect=0, cwd=folder)


if __name__ == "__main__":
    support.main()

#!/usr/bin/env python3
"""The program as a stranger meets it: no words, wrong words, no help."""

import os
import subprocess

import support
from support import vambrace


def test_alone_it_shows_the_way():
    done = vambrace(expect=0)
    assert "vambrace COMMAND --help" in done.out, done
    assert done.err == "", done


def test_a_misspelt_command_gets_the_nearest_name_and_exit_2():
    done = vambrace("hlep", expect=2)
    assert 'did you mean "help"?' in done.err, done
    assert done.out == "", done


def test_a_misspelt_option_gets_the_nearest_name_and_exit_2():
    done = vambrace("version", "--josn", expect=2)
    assert "did you mean --json?" in done.err, done


def test_errors_are_json_when_json_was_asked_for():
    done = vambrace("version", "--json", "--nope", expect=2)
    assert done.json()["schema"] == "vambrace.error/v1", done
    assert done.json()["exit"] == 2, done


def test_colors_stay_out_of_pipes_and_of_no_color():
    assert "\x1b" not in vambrace("help", "version", expect=0).out
    for variables, colored in (({}, True), ({"NO_COLOR": "1"}, False)):
        out = on_terminal([support.VAMBRACE, "help", "version"], variables)
        assert (b"\x1b[1m" in out) == colored, out


def on_terminal(command, variables):
    """What a command writes when a terminal is its output."""
    outer, inner = os.openpty()
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    process = subprocess.Popen(command, stdout=inner, stderr=inner,
                               env={**environment, **variables})
    os.close(inner)
    out = b""
    while True:
        try:
            piece = os.read(outer, 65536)
        except OSError:  # the terminal's other end is closed
            break
        if not piece:
            break
        out += piece
    process.wait(20)
    os.close(outer)
    return out


def test_a_full_output_is_not_a_success():
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([support.VAMBRACE, "help"], stdout=full,
                              stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 4, done
    assert "No space left" in done.stderr, done


if __name__ == "__main__":
    support.main()

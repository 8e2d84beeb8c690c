#!/usr/bin/env python3
"""The program as a stranger meets it: no words, wrong words, no help."""

import os
import shutil
import subprocess

import support
from support import vambrace


def test_alone_it_shows_the_way():
    done = vambrace(expect=0)
    assert "vambrace COMMAND --help" in done.out, done
    assert done.err == "", done
    walk = [line.split()[1] for line in done.out.splitlines() if line.startswith("  vambrace ")]
    assert walk == ["record", "synth", "lint", "replay", "verify", "run", "attest"], walk
    for command in walk:
        page = vambrace("help", command, expect=0).out
        assert f"vambrace {command} " in page[page.index("xamples"):], page


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


def bash_completes(line):
    """What bash offers for the last word of a line."""
    words = " ".join(f"'{word}'" for word in line.split(" "))
    script = (f"source <('{support.VAMBRACE}' completion bash); COMP_WORDS=({words}); "
              "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _vambrace; echo \"${COMPREPLY[@]}\"")
    return support.run("bash", "-c", script).out.split()


def test_bash_completes_commands_and_options():
    assert bash_completes("vambrace vers") == ["version"]
    assert bash_completes("vambrace version --j") == ["--json"]
    assert "--output" in bash_completes("vambrace man -")


def test_zsh_and_fish_accept_their_scripts():
    shells = [shell for shell in ("zsh", "fish") if shutil.which(shell)]
    if not shells:
        support.skip("neither zsh nor fish is installed")
    for shell in shells:
        path = support.write(f"{support.temp_dir()}/script",
                             vambrace("completion", shell, expect=0).out)
        done = support.run(shell, "-n", path)
        assert done.code == 0 and done.err == "", done


def test_manual_pages_are_clean_roff():
    support.require_program("man")
    folder = support.temp_dir()
    vambrace("man", "--output", folder, expect=0)
    pages = os.listdir(folder)
    assert "vambrace.1" in pages, pages
    for page in pages:
        done = support.run("man", "--warnings", "-l", f"{folder}/{page}",
                           env={**os.environ, "MANPAGER": "cat", "LC_ALL": "C.UTF-8"})
        assert done.code == 0 and done.err == "", done
        assert "EXIT STATUS" in done.out, done


def test_a_full_disk_is_said_and_leaves_nothing_half_written():
    support.require_root()
    folder = support.temp_dir()
    if support.run("mount", "-t", "tmpfs", "-o", "size=16k", "none", folder).code != 0:
        support.skip("no tmpfs can be mounted here")
    try:
        done = vambrace("man", "--output", folder, expect=4)
        assert "No space left" in done.err and "hint:" in done.err, done
        assert not [name for name in os.listdir(folder) if not name.endswith(".1")]
        for name in os.listdir(folder):
            assert os.path.getsize(f"{folder}/{name}") > 0, name
    finally:
        support.run("umount", folder)


if __name__ == "__main__":
    support.main()

#!/usr/bin/env python3
"""The check that keeps pure rooms pure, tried on rooms that break the rule."""

import os
import sys

import support

CHECK = os.path.join(support.PROJECT, "scripts", "check_rooms.py")


def verdict(kind, text, name="gate.cc", listed="stage.cc gate.cc"):
    folder = support.temp_dir()
    support.write(f"{folder}/rollout/CMakeLists.txt", f"{kind}_library(rollout {listed} USES base)\n")
    support.write(f"{folder}/other/CMakeLists.txt", "pure_library(other other.cc)\n")
    support.write(f"{folder}/rollout/{name}", text)
    return support.run(sys.executable, CHECK, folder)


def test_the_tree_keeps_its_rule():
    done = support.run(sys.executable, CHECK)
    assert done.code == 0, done


def test_a_pure_room_may_not_reach_outside():
    for line in ("#include <fstream>", "#include <unistd.h>", "# include <thread>",
                 "auto t = Clock::now();", 'auto p = getenv("HOME");'):
        done = verdict("pure", f"int x;\n{line}\n")
        assert done.code == 1, (line, done)
        assert "gate.cc:2: " in done.out, done


def test_a_header_of_a_pure_source_counts():
    assert verdict("pure", "#include <fstream>\n", "stage.h").code == 1


def test_edges_tests_and_comments_are_free():
    assert verdict("edge", "#include <fstream>\n").code == 0
    assert verdict("pure", "#include <fstream>\n", "nobody_lists.cc", listed="").code == 0
    assert verdict("pure", "// never calls now()\nint known();\n").code == 0


if __name__ == "__main__":
    support.main()

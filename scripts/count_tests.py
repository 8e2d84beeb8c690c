#!/usr/bin/env python3
"""Counts a ctest report (JUnit XML): "PASSED FAILED SKIPPED" on the first line,
then one line for each skip and each failure, with the reason that the test
printed. Tests that hold several cases are counted by case where they print "N
passed, ...".

With --output: instead, the end of what each failed test printed.
"""

import re
import sys
import xml.etree.ElementTree as xml

CASES = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.M)
GTEST_PASSED = re.compile(r"^\[  PASSED  \] (\d+) tests?\.", re.M)
GTEST_FAILED = re.compile(r"^\[  FAILED  \] (\d+) tests?, listed below", re.M)
GTEST_FAILURE = re.compile(r"^\[  FAILED  \] (\S+\.\S+)(?:, where .*)?$", re.M)
GTEST_SKIPPED = re.compile(r"^\[  SKIPPED \] (\d+) tests?, listed below", re.M)
OUTPUT_LINES = 120


def one(pattern, text):
    found = pattern.search(text)
    return int(found.group(1)) if found else 0


def count(case):
    """(passed, failed, skipped, lines) of one ctest test."""
    name = case.get("name")
    text = case.findtext("system-out") or ""
    status = case.get("status")
    lines = [f"skipped: {name}: {reason}" for reason in re.findall(r"^SKIP: (.*)$", text, re.M)]
    totals = CASES.findall(text)
    if totals:
        passed, failed, skipped = map(int, totals[-1])
    else:
        passed, failed, skipped = (one(p, text) for p in (GTEST_PASSED, GTEST_FAILED, GTEST_SKIPPED))
    if status == "run" and passed + skipped == 0:
        passed = 1
    if status in ("notrun", "disabled") and skipped == 0:
        skipped = 1
        lines = lines or [f"skipped: {name}: {case.findtext('skipped') or 'no reason given'}"]
    # A crash or a timeout fails without a count of its own.
    if status == "fail":
        failed = max(failed, 1)
        told = re.findall(r"^FAIL: (.*)$", text, re.M) or \
            sorted(set(GTEST_FAILURE.findall(text))) or \
            [getattr(case.find("failure"), "attrib", {}).get("message") or "ended badly"]
        lines += [f"failed: {name}: {reason}" for reason in told]
    return passed, failed, skipped, lines


def print_failures(cases):
    for case in cases:
        if case.get("status") == "fail":
            print(f"--- {case.get('name')} printed, at its end:")
            print("\n".join((case.findtext("system-out") or "").splitlines()[-OUTPUT_LINES:]))


def main():
    cases = xml.parse(sys.argv[-1]).getroot().findall("testcase")
    if not cases:
        sys.exit("no tests in the report")
    if "--output" in sys.argv[1:-1]:
        print_failures(cases)
        return
    counts = [count(case) for case in cases]
    print(*(sum(row[i] for row in counts) for i in range(3)))
    for row in counts:
        for line in row[3]:
            print(line)


if __name__ == "__main__":
    main()

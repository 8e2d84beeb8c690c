#!/usr/bin/env python3
"""Counts a ctest report (JUnit XML): "PASSED FAILED SKIPPED" on the first line,
then one line for each skip, with the reason that the test printed. Tests that
hold several cases are counted by case where they print "N passed, ...".
"""

import re
import sys
import xml.etree.ElementTree as xml

CASES = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.M)
GTEST_PASSED = re.compile(r"^\[  PASSED  \] (\d+) tests?\.", re.M)
GTEST_FAILED = re.compile(r"^\[  FAILED  \] (\d+) tests?, listed below", re.M)
GTEST_SKIPPED = re.compile(r"^\[  SKIPPED \] (\d+) tests?, listed below", re.M)


def one(pattern, text):
    found = pattern.search(text)
    return int(found.group(1)) if found else 0


def count(case):
    """(passed, failed, skipped, reasons) of one ctest test."""
    name = case.get("name")
    text = case.findtext("system-out") or ""
    status = case.get("status")
    reasons = [f"skipped: {name}: {reason}" for reason in re.findall(r"^SKIP: (.*)$", text, re.M)]
    totals = CASES.findall(text)
    if totals:
        passed, failed, skipped = map(int, totals[-1])
    else:
        passed, failed, skipped = (one(p, text) for p in (GTEST_PASSED, GTEST_FAILED, GTEST_SKIPPED))
    if status == "run" and passed + skipped == 0:
        passed = 1
    if status in ("notrun", "disabled") and skipped == 0:
        skipped = 1
        reasons = reasons or [f"skipped: {name}: {case.findtext('skipped') or 'no reason given'}"]
    # A crash or a timeout fails without a count of its own.
    if status == "fail":
        failed = max(failed, 1)
    return passed, failed, skipped, reasons


def main():
    cases = xml.parse(sys.argv[1]).getroot().findall("testcase")
    if not cases:
        sys.exit("no tests in the report")
    counts = [count(case) for case in cases]
    print(*(sum(row[i] for row in counts) for i in range(3)))
    for row in counts:
        for reason in row[3]:
            print(reason)


if __name__ == "__main__":
    main()

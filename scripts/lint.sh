#!/usr/bin/env bash
# Format and static checks of the C++ sources.
#
#   scripts/lint.sh format          clang-format changes nothing
#   scripts/lint.sh tidy [BUILD]    clang-tidy finds nothing (build-check)
#   scripts/lint.sh tidy-changed    the same, only rooms that differ from main
#
# Format covers src/, fuzz/ and bench/, eBPF programs by the .clang-format beside
# them; small C programs of the tests are left alone. clang-tidy covers src/
# without the tests (scripts/tidy.py).
set -euo pipefail
cd "$(dirname "$0")/.."

sources() {
  find src fuzz bench -name '*.cc' -o -name '*.h'
  find src -name '*.bpf.c'
}

format() {
  sources | xargs clang-format-19 --dry-run --Werror
}

case ${1:-} in
  format) format ;;
  tidy) scripts/tidy.py "${2:-build-check}" ;;
  tidy-changed) scripts/tidy.py "${2:-build-check}" --changed ;;
  *)
    sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac

#!/usr/bin/env bash
# Format and static checks of the C++ sources.
#
#   scripts/lint.sh format          clang-format changes nothing
#   scripts/lint.sh tidy [BUILD]    clang-tidy finds nothing (build-check)
#   scripts/lint.sh tidy-changed    the same, only what differs from main
#
# Format covers src/, fuzz/ and bench/, eBPF programs by the .clang-format beside
# them; small C programs of the tests are left alone. clang-tidy takes half a
# minute per source, so ./test runs it only with --all.
#
# A source that clang-tidy passed is not looked at again until it, a header of
# ours, or the settings change.
set -euo pipefail
cd "$(dirname "$0")/.."

sources() {
  find src fuzz bench -name '*.cc' -o -name '*.h'
  find src -name '*.bpf.c'
}

format() {
  sources | xargs clang-format-19 --dry-run --Werror
}

# One source through clang-tidy, unless the same content passed before.
tidy_one() {
  local build=$1 source=$2 headers=$3 key log
  key=$(cat "$source" <(echo "$headers") | sha256sum | cut -c1-32)
  [ -e "$build/tidy/$key" ] && return
  log=$build/tidy/$key.log
  if clang-tidy-19 --quiet -p "$build" "$source" >"$log" 2>&1; then
    mv "$log" "$build/tidy/$key"
  else
    grep -vE '^[0-9]+ warnings? (generated|treated)|^Suppressed' "$log"
    rm -f "$log"
    return 1
  fi
}
export -f tidy_one

tidy() {
  local build=$1 headers
  shift
  if [ ! -e "$build/compile_commands.json" ]; then
    echo "lint: no $build/compile_commands.json: cmake --preset check first" >&2
    exit 4
  fi
  mkdir -p "$build/tidy"
  headers=$(find src -name '*.h' -print0 | sort -z | xargs -0 cat .clang-tidy | sha256sum)
  # Only what this build compiles has a command line.
  for source in "$@"; do
    grep -qF "\"file\": \"$PWD/$source\"" "$build/compile_commands.json" &&
      printf '%s\0' "$source"
  done | xargs -0 -r -n1 -P"$(nproc)" -I{} \
    bash -c 'tidy_one "$@"' tidy_one "$build" {} "$headers"
}

case ${1:-} in
  format) format ;;
  tidy)
    mapfile -t all < <(find src fuzz -name '*.cc' | sort)
    tidy "${2:-build-check}" "${all[@]}"
    ;;
  tidy-changed)
    mapfile -t changed < <(git diff --name-only --diff-filter=d main -- '*.cc' | sort)
    tidy "${2:-build-check}" "${changed[@]}"
    ;;
  *)
    sed -n '2,14s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac

#!/usr/bin/env bash
# Makes the root file system that the container tests run in: a minimal Debian
# with the servers under test. Built once, kept, and imported into Docker as
# vambrace-test:base when a daemon answers.
#
#   tests/image.sh            prints the folder of the root file system
#   tests/image.sh --docker   also makes sure that the image is in Docker
#
# VAMBRACE_TEST_CACHE   where it is kept (/var/tmp/vambrace-test)
# VAMBRACE_TEST_MIRROR  Debian mirror (what debootstrap takes by itself)
#
# Exit 77, as a skipped test, when this machine cannot make it.
set -euo pipefail

cache=${VAMBRACE_TEST_CACHE:-/var/tmp/vambrace-test}
mirror=${VAMBRACE_TEST_MIRROR:-}
root=$cache/root
log=$cache/image.log
image=vambrace-test:base
# Raise the number when the list changes: older roots are then made anew.
version=1
packages=(nginx-light redis-server redis-tools memcached postgresql
          python3-minimal libpython3-stdlib sqlite3 curl busybox procps)

skip() {
  echo "SKIP: $*"
  exit 77
}

build_root() {
  local suite work=$cache/root.new
  suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-bookworm}")
  rm -rf "$work"
  {
    debootstrap --variant=minbase "$suite" "$work" ${mirror:+"$mirror"} &&
      # No service may start while packages are installed.
      printf '#!/bin/sh\nexit 101\n' >"$work/usr/sbin/policy-rc.d" &&
      chmod 755 "$work/usr/sbin/policy-rc.d" &&
      DEBIAN_FRONTEND=noninteractive chroot "$work" apt-get install -qy \
        --no-install-recommends "${packages[@]}" &&
      chroot "$work" apt-get clean &&
      rm -rf "$work"/var/lib/apt/lists/* &&
      # What leads to the image's name without asking Docker.
      echo "$version" >"$work/etc/vambrace-test-version"
  } >"$log" 2>&1 || {
    tail -n 5 "$log" >&2
    skip "debootstrap failed, see $log"
  }
  rm -rf "$root"
  mv "$work" "$root"
}

import_image() {
  docker info >/dev/null 2>&1 || skip "no Docker daemon answers"
  local label
  label=$(docker image inspect -f '{{index .Config.Labels "version"}}' \
    "$image" 2>/dev/null || true)
  if [ "$label" != "$version" ]; then
    tar -C "$root" --one-file-system -c . |
      docker import --change "LABEL version=$version" - "$image" >&2
  fi
}

[ "$(id -u)" = 0 ] || skip "needs root to make a root file system"
mkdir -p "$cache"
# One builder at a time; the others wait and find it done.
exec 9>"$cache/lock"
flock 9
if [ "$(cat "$root/etc/vambrace-test-version" 2>/dev/null)" != "$version" ]; then
  command -v debootstrap >/dev/null || skip "debootstrap is not installed"
  build_root
fi
if [ "${1:-}" = --docker ]; then
  import_image
fi
echo "$root"

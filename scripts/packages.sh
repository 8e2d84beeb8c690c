#!/usr/bin/env bash
# Installs the Debian packages that a task needs and that are missing.
#
#   scripts/packages.sh build run test   install what these groups lack
#   scripts/packages.sh --list build     print the group's packages
#
# Says what it will install. Services that come along (nginx, redis, Docker) are
# not started. Works on Debian 12 and 13, as root or through sudo. Each package
# is explained in docs/dependencies.md.
set -euo pipefail

# What the binary is built from.
build=(g++ cmake ninja-build pkgconf ccache clang-19 bpftool libbpf-dev
       libseccomp-dev nlohmann-json3-dev libyaml-cpp-dev libcli11-dev
       libexpat1-dev libfmt-dev libzydis-dev nettle-dev linux-libc-dev file)
# What ./quickstart runs.
run=(nginx-light curl python3-minimal)
# What its container part runs besides.
container=(docker.io docker-cli? debootstrap runc)
# What ./test needs besides: tools, servers under test, load drivers, runtimes.
# A "?" marks a package that some release or architecture does not have.
test=(clang-format-19 clang-tidy-19 clang-tools-19 libclang-rt-19-dev
      libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev
      libcapstone-dev lld-19 qemu-user-static?
      gcc-multilib? musl-tools strace libcap2-bin debootstrap dpkg-dev man-db
      nginx-light redis-server redis-tools memcached postgresql sqlite3 git make
      busybox-static curl wrk apache2-utils python3
      python3-pytest docker.io docker-cli? docker-compose
      runc crun qemu-system-x86? apparmor e2fsprogs util-linux procps
      openssh-server openssh-client openssl perl chromium-headless-shell?)

usage() {
  sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
  exit 2
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "packages: needs root or sudo to run: $*" >&2
    exit 4
  fi
}

installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

known() {
  apt-cache show "$1" >/dev/null 2>&1
}

list=no
[ "${1:-}" = --list ] && list=yes && shift
[ $# -gt 0 ] || usage

wanted=()
for group in "$@"; do
  case $group in
    build | run | container | test) declare -n names=$group && wanted+=("${names[@]}") ;;
    *) usage ;;
  esac
done
if [ $list = yes ]; then
  printf '%s\n' "${wanted[@]%\?}" | sort -u
  exit 0
fi

if ! command -v apt-get >/dev/null; then
  echo "packages: this is no Debian; install these by hand:" >&2
  printf '  %s\n' "${wanted[@]%\?}" >&2
  exit 4
fi

missing() {
  local name
  for name in "${wanted[@]}"; do
    installed "${name%\?}" && continue
    # An optional package is left out if no archive has it.
    if [[ $name != *\? ]] || known "${name%\?}"; then
      echo "${name%\?}"
    fi
  done | sort -u
}

mapfile -t needed < <(missing)
if [ ${#needed[@]} = 0 ]; then
  echo "packages: all there"
  exit 0
fi

# Fresh machines have no package lists, or lists too old to fetch from.
for name in "${needed[@]}"; do
  if ! known "$name"; then
    echo "packages: apt-get update"
    as_root apt-get update -q >/dev/null
    mapfile -t needed < <(missing)
    break
  fi
done

echo "packages: will install: ${needed[*]}"
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap 'as_root rm -f $policy' EXIT
  printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
  as_root chmod 755 $policy
fi
install=(env DEBIAN_FRONTEND=noninteractive apt-get install -qy
         --no-install-recommends "${needed[@]}")
if ! as_root "${install[@]}" >/tmp/vambrace-packages.$$ 2>&1; then
  # Versions that the lists name may be gone from the archive.
  echo "packages: apt-get update"
  as_root apt-get update -q >/dev/null
  as_root "${install[@]}" >/tmp/vambrace-packages.$$ 2>&1 || {
    tail -n 15 /tmp/vambrace-packages.$$ >&2
    echo "packages: apt-get install failed" >&2
    exit 4
  }
fi
rm -f /tmp/vambrace-packages.$$
echo "packages: installed ${#needed[@]}"

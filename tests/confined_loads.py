"""Workloads of tests/vm_workloads.py: how nginx, redis, memcached, sshd and a shell script with
many helpers are configured, driven and attacked.

An attack goes through the workload's own door: a client's command, an argument, a line of the
script. It prints its name, and `done` or `refused`.
"""

import confined
import support

NAMES = ("nginx", "redis-server", "memcached", "sshd", "report.sh")

NGINX = """
user www-data;
daemon off;
worker_processes 2;
error_log /var/log/nginx/error.log;
pid /run/nginx.pid;
events { }
http {
  access_log /var/log/nginx/access.log;
  server {
    listen 127.0.0.1:7005;
    root /site;
    location /host { alias /etc/hosts; }
    location /home/ { alias /home/; autoindex on; }
    location /write { access_log /www/$arg_name; }
  }
}
"""

SSHD = """
Port 7004
ListenAddress 127.0.0.1
HostKey /key/host
AuthorizedKeysFile /conf/authorized
StrictModes no
PidFile none
UsePAM no
PermitRootLogin yes
Subsystem sftp /usr/lib/openssh/sftp-server
"""

# The shell's own redirections; helpers in pipes and from each other; temporary files made by
# mktemp, by sort, by sed -i and by the shell; a lock; a signal; scripts.
REPORT = r"""#!/bin/bash
report() {
  set -euo pipefail
  work=$(mktemp -d /tmp/report.XXXXXXXX)
  trap 'rm -rf "$work"' EXIT
  exec 9>/run/report.lock
  flock 9
  for log in /var/log/app/*.log; do
    sed 's/^\[[^]]*\] //' "$log" | grep -v DEBUG | awk '{ print $1, $2 }' |
      sort -T "$work" | uniq -c >"$work/$(basename "$log").counts"
  done
  cat "$work"/*.counts | sort -rn | head -n 3 | tee "$work/top" >/srv/report.txt
  sed -i 's/ERROR/error/' /srv/report.txt
  join <(cut -c9- "$work/top" | sort) <(tr A-Z a-z <<<'ERROR disk') || true
  find /var/log/app -name '*.log' -print0 | xargs -0 wc -l | tail -n 1
  tar -C /var/log/app -czf "$work/logs.tar.gz" .
  mv "$work/logs.tar.gz" /srv/logs.tar.gz
  # A child that is killed before it has dropped the trap runs it, in some runs.
  { trap - EXIT; : >"$work/ready"; while :; do :; done; } &
  until [ -e "$work/ready" ]; do :; done
  kill $!
  wait || true
  touch /srv/stamp
  chmod 640 /srv/report.txt
  # Scripts by other names than those of their files, one by its descriptor, and three of env.
  cd /w
  ./last.sh
  /bin/gunzip --version >/dev/null
  /w/env.sh
  /proc/self/cwd/here.sh
  exec 8<held.sh
  /dev/fd/8
  exec 8<&-
  /w/env.awk
  /w/nice.sh
  echo reported
}
try() {
  attempt=$1; shift
  if "$@" >/dev/null 2>&1; then echo "$attempt done"; else echo "$attempt refused"; fi
}
attack() {
  try read-shadow eval 'read -r line </etc/shadow'
  try write-document-root eval 'echo x >/www/new.html'
  try change-itself eval ': >>/w/report.sh'
  try start-a-program /usr/bin/id
  try start-a-dropped-program /victim/dropped
  try datagram-socket eval 'exec 8</dev/udp/127.0.0.1/9'
  try signal-another kill -0 "$OTHER"
  try core-pattern eval 'exec 8<>/proc/sys/kernel/core_pattern'
  try helper-reads-shadow sed -n 1p /etc/shadow
  try helper-reads-environ cat "/proc/$OTHER/environ"
  try helper-writes-document-root tee /www/new.html
  try helper-reads-the-disk head -c 1 /dev/nvme0n1
  try helper-removes rm /victim/removed
  try helper-moves mv /victim/old /victim/new
  try helper-changes-mode chmod 777 /victim/mode
  try helper-makes touch /victim/made
  try helper-edits sed -i s/x/y/ /victim/cut
  try helper-lists find /root -name none
  try helper-starts-a-shell awk 'BEGIN { exit system("/usr/bin/id") }'
  try helper-packs tar -cf /victim/all.tar -C /etc shadow
  try helper-puts sort -o /www/sorted /srv/report.txt
}
"${1:-report}" </dev/null 2>/dev/null
"""

LOADS = r"""
# soon WORDS...: until the command succeeds, but not for ever.
soon() {
  for turn in $(seq 100); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done
  echo "never: $*"
  return 1
}
listens() { nc 127.0.0.1 $1 </dev/null; }
try() {
  attempt=$1; shift
  if "$@" >/dev/null 2>&1; then echo "$attempt done"; else echo "$attempt refused"; fi
}

get() { curl -m 20 -s -o /dev/null -w '%{http_code}\n' "http://127.0.0.1:7005/$1"; }
got() { get $1 | grep -q 200; }
start_nginx() {
  "$@" nginx -c /conf/nginx &
  soon listens 7005
}
load_nginx() {
  start_nginx "$@"
  for turn in 1 2 3; do get index.html; get none; done
  kill -HUP $!
  get index.html
  kill -QUIT $!; wait $!
}
attack_nginx() {
  start_nginx "$@"
  try read-hosts got host
  try list-homes got home/
  get 'write?name=new.html' >/dev/null
  try write-document-root test -s /www/new.html
  kill -QUIT $!; wait $!
  "$@" nginx -t -c /etc/shadow >/tmp/nginx 2>&1
  try read-shadow grep -q 'in /etc/shadow:' /tmp/nginx
}

ask() { redis-cli -p 7001 "$@"; }
says() { ask info persistence | grep -q $1; }
start_redis() {
  "$@" redis-server --port 7001 --bind 127.0.0.1 --dir /var/lib/redis --save '' \
    --appendonly yes --enable-protected-configs yes \
    --logfile /var/log/redis/redis.log >/dev/null 2>&1 &
  soon ask ping
}
load_redis() {
  rm -rf /var/lib/redis/*
  start_redis "$@"
  ask set k v; ask get k
  ask -r 50 lpush list x >/dev/null
  ask bgsave >/dev/null; soon says rdb_bgsave_in_progress:0
  ask bgrewriteaof >/dev/null; soon says aof_rewrite_in_progress:0
  ask info persistence | grep -c status:ok
  ask shutdown nosave; wait $!
}
saves_to() {
  ask config set dir $1; ask config set dbfilename new.html; ask save
  test -s $1/new.html
}
attack_redis() {
  rm -rf /var/lib/redis/*
  start_redis "$@"
  try write-document-root saves_to /www
  try write-crontab saves_to /etc/cron.d
  ask shutdown nosave; wait $!
  "$@" redis-server /etc/shadow >/tmp/redis 2>&1
  try read-shadow grep -q 'root:' /tmp/redis
}

load_memcached() {
  rm -f /run/memcached.pid
  "$@" memcached -l 127.0.0.1 -p 7002 -u nobody -t 2 -P /run/memcached.pid 2>&1 &
  soon listens 7002
  printf 'set k 0 0 5\r\nhello\r\nget k\r\nstats\r\nquit\r\n' | nc 127.0.0.1 7002 | head -n 3
  kill $!; wait $!
}
# memcached_with CHECK OPTION PREFIX...: starts with one more option; did the check come true?
memcached_with() {
  check=$1; option=$2; shift 2
  "$@" memcached -l 127.0.0.1 -p 7002 -u nobody -t 2 $option >/dev/null 2>&1 &
  for turn in $(seq 30); do
    if $check; then kill $!; wait $!; return 0; fi
    kill -0 $! 2>/dev/null || return 1
    sleep 0.1
  done
  kill $!; wait $!
  return 1
}
# The port is 7003; memcached opens that of streams first, and ends if it may not have this one.
takes_datagrams() { grep -q ' 0100007F:1B5B ' /proc/net/udp; }
attack_memcached() {
  try datagram-socket memcached_with takes_datagrams '-U 7003' "$@"
  try unix-socket memcached_with 'test -S /www/socket' '-s /www/socket' "$@"
  try write-document-root memcached_with 'test -s /www/new.html' '-P /www/new.html' "$@"
}

client='-i /key/user -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR'
start_sshd() {
  "$@" /usr/sbin/sshd -D -f /conf/sshd -E /var/log/sshd.log &
  soon listens 7004
}
load_sshd() {
  start_sshd "$@"
  ssh $client -p 7004 guest@127.0.0.1 'echo "$USER"; echo note >note; cat note; rm note'
  ssh $client -p 7004 root@127.0.0.1 'echo "$USER"'
  printf 'put /w/words words\nls\nget words /tmp/got\nrm words\n' |
    sftp $client -P 7004 -b - guest@127.0.0.1 | grep -c words
  kill $!; wait $!
}
remote='
  try() {
    attempt=$1; shift
    if "$@"; then echo "$attempt done"; else echo "$attempt refused"; fi
  }
  try read-passwords eval "read -r line </etc/gshadow"
  try write-document-root eval "echo x >/www/new.html"
  try start-a-program /usr/bin/true
  try add-a-key eval "echo x >>/conf/authorized"
'
copy() { echo "$1" | sftp $client -P 7004 -b - root@127.0.0.1; }
attack_sshd() {
  start_sshd "$@"
  ssh $client -p 7004 root@127.0.0.1 "$remote"
  try copy-shadow copy 'get /etc/shadow /tmp/got'
  try put-in-document-root copy 'put /w/words /www/new.html'
  kill $!; wait $!
}

# Twice: what changes from run to run is seen to change.
load_report() { "$@" /w/report.sh report; "$@" /w/report.sh report; }
attack_report() { "$@" /w/report.sh attack; }

load() { load=${1%.sh}; shift; load_${load%-server} "$@"; }
attack() {
  attack=${1%.sh}; shift
  rm -rf /www /victim /etc/cron.d/new.html; mkdir -p /www /victim; chmod 777 /www
  for victim in removed old mode cut; do echo x >/victim/$victim; done
  cp /usr/bin/true /victim/dropped
  attack_${attack%-server} "$@"
}
"""

# What there must be before anything starts.
PREPARE = r"""
mkdir -p /b /evidence /var/log/nginx /var/log/redis /var/lib/redis /www /victim /srv /run/sshd /home/guest
chmod 600 /key/*
echo 'sshd:x:1001:65534::/run/sshd:/bin/false
guest:x:1000:1000::/home/guest:/bin/dash' >>/etc/passwd
echo 'guest:*:19000:0:99999:7:::' >>/etc/shadow
chown 1000 /home/guest; chown 0 /var/lib/redis /var/log/redis
sleep 1000 & export OTHER=$!
"""


def files():
    """What the machine needs for them: {path: contents}."""
    keys = support.temp_dir()
    for name in ("host", "user"):
        support.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{keys}/{name}")
    return {
        "/key/host": f"{keys}/host", "/key/user": f"{keys}/user",
        "/conf/authorized": f"{keys}/user.pub", "/conf/sshd": SSHD.encode(),
        "/conf/nginx": NGINX.encode(), "/site/index.html": b"hello\n",
        "/loads": LOADS.encode(), "/w/report.sh": (REPORT.encode(), 0o755),
        "/w/last.sh": (b"#!/bin/sh\n:\n", 0o755), "/w/env.sh": (b"#!/usr/bin/env sh\n:\n", 0o755),
        "/w/here.sh": (b"#!/bin/sh\n:\n", 0o755), "/w/held.sh": (b"#!/bin/sh\n:\n", 0o755),
        "/w/env.awk": (b"#!/usr/bin/env -S awk -f\nBEGIN { exit }\n", 0o755),
        "/w/nice.sh": (b"#!/usr/bin/env -S nice sh\n:\n", 0o755),
        "/w/words": b"b\na\n",
        "/var/log/app/web.log": b"[09:00] ERROR disk full\n[09:01] DEBUG x\n" * 40,
        "/var/log/app/db.log": b"[09:00] WARN slow\n[09:02] ERROR disk full\n" * 40,
    }


PROGRAMS = ["apparmor_parser", "sshd", "ssh", "sftp", "/usr/lib/openssh/sftp-server"]

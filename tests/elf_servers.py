"""Loads of servers that continuous integration has: nginx, redis, memcached,
PostgreSQL, sshd, busybox's own."""

import contextlib
import glob
import os
import shutil
import signal
import socket
import subprocess

import support
from elf_programs import program, sh


def children_of(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


@contextlib.contextmanager
def running(command, port=None, end=signal.SIGTERM, **options):
    """A server in the foreground; it and what it started are ended by that signal."""
    options.setdefault("stdin", subprocess.DEVNULL)
    with subprocess.Popen([str(word) for word in command], **options) as process:
        try:
            if port:
                support.wait_port(port)
            yield process
        finally:
            children = children_of(process.pid)
            support.stop(process, end, 20)
            for child in children:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, end)


def ask(port, text, seconds=5, host="127.0.0.1"):
    """What a server answers to the bytes before it closes or falls silent."""
    with socket.create_connection((host, port), seconds) as connection:
        connection.settimeout(0.5)
        connection.sendall(text)
        got = b""
        with contextlib.suppress(TimeoutError, ConnectionError):
            while chunk := connection.recv(65536):
                got += chunk
        return got


def certificate(directory):
    """A key and a certificate of its own, for servers that speak TLS."""
    sh("openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 "
       "-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null; "
       "cat key.pem cert.pem >both.pem; chmod 644 *.pem", directory)


# --- nginx -----------------------------------------------------------------------

NGINX = """
user www-data;
worker_processes 2;
worker_rlimit_nofile 2048;
worker_priority 1;
timer_resolution 500ms;
error_log {dir}/error.log debug;
pid {dir}/nginx.pid;
lock_file {dir}/lock;
thread_pool default threads=2;
events {{ worker_connections 128; multi_accept on; accept_mutex on; }}
http {{
  log_format gz '$remote_addr $request $status';
  access_log {dir}/access.log;
  access_log {dir}/access.gz gz gzip buffer=4k flush=1s;
  client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy;
  fastcgi_temp_path {dir}/fcgi; uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
  client_max_body_size 20m; client_body_buffer_size 8k;
  proxy_cache_path {dir}/cache levels=1:2 keys_zone=c:1m max_size=1m inactive=1s;
  limit_req_zone $binary_remote_addr zone=l:1m rate=50r/s;
  open_file_cache max=100; gzip on; gzip_min_length 10; gzip_types text/plain;
  resolver 127.0.0.1:1; resolver_timeout 1s;
  upstream back {{ server 127.0.0.1:1 max_fails=1; server unix:{dir}/back.sock backup; keepalive 4; }}
  server {{
    listen 127.0.0.1:{port} reuseport so_keepalive=on; listen [::1]:{port}; listen unix:{dir}/front.sock;
    listen 127.0.0.1:{tls} ssl http2;
    ssl_certificate {dir}/cert.pem; ssl_certificate_key {dir}/key.pem;
    ssl_session_cache shared:s:1m; ssl_session_tickets on;
    root {dir}/www;
    sendfile on; tcp_nopush on;
    location /denied {{ deny all; }}
    location /list/ {{ alias {dir}/www/; autoindex on; }}
    location /aio/ {{ alias {dir}/www/; aio threads; sendfile off; directio 64k; output_buffers 2 64k; }}
    location /tasks/ {{ alias {dir}/www/; aio threads; sendfile on; }}
    location /limited {{ limit_req zone=l burst=1; try_files /index.html =404; }}
    location /slow {{ limit_rate 200k; alias {dir}/www/; }}
    location /random/ {{ alias {dir}/www/; random_index on; }}
    location /status {{ stub_status; }}
    location /store/ {{ root {dir}/www; dav_methods PUT DELETE MKCOL COPY MOVE; create_full_put_path on;
                        dav_access user:rw group:r all:r; }}
    location /auth {{ auth_basic x; auth_basic_user_file {dir}/users; try_files /index.html =404; }}
    location /back/ {{ proxy_pass http://back/; proxy_http_version 1.1; proxy_set_header Connection "";
                      proxy_cache c; proxy_cache_valid 200 1s; proxy_store off; }}
    location /named/ {{ set $h name.invalid; proxy_pass http://$h/; }}
    location /keep/ {{ proxy_pass http://unix:{dir}/back.sock:/; proxy_store {dir}/www/kept; }}
    location /broken {{ proxy_pass http://127.0.0.1:1; }}
    location /fast {{ fastcgi_pass 127.0.0.1:1; }}
    location /sub {{ sub_filter hello goodbye; try_files /index.html =404; }}
    location /mail {{ mirror /broken; try_files /index.html =404; }}
  }}
  server {{ listen unix:{dir}/back.sock; root {dir}/www; location / {{ try_files $uri /index.html; }} }}
}}
"""


@program("/usr/sbin/nginx", "nginx-light curl wrk openssl", usual=True)
def load_nginx(directory):
    port, tls = support.free_port(), support.free_port()
    certificate(directory)
    conf = support.write(f"{directory}/nginx.conf", NGINX.format(dir=directory, port=port, tls=tls))
    support.write(f"{directory}/www/index.html", "hello from behind\n" * 50)
    support.write(f"{directory}/users", "u:" + "{PLAIN}p\nv:$apr1$abc$xx\nw:abJnggxhB/yWI\n")
    with open(f"{directory}/www/big", "wb") as big:
        big.write(os.urandom(3 << 20))
    os.makedirs(f"{directory}/www/store")
    os.makedirs(f"{directory}/www/locked", 0o700)
    shutil.chown(f"{directory}/www/store", "www-data")
    words = f"/usr/sbin/nginx -e {directory}/error.log -c {conf}"
    sh(f"{words} -t; {words}; {words} -T >/dev/null; nginx -V; nginx -h >/dev/null; "
       f"! nginx -e {directory}/error.log -c /nowhere; "
       f"echo 'broken {{' >bad.conf; ! nginx -e {directory}/error.log -c {directory}/bad.conf -t", directory)
    support.wait_port(port)
    _nginx_requests(directory, port, tls)
    pid = int(open(f"{directory}/nginx.pid", encoding="ascii").read())
    sh(f"mv access.log access.old; {words} -s reopen; sleep 0.3; {words} -s reload; sleep 0.5; "
       f"must curl -sf -m 9 http://127.0.0.1:{port}/ >/dev/null; cp nginx.conf good; echo '}}' >>nginx.conf; "
       f"kill -HUP {pid}; sleep 0.3; cp good nginx.conf; "
       f"kill -USR2 {pid}; for i in $(seq 100); do [ -s nginx.pid.oldbin ] && break; sleep 0.05; done; sleep 0.5; "
       f"kill -WINCH {pid}; sleep 0.5; must curl -sf -m 9 http://127.0.0.1:{port}/ >/dev/null; kill -QUIT {pid}; "
       f"sleep 0.5; read -r p <nginx.pid; read -r w _ </proc/$p/task/$p/children; kill -KILL $w; sleep 0.3; "
       f"must curl -sf -m 9 http://127.0.0.1:{port}/ >/dev/null; {words} -s quit; "
       f"for i in $(seq 100); do [ -e nginx.pid ] || break; sleep 0.05; done; "
       f"{words}; sleep 0.3; {words} -s stop; sleep 0.3", directory)


def _nginx_requests(directory, port, tls):
    u = f"http://127.0.0.1:{port}"
    sh(f"""
      c() {{ curl -s -m 5 -o /dev/null "$@" || true; }}
      must curl -sf -m 9 {u}/index.html | grep -q hello
      must curl -sf -m 9 --compressed {u}/index.html | grep -q hello
      must curl -sfk https://127.0.0.1:{tls}/index.html | grep -q hello
      must curl -sfk --http2 https://127.0.0.1:{tls}/big https://127.0.0.1:{tls}/big | must cmp - <(cat www/big www/big)
      must curl -sfk --tls-max 1.2 https://127.0.0.1:{tls}/index.html >/dev/null
      must curl -sf -m 9 --unix-socket front.sock http://x/index.html >/dev/null
      curl -sf 'http://[::1]:{port}/' >/dev/null || true
      for p in big aio/big tasks/big slow/big keep/big; do must curl -sf -m 9 {u}/$p | must cmp - www/big; done
      for i in 1 2 3 4 5; do c {u}/limited; done
      for p in missing denied locked/x list/ random/ status auth back/index.html back/index.html named/ \\
               keep/index.html broken fast sub mail store/none %00 ../../etc; do c "{u}/$p"; done
      c -u u:p {u}/auth; c -u v:x {u}/auth; c -u w:x {u}/auth
      c -r 0-9,20-29 {u}/index.html; c -r 100- {u}/big; c -I {u}/big
      c -H 'If-Modified-Since: Mon, 01 Jan 2035 00:00:00 GMT' {u}/index.html
      must curl -sf -m 9 -T www/big {u}/store/a; cmp www/big www/store/a
      c -X MKCOL {u}/store/d/; c -X MOVE -H 'Destination: /store/b' {u}/store/a
      c -X COPY -H 'Destination: /store/c' {u}/store/b; c -X DELETE {u}/store/c; c -X DELETE {u}/store/d/
      c -T www/big {u}/store/x/y/z; head -c 30000000 /dev/zero | c -T - {u}/store/toobig
      c --data-binary @www/big {u}/back/; c --data-binary @www/big -H 'Expect: 100-continue' {u}/broken
      c -m 1 --limit-rate 1k {u}/big; c --http0.9 telnet://127.0.0.1:{port} </dev/null
      wrk -t1 -c20 -d1s {u}/index.html >/dev/null
      sleep 1.5
      for i in $(seq 40); do c {u}/back/$i; done
    """, directory)
    ask(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /missing HTTP/1.1\r\nHost: x\r\n\r\n")
    ask(port, b"NONSENSE\r\n\r\n")
    ask(tls, b"GET / HTTP/1.0\r\n\r\n")


# --- redis -----------------------------------------------------------------------

@program("/usr/bin/redis-server", "redis-server redis-tools openssl")
def load_redis(directory):
    port, tls, second = support.free_port(), support.free_port(), support.free_port()
    certificate(directory)
    conf = support.write(f"{directory}/redis.conf", f"""
port {port}
tls-port {tls}
tls-cert-file {directory}/cert.pem
tls-key-file {directory}/key.pem
tls-ca-cert-file {directory}/cert.pem
tls-auth-clients no
unixsocket {directory}/redis.sock
dir {directory}
logfile {directory}/log
daemonize yes
pidfile {directory}/pid
appendonly yes
appendfsync everysec
save 1 1
io-threads 2
maxmemory 200mb
enable-debug-command yes
syslog-enabled yes
activedefrag no
latency-monitor-threshold 1
""")
    os.makedirs(f"{directory}/replica")
    cli = f"redis-cli -p {port}"
    sh(f"! redis-server /nowhere; ! redis-server --port x; redis-server --version; redis-server {conf}; "
       f"for i in $(seq 100); do {cli} ping 2>/dev/null | grep -q PONG && break; sleep 0.05; done", directory)
    replica = ["redis-server", "--port", second, "--dir", f"{directory}/replica", "--replicaof",
               "127.0.0.1", port, "--repl-diskless-load", "swapdb", "--save", "3 1"]
    with running(replica, second, stdout=subprocess.DEVNULL):
        _redis_requests(directory, port, tls, second)
    sh(f"{cli} config rewrite; {cli} debug sleep 0.01; kill -HUP $(cat pid) || true; "
       f"{cli} debug jmap 2>/dev/null || true; {cli} shutdown save; "
       f"for i in $(seq 100); do [ -e pid ] || break; sleep 0.05; done; "
       f"redis-check-rdb dump.rdb >/dev/null; redis-check-aof appendonlydir/*.manifest >/dev/null || true; "
       f"redis-server {conf}; "
       f"for i in $(seq 200); do {cli} ping 2>/dev/null | grep -q PONG && break; sleep 0.05; done; "
       f"{cli} debug loadaof; {cli} debug restart || true; sleep 0.5; {cli} ping >/dev/null || true; "
       f"{cli} debug segfault 2>/dev/null || true; sleep 0.7; "
       f"redis-server {conf}; sleep 0.7; kill -TERM $(cat pid); sleep 0.5; "
       f"redis-server --test-memory 2 >/dev/null || true", directory)


def _redis_requests(directory, port, tls, second):
    cli = f"redis-cli -p {port}"
    sh(f"""
      c() {{ {cli} "$@" >/dev/null || true; }}
      must test "$({cli} set k v)" = OK; must test "$({cli} get k)" = v
      redis-cli -s redis.sock ping >/dev/null
      redis-cli --tls --cacert cert.pem -h localhost -p {tls} ping | grep -q PONG
      head -c 3000000 /dev/urandom | {cli} -x set big >/dev/null
      {cli} get big | wc -c >/dev/null
      for i in $(seq 50); do c zadd z $i m$i; done
      c lpush l 1 2 3; c sort l; c sadd s a b; c hset h a 1; c geoadd g 1 2 x; c pfadd p a; c xadd x '*' a b
      c eval 'redis.call("set","lua",1) return redis.call("get","lua")' 0
      c function load "#!lua name=f
redis.register_function('f', function() return 1 end)"
      c fcall f 0; c setbit b 1 1; c expire k 1; c object encoding l; c nosuch; c info all; c client list
      c slowlog get; c memory doctor; c memory stats; c latency doctor; c debug object l; c wait 1 100
      c config set appendonly no; c config set appendonly yes; c config set save '1 1'; c config set maxclients 100
      c bgsave; sleep 0.5; c bgrewriteaof; sleep 0.5; c save; c role; c client no-evict on
      c migrate 127.0.0.1 {second} k 0 100 copy; c client kill type normal; c flushall async; c unlink big
      c acl setuser bob on '>p' '~*' '+@all'; redis-cli -p {port} --user bob --pass p ping 2>/dev/null >/dev/null
      (timeout 1 {cli} subscribe ch >/dev/null || true) & (timeout 1 {cli} blpop none 1 >/dev/null || true) &
      sleep 0.2; c publish ch hi; (timeout 1 {cli} monitor >/dev/null || true) & sleep 0.1; wait
      {cli} --bigkeys >/dev/null; {cli} --rdb copy.rdb >/dev/null 2>&1 || true
      redis-benchmark -p {port} -q -n 3000 -c 20 -P 4 >/dev/null
      redis-cli -p {second} info replication | grep -q role:slave
      redis-cli -p {second} replicaof no one >/dev/null
      redis-cli -p {second} replicaof 127.0.0.1 {port} >/dev/null; sleep 1.2
      redis-cli -p {second} failover 2>/dev/null >/dev/null || true
    """, directory)


# --- memcached -------------------------------------------------------------------

@program("/usr/bin/memcached", "memcached", usual=True)
def load_memcached(directory):
    port = support.free_port()
    os.chmod(directory, 0o777)
    base = ["memcached", "-u", "nobody", "-l", "127.0.0.1", "-t", "2"]
    with running([*base, "-p", port, "-m", "64", "-v", "-k", "-L", "-c", "64",
                  "-o", f"ext_path={directory}/ext:64m,ext_threads=1,modern,slab_automove_window=3"],
                 port, signal.SIGINT, stderr=subprocess.DEVNULL):
        support.load_memcached(port)
        big = b"x" * 1000000
        for i in range(90):
            ask_one = b"set big%d 0 %d %d noreply\r\n" % (i, i % 2, len(big)) + big + b"\r\n"
            with socket.create_connection(("127.0.0.1", port), 5) as connection:
                connection.sendall(ask_one + b"get big%d\r\nget big0\r\nquit\r\n" % (i // 2))
                while connection.recv(1 << 20):
                    pass
        for text in (b"stats slabs\r\n", b"stats items\r\n", b"stats settings\r\n", b"stats conns\r\n",
                     b"watch fetchers\r\n", b"lru_crawler crawl all\r\n", b"lru_crawler metadump all\r\n",
                     b"slabs reassign 1 2\r\n", b"flush_all 1\r\n", b"verbosity 1\r\n", b"version\r\n",
                     b"mg k1 v t\r\nms k 2\r\nhi\r\nmn\r\n", b"nonsense\r\n", b"incr k1 1\r\ntouch k1 1\r\n",
                     b"\x80\x0b" + b"\0" * 22, b"cache_memlimit 100\r\n", b"extstore free_memchunks 1 1\r\n"):
            ask(port, text + (b"" if text[0] == 0x80 else b"quit\r\n"))
    with running([*base, "-p", port, "-U", port, "-e", f"{directory}/restart", "-m", "64", "-P", f"{directory}/pid"],
                 port, signal.SIGUSR1):
        ask(port, b"set a 0 0 1\r\nx\r\nquit\r\n")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.sendto(b"\0\1\0\0\0\1\0\0version\r\n", ("127.0.0.1", port))
            udp.settimeout(1)
            with contextlib.suppress(TimeoutError):
                udp.recv(1000)
    with running([*base, "-p", port, "-e", f"{directory}/restart", "-m", "64"], port):
        ask(port, b"get a\r\nquit\r\n")
    sock = f"{directory}/m.sock"
    with running(["memcached", "-u", "nobody", "-s", sock, "-a", "0777", "-A"]) as process:
        support.wait_until(lambda: os.path.exists(sock))
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(sock)
            connection.sendall(b"version\r\nshutdown\r\n")
            connection.recv(1000)
        process.wait(10)
    sh(f"memcached -u nobody -d -P {directory}/d.pid -p {port} -l 127.0.0.1 -r; sleep 0.5; "
       f"kill $(cat {directory}/d.pid); memcached -h >/dev/null; ! memcached -u nosuchuser; "
       "! memcached -u nobody -l 127.0.0.1 -p 99999999; memcached -V >/dev/null", directory)


# --- PostgreSQL --------------------------------------------------------------------

POSTGRES_BIN = (sorted(glob.glob("/usr/lib/postgresql/*/bin")) or ["/usr/lib/postgresql/15/bin"])[-1]


@program(f"{POSTGRES_BIN}/postgres", "postgresql openssl")
def load_postgres(directory):
    port = support.free_port()
    certificate(directory)
    shutil.chown(f"{directory}/key.pem", "postgres", "postgres")
    os.chmod(f"{directory}/key.pem", 0o600)
    os.chmod(directory, 0o777)
    os.makedirs(f"{directory}/space")
    shutil.chown(f"{directory}/space", "postgres", "postgres")
    sh(f"""
      b={POSTGRES_BIN}; pg() {{ setpriv --reuid=postgres --regid=postgres --init-groups env PGPORT={port} PGHOST=$PWD "$@"; }}
      ! $b/postgres -D data; ! pg $b/postgres -D /nowhere; must pg $b/initdb -D data -A trust -N -k >/dev/null
      cat >>data/postgresql.conf <<'C'
port = {port}
listen_addresses = '127.0.0.1, ::1'
unix_socket_directories = '{directory}'
ssl = on
ssl_key_file = '{directory}/key.pem'
ssl_cert_file = '{directory}/cert.pem'
wal_level = logical
max_prepared_transactions = 5
logging_collector = on
log_min_duration_statement = 0
log_connections = on
archive_mode = on
archive_command = 'cp %p {directory}/archived-%f'
shared_preload_libraries = 'pg_stat_statements,auto_explain'
autovacuum_naptime = 1s
work_mem = 64kB
maintenance_work_mem = 1MB
max_wal_size = 32MB
min_wal_size = 32MB
track_io_timing = on
jit_above_cost = 1000
deadlock_timeout = 100ms
temp_tablespaces = ''
C
      mkdir -m 777 arch; must pg $b/pg_ctl -D data -l log -w start >/dev/null
      q() {{ pg psql -U postgres -Atqc "$1" ${{2:-postgres}}; }}
      must pg $b/pgbench -i -s 1 -q postgres 2>/dev/null >/dev/null; must pg $b/pgbench -c 4 -j 2 -T 3 postgres >/dev/null 2>&1
      psql "host=127.0.0.1 port={port} user=postgres dbname=postgres sslmode=require" -Atqc "select 1" >/dev/null
      psql "host=::1 port={port} user=postgres dbname=postgres" -Atqc "select 1" >/dev/null; psql -h 127.0.0.1 -p {port} -U nobody -c 'select 1' x
      q "create table t as select i, md5(i::text) m, repeat('x', 3000) r from generate_series(1,20000) i; create index on t(m); create index on t using gin(to_tsvector('simple', m)); create index on t using hash(i); create index on t using brin(i)"
      q "copy t to '$PWD/space/t.copy'; copy t from '$PWD/space/t.copy'; copy t to program 'gzip >$PWD/space/t.gz'; copy (select 1) to stdout; truncate t; copy t from program 'gzip -dc $PWD/space/t.gz'"
      q "select count(*) from (select * from t a join t b using (m) order by a.r || a.i) x"; q "set max_parallel_workers_per_gather=2; set parallel_setup_cost=0; set parallel_tuple_cost=0; set min_parallel_table_scan_size=0; select count(*), sum(i) from t where m like '%a%'"
      q "vacuum full t"; q "vacuum (analyze, parallel 2) t"; q "cluster t using t_m_idx"; q "reindex table concurrently t"; q "analyze"; q "checkpoint"; q "select pg_switch_wal()"; q "create tablespace s location '$PWD/space'"; q "create table u(a int) tablespace s; insert into u values(1)"
      q "create database d"; q "create database d2 template d strategy file_copy"; q "alter table t set tablespace s"; q "drop database d2"; q "create extension pg_stat_statements"; for e in pg_trgm hstore pgcrypto dblink file_fdw postgres_fdw bloom pageinspect pg_buffercache pg_prewarm xml2 uuid-ossp; do q "create extension \\"$e\\""; done
      q "select count(*) from pg_stat_statements, pg_buffercache" >/dev/null; q "select uuid_generate_v4(), gen_random_bytes(8), crypt('x', gen_salt('bf'))"; q "select * from dblink('host=$PWD port={port} dbname=postgres user=postgres', 'select 1') as x(a int)"; q "select pg_prewarm('t')"; q "create index on t using bloom(i)"
      q "do \\$\\$ begin for i in 1..500 loop execute 'select '||i; end loop; raise notice 'x'; exception when others then null; end \\$\\$"; q "select lo_import('/etc/passwd'); select lo_export(loid, '$PWD/space/lo') from pg_largeobject_metadata m join pg_largeobject l on l.loid=m.oid limit 1"; q "select pg_read_file('postgresql.conf', 0, 10), pg_ls_dir('.'), pg_stat_file('PG_VERSION')" >/dev/null
      q "listen a; notify a, 'x'; prepare p as select 1; execute p; begin; insert into u values(2); prepare transaction 'x'; commit prepared 'x'"; q "select pg_create_logical_replication_slot('l','test_decoding'); insert into u values(3); select count(*) from pg_logical_slot_get_changes('l',null,null); select pg_drop_replication_slot('l')"
      q "set statement_timeout=200; select pg_sleep(5)"; q "select pg_cancel_backend(pg_backend_pid())"; q "select pg_terminate_backend(pg_backend_pid())"; q "select 1/0"; q "select * from missing"; q "set jit=on; set jit_above_cost=0; select sum(i*2) from t"; q "create temp table tt as select * from t; drop table tt"; q "select pg_backend_memory_contexts()" >/dev/null; q "set log_statement='all'; select pg_log_backend_memory_contexts(pg_backend_pid())"
      q "begin; lock u; select pg_sleep(0.5); commit" & q "set lock_timeout=100; select * from u" ; (q "begin; update t set i=i where i=1; select pg_sleep(0.3); update t set i=i where i=2; commit" & q "begin; update t set i=i where i=2; select pg_sleep(0.3); update t set i=i where i=1; commit"; wait)
      q "select xmlparse(content '<a/>'), to_tsvector('english','dogs run'), now() at time zone 'Asia/Tokyo', 'a' < 'b' collate \\"C.UTF-8\\", upper('x' collate \\"und-x-icu\\")" >/dev/null; q "select json_agg(t) from (select * from t limit 5) t" >/dev/null; q "drop table t; vacuum"
      pg $b/pg_basebackup -D standby -R -X stream -T $PWD/space=$PWD/space2 2>/dev/null; echo "port = $(( {port} + 1 ))" >>standby/postgresql.conf; pg $b/pg_ctl -D standby -l log2 -w start >/dev/null 2>&1; q "insert into u values(4)"; sleep 0.5; pg psql -p $(({port}+1)) -U postgres -Atqc "select count(*) from u; begin; create table no(a int)"; pg $b/pg_ctl -D standby promote -w >/dev/null; pg $b/pg_ctl -D standby -m fast -w stop >/dev/null
      pg $b/pg_dump -Fc -f space/dump postgres; pg $b/pg_restore -l space/dump >/dev/null; pg $b/pg_dumpall >/dev/null; pg $b/vacuumdb -qa -j 2; pg $b/reindexdb -q postgres; timeout 1 setpriv --reuid=postgres --regid=postgres --clear-groups $b/pg_receivewal -D arch -h $PWD -p {port} 2>/dev/null
      pg $b/pg_ctl -D data reload >/dev/null; pg $b/pg_ctl -D data logrotate >/dev/null; echo 'nonsense = 1' >>data/postgresql.auto.conf; pg $b/pg_ctl -D data reload >/dev/null; q "select pg_reload_conf(), pg_rotate_logfile()" >/dev/null; : >data/postgresql.auto.conf
      p=$(q "select pg_backend_pid()"); (q "select pg_sleep(5)" &) ; sleep 0.3; k=$(q "select pid from pg_stat_activity where query like '%pg_sleep(5)%' and pid<>pg_backend_pid() limit 1"); kill -9 $k; for i in $(seq 100); do q "select 1" >/dev/null 2>&1 && break; sleep 0.2; done; must q "select 1" >/dev/null
      q "insert into u select generate_series(1,1000)"; pg $b/pg_ctl -D data -m immediate -w stop >/dev/null; must pg $b/pg_ctl -D data -l log -w start >/dev/null; pg $b/pg_ctl -D data -m smart -w stop >/dev/null; pg $b/pg_checksums -D data -c >/dev/null; pg $b/pg_controldata data >/dev/null
      echo 'select 1 + 1' | pg $b/postgres --single -D data postgres >/dev/null 2>&1; pg $b/postgres --describe-config >/dev/null; pg $b/postgres -C port -D data; pg $b/postgres -V; pg $b/pg_resetwal -f data >/dev/null; for i in $(ls space); do :; done; true
    """, directory, seconds=240)


# --- sshd ----------------------------------------------------------------------

SSHD = """
Port {port}
ListenAddress 127.0.0.1
HostKey {dir}/host_ed
HostKey {dir}/host_rsa
PidFile {dir}/pid
AuthorizedKeysFile {dir}/keys
UsePAM {pam}
PasswordAuthentication yes
KbdInteractiveAuthentication yes
PermitRootLogin yes
StrictModes no
AllowAgentForwarding yes
PermitTTY yes
X11Forwarding yes
GatewayPorts yes
Compression yes
PrintLastLog yes
PrintMotd yes
AcceptEnv *
PermitTunnel yes
Banner /etc/passwd
Subsystem sftp {sftp}
{more}
"""


@program("/usr/sbin/sshd", "openssh-server openssh-client openssh-sftp-server")
def load_sshd(directory):
    port = support.free_port()
    os.makedirs("/run/sshd", exist_ok=True)
    sh("for t in ed25519 rsa; do ssh-keygen -q -t $t -N '' -f host_${t:0:3}; done; mv host_ed2 host_ed; mv host_ed2.pub host_ed.pub; "
       "ssh-keygen -q -t ed25519 -N '' -f me; cp me.pub keys; ssh-keygen -q -t ecdsa -N '' -f other; "
       "echo 'restrict,command=\"echo forced\" '$(cat other.pub) >>keys", directory)
    variants = [("yes", "/usr/lib/openssh/sftp-server", ""),
                ("no", "internal-sftp", f"ForceCommand none\nMatch User nobody\nChrootDirectory /\n"),
                ("no", "internal-sftp", "UseDNS yes\nLogLevel DEBUG3\nMaxStartups 2:50:3\nClientAliveInterval 1\n"
                 "AuthorizedKeysCommand /bin/cat /etc/hostname\nAuthorizedKeysCommandUser nobody")]
    for pam, sftp, more in variants:
        if "none" in more:
            more = more.replace("ForceCommand none\n", "")
        conf = support.write(f"{directory}/sshd.conf", SSHD.format(dir=directory, port=port, pam=pam, sftp=sftp, more=more))
        with running(["/usr/sbin/sshd", "-D", "-e", "-f", conf], port, cwd=directory, stderr=subprocess.DEVNULL):
            sh(_ssh_script(port), directory)
    sh(f"/usr/sbin/sshd -t -f {conf}; /usr/sbin/sshd -T -f {conf} >/dev/null; echo Nonsense yes >bad; ! /usr/sbin/sshd -t -f $PWD/bad; "
       f"/usr/sbin/sshd -f {conf}; sleep 0.4; kill $(cat pid); sleep 0.2; timeout 2 /usr/sbin/sshd -i -f {conf} </dev/null; true", directory)


def _ssh_script(port):
    return f"""
      o="-p {port} -o StrictHostKeyChecking=no -o UserKnownHostsFile=$PWD/known -o BatchMode=yes -o LogLevel=ERROR -F /dev/null"; s="ssh $o -i me root@127.0.0.1"
      must test "$($s echo hi)" = hi; $s 'exit 3'; $s -tt 'echo tty; stty -a' </dev/null >/dev/null; $s -C 'head -c 2000000 /dev/urandom' | wc -c; $s 'cat >/dev/null' </etc/passwd; ssh $o -i other root@127.0.0.1 ls; printf 'echo in\\nexit\\n' | script -qec "$s" /dev/null >/dev/null
      (eval $(ssh-agent) >/dev/null; ssh-add -q me; $s -A 'ssh-add -l'; kill $SSH_AGENT_PID); timeout 5 $s -X 'echo $DISPLAY'; LANG=C X_Y=1 $s -o SendEnv=X_Y true
      (timeout 3 $s -N -L 127.0.0.1:{port + 1}:127.0.0.1:{port} -R 127.0.0.1:{port + 2}:127.0.0.1:{port} -D {port + 3} -o ExitOnForwardFailure=no & sleep 0.8; head -c 10 </dev/tcp/127.0.0.1/{port + 1}; head -c 10 </dev/tcp/127.0.0.1/{port + 2}; wait) 2>/dev/null; (timeout 2 $s -N -L $PWD/u.sock:/nowhere -R /tmp/vambrace-$$.sock:127.0.0.1:{port} & sleep 0.5; wait); rm -f u.sock /tmp/vambrace-$$.sock
      $s -W 127.0.0.1:{port} </dev/null >/dev/null; $s -W 127.0.0.1:1 </dev/null; printf 'put me.pub up\\nget up down\\nrename up up2\\nmkdir dd\\nchmod 600 up2\\nchown 0 up2\\nln -s up2 sl\\nln up2 hl\\nls -l\\ndf\\nrm up2\\nrm sl\\nrm hl\\nrmdir dd\\n' | sed "s# up# $PWD/up#g" >batch; sftp -q -P {port} ${{o#-p {port}}} -i me -b batch root@127.0.0.1; scp -q -P {port} ${{o#-p {port}}} -i me me.pub root@127.0.0.1:$PWD/copied; scp -O -q -P {port} ${{o#-p {port}}} -i me root@127.0.0.1:/etc/passwd got
      ssh $o -i host_rsa root@127.0.0.1 true; ssh $o nosuchuser@127.0.0.1 true; ssh $o -i me nobody@127.0.0.1 true; echo x | ssh ${{o/BatchMode=yes/NumberOfPasswordPrompts=1}} -o PreferredAuthentications=password,keyboard-interactive root@127.0.0.1 true; SSH_ASKPASS=/bin/hostname SSH_ASKPASS_REQUIRE=force setsid -w ssh ${{o/BatchMode=yes/NumberOfPasswordPrompts=2}} -o PreferredAuthentications=password,keyboard-interactive root@127.0.0.1 true
      echo nonsense >/dev/tcp/127.0.0.1/{port}; (exec 3<>/dev/tcp/127.0.0.1/{port}; head -c 5 <&3; exec 3>&-); ssh-keyscan -p {port} 127.0.0.1 >/dev/null 2>&1; timeout 2 $s 'sleep 5'; for i in 1 2 3 4 5 6; do (exec 4<>/dev/tcp/127.0.0.1/{port}; sleep 0.3) & done; wait; $s -o RekeyLimit=100K 'head -c 1000000 /dev/zero' >/dev/null; $s -o Ciphers=aes256-ctr -o MACs=hmac-sha2-256 -o KexAlgorithms=diffie-hellman-group14-sha256 true; true
    """

"""Loads of servers that a benchmark installs for itself: apache2, haproxy,
lighttpd, mariadbd, named, vsftpd and busybox's small ones."""

import contextlib
import os
import shutil
import signal
import subprocess
import time

import support
from elf_programs import program, sh
from elf_servers import ask, certificate, running

APACHE = """
ServerRoot {dir}
PidFile {dir}/pid
Mutex {mutex}
Listen 127.0.0.1:{port}
Listen 127.0.0.1:{tls}
User www-data
Group www-data
ServerName localhost
DefaultRuntimeDir {dir}
StartServers 2
MaxConnectionsPerChild 50
Timeout 5
KeepAliveTimeout 1
{modules}
ErrorLog {dir}/error.log
CustomLog "|/bin/cat" common
CustomLog {dir}/access.log common
LogLevel debug
EnableSendfile On
EnableMMAP On
ScoreBoardFile {dir}/score
ScriptSock {dir}/cgisock
DocumentRoot {dir}/www
DavLockDB {dir}/www-dav-lock
CacheRoot {dir}/cache
CacheEnable disk /
SSLSessionCache shmcb:{dir}/ssl(512000)
SSLRandomSeed startup file:/dev/urandom 16
TypesConfig /etc/mime.types
ExtendedStatus On
AddOutputFilterByType DEFLATE text/html
<Directory {dir}/www>
  Options +Indexes +Includes +FollowSymLinks +ExecCGI
  AllowOverride All
  Require all granted
  AddHandler cgi-script .cgi
  AddOutputFilter INCLUDES .shtml
</Directory>
<Location /dav>
  Dav On
</Location>
<Location /status>
  SetHandler server-status
</Location>
<Location /auth>
  AuthType Basic
  AuthName x
  AuthUserFile {dir}/users
  Require valid-user
</Location>
ProxyPass /back http://127.0.0.1:{port}/index.html
ProxyPass /broken http://127.0.0.1:1/
ProxyPass /sock unix:{dir}/none.sock|http://x/
ProxyPass /fcgi fcgi://127.0.0.1:1/
RewriteEngine On
RewriteMap m "prg:/bin/cat"
RewriteRule ^/map/(.*) /${{m:$1}} [L]
RewriteRule ^/old /index.html [R]
<VirtualHost 127.0.0.1:{tls}>
  SSLEngine On
  SSLCertificateFile {dir}/cert.pem
  SSLCertificateKeyFile {dir}/key.pem
  Protocols h2 http/1.1
</VirtualHost>
"""

APACHE_MODULES = ("authn_core authn_file authz_core authz_host authz_user auth_basic access_compat alias autoindex "
                  "cache cache_disk cgid deflate dir env expires filter headers http2 include mime negotiation proxy "
                  "proxy_http proxy_fcgi rewrite setenvif slotmem_shm socache_shmcb ssl status dav dav_fs dav_lock "
                  "reqtimeout unique_id remoteip info")


@program("/usr/sbin/apache2", "apache2-bin curl openssl mime-support")
def load_apache2(directory):
    port, tls = support.free_port(), support.free_port()
    certificate(directory)
    os.chmod(directory, 0o755)
    for name in ("www/dav", "cache", "www/sub"):
        os.makedirs(f"{directory}/{name}")
    for name in ("www/dav", "www", "cache"):
        shutil.chown(f"{directory}/{name}", "www-data", "www-data")
    support.write(f"{directory}/www/index.html", "hello\n" * 5000)
    support.write(f"{directory}/www/x.cgi", "#!/bin/sh\necho Content-Type: text/plain\necho\ncat\necho cgi\n")
    support.write(f"{directory}/www/x.shtml", '<!--#echo var="DATE_LOCAL" --><!--#include virtual="/index.html" --><!--#exec cmd="echo x" -->')
    support.write(f"{directory}/www/sub/.htaccess", "Require all denied\n")
    support.write(f"{directory}/users", "u:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\nv:$apr1$x$Mv1wDdsrwxRmBRS7cAkS41\n")
    os.chmod(f"{directory}/www/x.cgi", 0o755)
    with open(f"{directory}/www/big", "wb") as big:
        big.write(os.urandom(3 << 20))
    for mpm, mutex in (("event", "default"), ("prefork", f"file:{directory}"), ("worker", "sysvsem")):
        names = APACHE_MODULES if mpm != "prefork" else APACHE_MODULES.replace("cgid", "cgi").replace("http2 ", "")
        modules = "".join(f"LoadModule {'mpm_' + n + '_module' if n == mpm else n + '_module'} "
                          f"/usr/lib/apache2/modules/{'mod_mpm_' + n if n == mpm else 'mod_' + n}.so\n"
                          for n in [mpm, *names.split()])
        text = APACHE.format(dir=directory, port=port, tls=tls, modules=modules, mutex=mutex)
        if mpm == "prefork":
            text = text.replace("Protocols h2 http/1.1", "").replace(f"ScriptSock {directory}/cgisock\n", "")
        conf = support.write(f"{directory}/apache.conf", text)
        sh(f"""
          a="apache2 -f {conf}"; u=http://127.0.0.1:{port}; c() {{ curl -s -m 5 -o /dev/null "$@"; }}
          $a -t || exit 8; $a -k start; for i in $(seq 100); do c $u/ && break; sleep 0.1; done
          must curl -sf -m 9 $u/big -o got; must cmp got www/big; must curl -skf -m 9 https://127.0.0.1:{tls}/index.html -o /dev/null; curl -skf --http2 -m 9 https://127.0.0.1:{tls}/big https://127.0.0.1:{tls}/index.html >/dev/null
          for p in missing sub/ status back broken sock fcgi map/index.html old x.cgi x.cgi?a=b x.shtml dav/ auth big index.html %00; do c "$u/$p"; done; c -u u:p $u/auth; c -u v:x $u/auth; c -d @www/big $u/x.cgi; c -T www/big $u/dav/a; c -X MKCOL $u/dav/d; c -X COPY -H "Destination: $u/dav/b" $u/dav/a; c -X MOVE -H "Destination: $u/dav/e" $u/dav/b; c -X PROPFIND -H 'Depth: 1' $u/dav/; c -X LOCK -d '<?xml version="1.0"?><lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>' $u/dav/a; c -X DELETE $u/dav/e; c -X DELETE $u/dav/d
          c -r 0-9,20-30 $u/big; c -I $u/big; c --compressed $u/index.html; c -H 'Expect: 100-continue' -d @www/big $u/back; c -H 'Range: bytes=5-' $u/index.html; wrk -t1 -c20 -d1s $u/index.html >/dev/null; (exec 3<>/dev/tcp/127.0.0.1/{port}; echo nonsense >&3; cat <&3 >/dev/null)
          mv access.log old.log; $a -k graceful; sleep 0.7; c $u/; read -r p <pid; read -r w _ </proc/$p/task/$p/children; kill -KILL $w; sleep 0.5; cp {conf} good; echo Nonsense >>{conf}; $a -k restart; cp good {conf}; $a -k restart; sleep 0.7; c $u/; $a -k graceful-stop; for i in $(seq 60); do [ -e pid ] || break; sleep 0.1; done; [ -e pid ] && kill $(cat pid); sleep 0.3; $a -k stop; $a -M >/dev/null; $a -S >/dev/null; apache2 -V >/dev/null; apache2 -l; ! apache2 -f /nowhere -t; rm -f pid; true
        """, directory)


HAPROXY = """
global
  maxconn 100
  nbthread 2
  stats socket {dir}/stats mode 600 level admin expose-fd listeners
  log 127.0.0.1:9 local0
  log {dir}/log.sock local0
  log stdout format raw local1
  user nobody
  group nogroup
  chroot {dir}/empty
  pidfile {dir}/pid
  tune.ssl.default-dh-param 2048
  lua-load {dir}/x.lua
resolvers r
  nameserver a 127.0.0.1:1
peers p
  peer {host} 127.0.0.1:{peer}
cache c
  total-max-size 4
  max-age 5
defaults
  mode http
  log global
  option httplog
  timeout connect 1s
  timeout client 3s
  timeout server 3s
  errorfile 503 {dir}/503
frontend f
  bind 127.0.0.1:{port}
  bind 127.0.0.1:{tls} ssl crt {dir}/both.pem alpn h2,http/1.1
  bind {dir}/front.sock
  bind abns@vambrace-{port}
  bind [::1]:{port} v6only
  stats enable
  stats uri /stats
  stick-table type ip size 1k expire 10s store http_req_rate(10s) peers p
  http-request track-sc0 src
  http-request cache-use c if {{ path_beg /cached }}
  http-response cache-store c
  compression algo gzip
  compression type text/html
  http-request return status 200 content-type text/plain string hi if {{ path /hi }}
  http-request lua.x if {{ path /lua }}
  http-request deny if {{ path /denied }}
  acl m path -f {dir}/paths
  use_backend broken if {{ path /broken }}
  use_backend tcp if {{ path /tls }}
  default_backend b
backend b
  balance roundrobin
  cookie S insert
  option httpchk GET /index.html
  server a 127.0.0.1:{back} check inter 200ms cookie a
  server u unix@{dir}/back.sock check inter 200ms
  server d localhost.invalid:80 resolvers r init-addr none check
  server x 127.0.0.1:1 check inter 200ms backup agent-check agent-port 1
backend broken
  retries 1
  server x 127.0.0.1:1
backend tcp
  server x 127.0.0.1:{tls} ssl verify none check send-proxy-v2
listen raw
  mode tcp
  bind 127.0.0.1:{tcp} accept-proxy tfo
  server a 127.0.0.1:{back} source 127.0.0.1
listen ext
  mode tcp
  bind 127.0.0.1:{ext}
  option external-check
  external-check command /bin/true
  server a 127.0.0.1:{back} check inter 300ms
"""


@program("/usr/sbin/haproxy", "haproxy nginx-light curl wrk")
def load_haproxy(directory):
    ports = {name: support.free_port() for name in ("port", "tls", "back", "peer", "tcp", "ext")}
    certificate(directory)
    os.makedirs(f"{directory}/empty")
    support.write(f"{directory}/503", "HTTP/1.0 503 no\r\n\r\nno\n")
    support.write(f"{directory}/paths", "/a\n/b\n")
    support.write(f"{directory}/x.lua", "core.register_action('x', {'http-req'}, function(t) core.sleep(0.01); local s = core.tcp(); s:connect('127.0.0.1', 1) end)\ncore.register_task(function() core.msleep(5) end)\n")
    text = HAPROXY.format(dir=directory, host=os.uname().nodename, **ports)
    text = text.replace("global\n", "global\n  external-check\n  insecure-fork-wanted\n", 1)
    conf = support.write(f"{directory}/haproxy.cfg", text)
    support.nginx(directory, ports["back"])
    support.write(f"{directory}/s.py", "")
    with running(["nginx", "-e", f"{directory}/error.log", "-c", f"{directory}/nginx.conf"], ports["back"]):
        sh(f"haproxy -c -f {conf} || exit 7; echo nonsense >bad; ! haproxy -c -f $PWD/bad; ! haproxy -f /nowhere; haproxy -vv >/dev/null; haproxy -h >/dev/null; true", directory)
        for extra in (["-W", "-S", f"{directory}/master"], ["-W", "-n", "50", "-dM"], ["-db"], ["-dp", "-dk", "-dS", "-db"]):
            with running(["haproxy", *extra, "-f", conf], ports["port"], signal.SIGUSR1 if "-dM" in extra else signal.SIGTERM,
                         cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
                sh(f"""
                  u=http://127.0.0.1:{ports["port"]}; c() {{ curl -s -m 5 -o /dev/null "$@"; }}; sleep 0.5
                  for i in 1 2 3 4 5; do c $u/index.html; done; must curl -sf -m 5 $u/hi >/dev/null; for p in broken denied lua tls cached/x stats missing; do c $u/$p; done; c -k https://127.0.0.1:{ports["tls"]}/index.html; c -k --http2 https://127.0.0.1:{ports["tls"]}/index.html; c --unix-socket front.sock http://x/; c 'http://[::1]:{ports["port"]}/'; c --haproxy-protocol http://127.0.0.1:{ports["tcp"]}/index.html; c http://127.0.0.1:{ports["tcp"]}/; head -c 300000 /dev/zero | c -T - $u/index.html; c --compressed $u/index.html; wrk -t1 -c30 -d1s $u/index.html >/dev/null
                  python3 - <<'P'
import socket
for w in ("show info", "show stat", "show sess", "show fd", "show threads", "show errors", "show pools", "disable server b/a", "enable server b/a", "set weight b/a 5", "show table f", "clear counters", "show peers", "show activity", "add map x y", "show ssl cert", "set server b/u addr 127.0.0.1 port 2", "shutdown sessions server b/a", "debug dev log x", "help", "show profiling", "set profiling tasks on", "set profiling memory on", "show resolvers", "nonsense", "@!9 x", "show cli sockets", "dump stats-file", "show dev"):
    for path in ("stats",) + (("master",) if w in ("show info", "help") else ()):
        try:
            s = socket.socket(socket.AF_UNIX); s.settimeout(2); s.connect(path); s.sendall(w.encode() + b"\\n")
            while s.recv(65536): pass
        except OSError: pass
P
                  true
                """, directory)
                if "-W" in extra:
                    process.send_signal(signal.SIGUSR2)
                    time.sleep(1.0)
                    process.send_signal(signal.SIGHUP)
                process.send_signal(signal.SIGQUIT)
                time.sleep(0.3)
                with contextlib.suppress(Exception):
                    ask(ports["port"], b"nonsense\r\n\r\n")
        sh(f"haproxy -D -f {conf}; sleep 0.6; old=$(cat pid); haproxy -D -f {conf} -x stats -sf $old; sleep 0.8; haproxy -D -f {conf} -st $(cat pid); sleep 0.5; kill -TTOU $(cat pid); kill -TTIN $(cat pid); kill $(cat pid); sleep 0.3; kill $old 2>/dev/null; true", directory)


@program("/usr/sbin/lighttpd", "lighttpd curl wrk")
def load_lighttpd(directory):
    port = support.free_port()
    os.chmod(directory, 0o755)
    support.write(f"{directory}/www/index.html", "hello\n" * 3000)
    support.write(f"{directory}/www/x.cgi", "#!/bin/sh\necho Content-Type: text/plain\necho\ncat\n")
    support.write(f"{directory}/www/x.shtml", '<!--#echo var="DATE_LOCAL" --><!--#include virtual="/index.html" --><!--#exec cmd="echo x" -->')
    support.write(f"{directory}/users", "u:p\n")
    os.chmod(f"{directory}/www/x.cgi", 0o755)
    for name in ("up", "cache"):
        os.makedirs(f"{directory}/{name}")
        shutil.chown(f"{directory}/{name}", "www-data")
    shutil.chown(directory, "www-data")
    with open(f"{directory}/www/big", "wb") as big:
        big.write(os.urandom(3 << 20))
    for backend in ("linux-sysepoll", "poll"):
        conf = support.write(f"{directory}/l.conf", f"""
server.modules = ("mod_access", "mod_accesslog", "mod_auth", "mod_authn_file", "mod_cgi", "mod_dirlisting", "mod_proxy", "mod_rewrite", "mod_redirect", "mod_ssi", "mod_status", "mod_expire", "mod_fastcgi", "mod_scgi", "mod_evhost", "mod_simple_vhost", "mod_setenv", "mod_userdir", "mod_extforward", "mod_alias", "mod_staticfile", "mod_indexfile", "mod_wstunnel", "mod_sockproxy")
server.document-root = "{directory}/www"
server.errorlog = "{directory}/error.log"
accesslog.filename = "{directory}/access.log"
$HTTP["url"] =~ "^/piped" {{ accesslog.filename = "|/bin/cat >/dev/null" }}
server.breakagelog = "{directory}/break.log"
server.pid-file = "{directory}/pid"
server.username = "www-data"
server.groupname = "www-data"
server.port = {port}
server.bind = "127.0.0.1"
$SERVER["socket"] == "{directory}/l.sock" {{ }}
server.event-handler = "{backend}"
server.max-worker = {2 if backend == "poll" else 0}
server.network-backend = "{'writev' if backend == 'select' else 'sendfile'}"
server.upload-dirs = ("{directory}/up")
server.stat-cache-engine = "{'inotify' if backend == 'linux-sysepoll' else 'simple'}"
server.max-fds = 512
server.rlimit = 1
server.core-files = "enable"
index-file.names = ("index.html")
dir-listing.activate = "enable"
url.access-deny = ("~")
url.redirect = ("^/old" => "/index.html")
cgi.assign = (".cgi" => "")
ssi.extension = (".shtml")
status.status-url = "/status"
$HTTP["url"] =~ "^/auth" {{ auth.backend = "plain" auth.backend.plain.userfile = "{directory}/users" auth.require = ("" => ("method" => "basic", "realm" => "x", "require" => "valid-user")) }}
$HTTP["url"] =~ "^/back" {{ proxy.server = ("" => (("host" => "127.0.0.1", "port" => {port}))) proxy.header = ("map-urlpath" => ("/back" => "/")) }}
$HTTP["url"] =~ "^/broken" {{ proxy.server = ("" => (("host" => "127.0.0.1", "port" => 1))) }}
$HTTP["url"] =~ "^/fcgi" {{ fastcgi.server = ("" => (("host" => "127.0.0.1", "port" => 1, "check-local" => "disable"))) }}
server.errorfile-prefix = "{directory}/err-"
""".replace('server.rlimit = 1\n', ''))
        sh(f"""
          u=http://127.0.0.1:{port}; c() {{ curl -s -m 5 -o /dev/null "$@"; }}
          lighttpd -tt -f {conf} || exit 7; lighttpd -p -f {conf} >/dev/null; lighttpd -V >/dev/null; echo nonsense >bad; ! lighttpd -t -f $PWD/bad; lighttpd -f {conf}; for i in $(seq 100); do c $u/ && break; sleep 0.1; done
          must curl -sf -m 9 $u/big -o got; must cmp got www/big; for p in missing x.cgi x.shtml status auth back broken fcgi old piped www/ index.html~ ; do c "$u/$p"; done; c -u u:p $u/auth; c -d @www/big $u/x.cgi; c -T www/big $u/x.cgi; c -r 0-9,20-30 $u/big; c -I $u/big; c --unix-socket l.sock http://x/; c --http2-prior-knowledge $u/index.html; c --compressed $u/index.html; mkdir -p www/list; c $u/list/; wrk -t1 -c20 -d1s $u/index.html >/dev/null; (exec 3<>/dev/tcp/127.0.0.1/{port}; echo nonsense >&3; cat <&3 >/dev/null)
          touch www/index.html; c $u/index.html; mv access.log old.log; kill -HUP $(cat pid); sleep 0.3; c $u/; kill -USR1 $(cat pid); sleep 1; c $u/; kill -INT $(cat pid); for i in $(seq 60); do [ -e pid ] || break; sleep 0.1; done; [ -s pid ] && kill $(cat pid); sleep 0.3; rm -f pid; timeout 1 lighttpd -D -f {conf}; timeout -s INT 1 lighttpd -D -i 1 -f {conf}; echo x | lighttpd -1 -f {conf}; rm -f pid l.sock; true
        """, directory)


@program("/usr/sbin/mariadbd", "mariadb-server-core mariadb-client-core")
def load_mariadbd(directory):
    port = support.free_port()
    os.chmod(directory, 0o777)
    os.makedirs(f"{directory}/out", mode=0o777)
    os.chmod(f"{directory}/out", 0o777)
    base = (f"--no-defaults --datadir={directory}/data --port={port} --bind-address=127.0.0.1 --socket={directory}/m.sock --user=nobody "
            f"--pid-file={directory}/pid --log-error={directory}/err.log --innodb-buffer-pool-size=16M --log-bin={directory}/data/bin --server-id=1 --general-log=1 "
            f"--slow-query-log=1 --long-query-time=0 --secure-file-priv= --local-infile=1 --event-scheduler=on --innodb-log-file-size=4M "
            f"--innodb-file-per-table=1 --aria-pagecache-buffer-size=1M --tmp-disk-table-size=1M --query-cache-size=1M --query-cache-type=1 --performance-schema=1")
    sh(f"""
      must mariadb-install-db --no-defaults --user=nobody --datadir=$PWD/data --auth-root-authentication-method=normal --skip-test-db >/dev/null 2>&1; ! mariadbd --no-defaults --datadir=/nowhere --user=nobody 2>/dev/null; mariadbd --no-defaults --verbose --help >/dev/null 2>&1; ! mariadbd --no-defaults --nonsense 2>/dev/null
      start() {{ mariadbd {base} "$@" >/dev/null 2>&1 & pid=$!; for i in $(seq 200); do mariadb --no-defaults -S m.sock -uroot -e 'select 1' >/dev/null 2>&1 && break; sleep 0.1; done; }}; q() {{ mariadb --no-defaults -S m.sock -uroot -f "$@" 2>&1; }}
      start; must q -e 'select 1' >/dev/null; mariadb --no-defaults -h127.0.0.1 -P{port} -uroot -e 'status' >/dev/null; mariadb --no-defaults -h127.0.0.1 -P{port} -uroot --ssl -e 'select 1' >/dev/null 2>&1; mariadb --no-defaults -h127.0.0.1 -P{port} -unosuch -px -e 1 2>/dev/null
      cat >s.sql <<'S'
create database d; use d; create table t(i int primary key auto_increment, m varchar(100), b longtext, key(m), fulltext(b)) engine=innodb; insert into t(m,b) select md5(seq), repeat('x ', 1000) from seq_1_to_5000; update t set m='y' where i%7=0; delete from t where i%11=0; optimize table t; analyze table t; check table t; alter table t add column z int, algorithm=copy; alter table t drop column z; alter table t add index(z1) ; create index ix on t(b(20));
create table a engine=aria as select * from t; create table y engine=myisam as select * from t; create table c engine=csv as select 1 as x; create table mem engine=memory as select i from t; create table p(i int) partition by hash(i) partitions 3; insert into p select i from t; alter table p coalesce partition 1; repair table y; check table a extended; create temporary table tmp as select * from t; select count(*) from (select * from t order by b desc) x; select sql_no_cache count(*) from t x join t w on x.m=w.m; select * from t group by b order by m limit 3;
select * from t into outfile 'OUT/t.txt'; load data infile 'OUT/t.txt' replace into table t; select load_file('/etc/hostname'); select * from t into dumpfile 'OUT/t.dump'; load data local infile 'in.txt' into table p; delimiter //
create procedure pr() begin declare i int default 0; while i < 100 do set i=i+1; insert into p values(i); end while; end// create trigger tr before insert on p for each row set new.i=new.i+1// create event ev on schedule every 1 second do insert into p values(1)// delimiter ;
call pr(); begin; update t set m='z' where i<50; savepoint s; rollback to s; commit; xa start 'x'; insert into p values(1); xa end 'x'; xa prepare 'x'; xa commit 'x'; flush tables; flush logs; flush binary logs; purge binary logs before now(); show engine innodb status; show global status; show variables; show processlist; show master status; reset master; set global general_log=0; set global innodb_buffer_pool_dump_now=1; set global innodb_buffer_pool_size=33554432; set global max_connections=50; set global query_cache_size=0; lock tables t write; unlock tables; flush tables with read lock; unlock tables; backup stage start; backup stage end; create user u identified by 'p'; grant all on d.* to u; create sequence sq; select nextval(sq), sleep(0.1), uuid(), benchmark(1000,md5('x')), get_lock('l',1), json_extract('[1]','$[0]'), convert_tz(now(),'+00:00','+01:00'), encrypt('x'), compress('x'), aes_encrypt('a','b'), release_lock('l'); install soname 'nosuch'; install soname 'ha_archive'; create table ar(i int) engine=archive; insert into ar values(1); install soname 'ha_blackhole'; uninstall soname 'ha_archive'; create function f returns int soname 'x.so'; select * from missing; kill query 99; change master to master_host='127.0.0.1', master_port=1; start slave; do sleep(1.5); stop slave; reset slave all; truncate t; drop table p; rename table y to y2; alter table a engine=innodb encrypted=no; create view v as select 1; set statement max_statement_time=0.2 for select sleep(3); drop database if exists nosuch; shutdown
S
      sed -i "s#OUT#$PWD/out#g" s.sql; sed -i 's/; *shutdown$/;/' s.sql; seq 100 >in.txt; q --local-infile=1 <s.sql >sql.log; (q d -e 'begin; select * from t for update; select sleep(1)' & sleep 0.2; q d -e 'set innodb_lock_wait_timeout=1; update a set m=1' >/dev/null; wait) >/dev/null
      for i in 1 2 3 4 5 6; do q d -e "insert into a(m) select m from a limit 100" >/dev/null & done; sleep 1; kill -HUP $pid; sleep 0.5; mariadb-check --no-defaults -S m.sock -uroot -A >/dev/null 2>&1; kill -9 $pid; wait $pid 2>/dev/null; start --thread-handling=pool-of-threads --innodb-flush-method=fsync --skip-grant-tables --innodb-use-native-aio=0; q -e 'select 1' >/dev/null; q d -e 'check table a' ; kill -TERM $pid; wait $pid; start --innodb-flush-method=O_DIRECT_NO_FSYNC --large-pages --core-file --memlock --skip-networking --innodb-read-only-compressed=off; q -e 'flush tables; set global innodb_fast_shutdown=0; shutdown'; wait $pid; printf 'create database bb;\\n' >boot; mariadbd {base} --bootstrap <boot >/dev/null 2>&1; must grep -q 'ready for connections' err.log
    """, directory, seconds=250)


@program("/usr/sbin/named", "bind9 bind9-dnsutils bind9-utils")
def load_named(directory):
    port, control = support.free_port(), support.free_port()
    os.chmod(directory, 0o777)
    zone = "$TTL 60\n@ IN SOA ns a 1 60 60 60 60\n@ NS ns\nns A 127.0.0.1\n" + "".join(f"h{i} A 10.0.0.{i % 250}\n" for i in range(500)) + 'big TXT "' + "x" * 200 + '"\n'
    for name in ("static.db", "dyn.db", "signed.db"):
        support.write(f"{directory}/z/{name}", zone)
    sh(f"rndc-confgen -a -A hmac-sha256 -c $PWD/key -k rk 2>/dev/null; tsig-keygen up >up.key; chmod 644 key up.key; chown -R bind . ; chmod 755 z", directory)
    conf = support.write(f"{directory}/named.conf", f"""
include "{directory}/key"; include "{directory}/up.key";
options {{ directory "{directory}/z"; pid-file "{directory}/pid"; session-keyfile "{directory}/z/sess"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 port {port} {{ ::1; }}; dump-file "{directory}/z/dump"; statistics-file "{directory}/z/stats"; recursing-file "{directory}/z/rec"; managed-keys-directory "{directory}/z"; recursion yes; forwarders {{ 127.0.0.1 port 1; }}; forward only; allow-transfer {{ any; }}; notify explicit; also-notify {{ 127.0.0.1 port {port}; }}; dnssec-validation no; rate-limit {{ responses-per-second 100; }}; tcp-clients 20; minimal-responses yes; querylog yes; empty-zones-enable no; }};
controls {{ inet 127.0.0.1 port {control} allow {{ any; }} keys {{ rk; }}; }};
statistics-channels {{ inet 127.0.0.1 port {support.free_port()}; }};
logging {{ channel f {{ file "{directory}/z/log" versions 3 size 100k; severity debug 3; print-time yes; }}; channel s {{ syslog daemon; }}; category default {{ f; s; }}; category queries {{ f; }}; }};
zone "." {{ type hint; file "/usr/share/dns/root.hints"; }};
zone "static.test" {{ type primary; file "static.db"; }};
zone "dyn.test" {{ type primary; file "dyn.db"; update-policy {{ grant up zonesub ANY; grant local-ddns zonesub any; }}; ixfr-from-differences yes; }};
zone "signed.test" {{ type primary; file "signed.db"; dnssec-policy default; inline-signing yes; }};
zone "second.test" {{ type secondary; file "second.db"; primaries {{ 127.0.0.1 port {port}; }}; }};
zone "copy.static.test" {{ type secondary; file "copy.db"; masterfile-format text; primaries {{ 127.0.0.1 port 1; }}; }};
""")
    sh(f"""
      must named-checkconf {conf}; named-checkzone static.test z/static.db >/dev/null; echo 'nonsense {{' >bad; ! named -g -c $PWD/bad 2>/dev/null; ! named -g -c /nowhere 2>/dev/null; named -V >/dev/null; named-checkconf -z {conf} >/dev/null
      r() {{ rndc -k key -s 127.0.0.1 -p {control} "$@" 2>&1; }}; d() {{ dig +tries=1 +time=2 @127.0.0.1 -p {port} "$@"; }}
      named -c {conf} -u bind -n 2; for i in $(seq 100); do d ns.static.test +short 2>/dev/null | grep -q 127 && break; sleep 0.1; done; must test "$(d +short ns.static.test)" = 127.0.0.1
      for i in $(seq 40); do d h$i.static.test >/dev/null; done; d +tcp big.static.test txt >/dev/null; d axfr static.test >/dev/null; d axfr signed.test >/dev/null; d ixfr=1 dyn.test >/dev/null; d nosuch.static.test >/dev/null; d example.invalid >/dev/null; d +dnssec signed.test dnskey >/dev/null; d +cookie any static.test >/dev/null; d -x 127.0.0.1 >/dev/null; d version.bind ch txt >/dev/null; dig +tries=1 +time=2 @::1 -p {port} ns.static.test >/dev/null; d +opcode=status . >/dev/null; d +edns=5 . >/dev/null
      printf 'server 127.0.0.1 {port}\\nzone dyn.test\\nupdate add new.dyn.test 60 A 1.2.3.4\\nsend\\nupdate delete new.dyn.test\\nsend\\n' | nsupdate -k up.key; nsupdate -l -p {port} -k z/sess <<<$'zone dyn.test\\nupdate add l.dyn.test 5 A 1.1.1.1\\nsend\\n'; printf 'server 127.0.0.1 {port}\\nupdate add no.static.test 60 A 1.2.3.4\\nsend\\n' | nsupdate 2>/dev/null; (exec 3<>/dev/tcp/127.0.0.1/{port}; printf '\\0\\4abcd' >&3; sleep 0.2); echo x >/dev/udp/127.0.0.1/{port}
      for c in status reload reconfig "reload static.test" "freeze dyn.test" "thaw dyn.test" sync "sync -clean dyn.test" stats dumpdb "dumpdb -all" recursing flush "flushname x" "notify static.test" "retransfer second.test" "refresh second.test" querylog trace notrace "sign signed.test" "zonestatus static.test" "signing -list signed.test" "secroots" "addzone new.test {{ type primary; file \\"static.db\\"; }};" "delzone new.test" "validation check" "tcp-timeouts" "serve-stale on" "dnssec -status signed.test" "modzone x" "showzone static.test" "null" "tsig-list" "managed-keys status" "loadkeys signed.test" "scan"; do r $c >/dev/null; done
      sed -i 's/@ IN SOA ns a 1/@ IN SOA ns a 2/' z/static.db; kill -HUP $(cat pid); sleep 0.5; mv z/log z/log.x; r reload >/dev/null; sleep 0.3; echo 'nonsense {{' >>{conf}; r reconfig >/dev/null; sed -i '$d' {conf}; kill -USR1 $(cat pid) 2>/dev/null; sleep 0.2; r stop >/dev/null; for i in $(seq 100); do [ -e pid ] || break; sleep 0.1; done; mkdir -p jail; timeout -s INT 2 named -g -c {conf} -u bind -n 1 -d 9 >/dev/null 2>&1; timeout 2 named -f -4 -c {conf} -u bind -U 1 >/dev/null 2>&1; timeout 2 named -f -t $PWD/jail -u bind -c /nowhere >/dev/null 2>&1; true
    """, directory)


@program("/usr/sbin/vsftpd", "vsftpd curl openssl")
def load_vsftpd(directory):
    certificate(directory)
    os.makedirs("/var/run/vsftpd/empty", exist_ok=True)
    os.makedirs(f"{directory}/pub/up")
    os.chmod(directory, 0o755)
    shutil.chown(f"{directory}/pub/up", "games")
    support.write(f"{directory}/pub/a", "hello\n" * 10000)
    with open(f"{directory}/big", "wb") as big:
        big.write(os.urandom(3 << 20))
    for more in ("", "ssl_enable=YES\nallow_anon_ssl=YES\nrsa_cert_file={dir}/cert.pem\nrsa_private_key_file={dir}/key.pem\n",
                 "one_process_model=YES\nuse_sendfile=NO\ndual_log_enable=YES\n", "isolate_network=NO\nmax_clients=2\nmax_per_ip=1\nanon_max_rate=2000000\nasync_abor_enable=YES\nls_recurse_enable=YES\n"):
        port = support.free_port()
        conf = support.write(f"{directory}/v.conf", f"""
listen=YES
listen_port={port}
listen_address=127.0.0.1
anonymous_enable=YES
anon_root={directory}/pub
ftp_username=games
local_enable={"NO" if "one_process" in more else "YES"}
write_enable=YES
anon_upload_enable=YES
anon_mkdir_write_enable=YES
anon_other_write_enable=YES
anon_umask=022
chown_uploads={"NO" if "one_process" in more else "YES"}
chown_username=nobody
xferlog_enable=YES
vsftpd_log_file={directory}/log
log_ftp_protocol=YES
connect_from_port_20=NO
background=NO
pasv_min_port=30000
pasv_max_port=39999
idle_session_timeout=3
data_connection_timeout=3
secure_chroot_dir=/var/run/vsftpd/empty
dirmessage_enable=YES
banner_file=/etc/hostname
mdtm_write=YES
port_enable=YES
pam_service_name=vsftpd
seccomp_sandbox=NO
{more.format(dir=directory)}""")
        with running(["vsftpd", conf], port, cwd=directory):
            tls = "--ssl-reqd -k" if "ssl_enable" in more else ""
            sh(f"""
              u=ftp://127.0.0.1:{port}; c() {{ curl -s -m 6 {tls} -o /dev/null "$@"; }}
              must curl -sf -m 9 {tls} $u/a -o got; must cmp got pub/a; c $u/; c -l $u/; c -T big $u/up/b1; c -a -T big $u/up/b1; c -C 100 $u/a; c -P 127.0.0.1 $u/a; c --disable-epsv $u/a; c -B $u/a; c -r 5-10 $u/a; c -I $u/a; c $u/missing; c -u root:wrong $u/; c -u nosuch:x $u/; c -z 'Mon, 01 Jan 2035' $u/a; c --limit-rate 500k $u/up/b1; (timeout -s INT 0.3 curl -s --limit-rate 100k {tls} $u/up/b1 -o /dev/null)
              for q in 'MKD up/d' 'RMD up/d' 'RNFR up/b1' 'RNTO up/b2' 'SIZE a' 'MDTM a' 'MDTM 20200101000000 up/b2' 'SITE CHMOD 600 up/b2' 'SITE UMASK 022' 'SITE HELP' 'DELE up/b2' 'STAT .' 'STAT' 'HELP' 'FEAT' 'SYST' 'NOOP' 'OPTS UTF8 ON' 'CDUP' 'PWD' 'ALLO 5' 'NONSENSE' 'ABOR' 'MODE S' 'STRU F' 'TYPE A' 'ACCT x' 'SMNT x' 'REIN' 'STOU' 'XPWD' 'NLST' 'EPRT |1|127.0.0.1|1|' 'PORT 127,0,0,1,0,1' 'REST 5'; do c -Q "$q" $u/ --max-time 4; done; curl -s -m 6 {tls} -Q 'RNFR a' -Q 'RNTO up/z' $u/ -o /dev/null; (exec 3<>/dev/tcp/127.0.0.1/{port}; printf 'USER ftp\\r\\nPASS x\\r\\nPASV\\r\\nSTOR up/n\\r\\nLIST -lRa\\r\\nQUIT\\r\\n' >&3; timeout 3 cat <&3 >/dev/null); (exec 3<>/dev/tcp/127.0.0.1/{port}; timeout 5 cat <&3 >/dev/null); for i in 1 2 3; do (exec 4<>/dev/tcp/127.0.0.1/{port}; sleep 0.4) & done; wait; mv pub/up/z pub/a 2>/dev/null; [ -e pub/a ] || cp got pub/a; true
            """, directory)
            sh(f"kill -HUP $(pgrep -o -x vsftpd -P {os.getpid()}) 2>/dev/null; true", directory)
    sh("echo nonsense=1 >bad; ! vsftpd $PWD/bad; ! vsftpd /nowhere; vsftpd -v; true", directory)

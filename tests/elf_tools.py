"""Loads of programs that run and end: archivers, git, curl, openssl, sqlite3,
find and search, build tools."""

import os
import shutil

import support
from elf_programs import program, sh
from elf_servers import certificate, running


@program("/bin/bash", "bash util-linux", usual=True)
def load_bash(directory):
    script = support.write(f"{directory}/s.sh", r"""
shopt -s extglob globstar nullglob; set -m
trap 'echo got usr1' USR1; trap 'echo bye' EXIT; trap ':' CHLD DEBUG ERR
kill -USR1 $$; kill -0 $$; ulimit -a >/dev/null; ulimit -n 512; ulimit -c 0; umask 027; umask -S >/dev/null
coproc cat; echo hi >&${COPROC[1]}; read -r line <&${COPROC[0]}; exec {COPROC[1]}>&-; wait $COPROC_PID
diff <(echo a) <(echo b) >/dev/null; tee >(cat >/dev/null) </dev/null
while read -r -t 0.1 x; do :; done < <(sleep 0.3); read -t 0 x </dev/null; read -r -n 3 x <<<abcdef
mapfile -t lines < /etc/passwd; printf -v now '%(%F)T' -1; printf '%q %b\n' "a b" 'x\ty' >/dev/null
cat <<EOF >here; here-document $(head -c 70000 /dev/zero | tr '\0' x)
EOF
exec 7<>here 8>&1 9<&7; echo more >>here; echo over >|here; exec 7>&- 9<&-; [[ -r here && -w here && here -nt /etc/passwd ]]
test -x here || test -t 0 || test -O here || test -k here || test -S here || test -p here
mkdir -p d/e/f; cd d; cd -; pushd d >/dev/null; popd >/dev/null; pwd -P; cd -P d/e; cd "$OLDPWD"; ls d/** >/dev/null
sleep 1 & kill %1; wait %1; sleep 0.1 & wait -n; (sleep 0.2 &) ; sleep 1 & disown; kill $!
sleep 1 & kill -STOP $!; jobs -l; kill -CONT $!; fg %- >/dev/null 2>&1 & kill $!; bg 2>/dev/null
echo a | { read -r x; echo "$x"; } | (cat; exit 3); echo "${PIPESTATUS[@]}"
set +m; ( ulimit -v 4000000; exec true ); (exec /nowhere); /etc/passwd; nosuchcommand; ./d; : >/nowhere/x
times; time true; hash -r; type -a ls; command -v ls; enable -a >/dev/null; complete -W x y; compgen -f / >/dev/null
history -s x; history -w hist; history -r hist; fc -l; bind -l >/dev/null 2>&1; suspend 2>/dev/null
exec 5<>/dev/tcp/127.0.0.1/1; echo >/dev/udp/127.0.0.1/9; echo ~root ~nobody "$RANDOM $SECONDS $EPOCHREALTIME $SRANDOM"
source /dev/stdin <<<'echo sourced'; eval 'echo e'; select x in a b; do break; done <<<1; let x=1+1; declare -A m=([a]=1)
f() { local x=1; return 2; }; f; export -f f; bash -c f; exec 3< <(echo x); readarray -t a <&3; caller; getopts a: o -a 1
echo 'sleep 0.1; echo x' | bash -i >/dev/null; bash -r -c 'cd /' ; bash --posix -c 'echo $-'; bash -n "$0"; bash --login -c true
timeout -s INT 0.3 bash -c 'trap "exit 4" INT; sleep 1 & wait'; bash -c 'kill -SEGV $$'; bash -c 'kill -9 $$'
exec bash -c 'echo replaced'
""")
    sh(f"bash {script} </dev/null >out 2>err; must grep -q replaced out; must grep -q sourced out; "
       f"printf 'cat &\\nsleep 3\\n\\032\\njobs\\nfg\\n\\003\\necho typed\\texit\\nread x\\nabc\\nexit\\n' | "
       f"script -qec 'bash --norc -i' /dev/null >typed 2>&1 || true", directory)


@program("/bin/tar", "tar gzip bzip2 xz-utils attr")
def load_tar(directory):
    sh(r"""
      mkdir -p a/b/c; for i in $(seq 60); do echo $i >a/b/$i; done; ln a/b/1 a/hard; ln -s b/2 a/soft; ln -s /nowhere a/dangling
      mkfifo a/pipe; mknod a/null c 1 3 || true; truncate -s 9M a/sparse; echo end >>a/sparse; chmod 0640 a/b/3; chmod u+s a/b/4
      head -c 5000000 /dev/urandom >a/big; setfattr -n user.x -v y a/b/5 2>/dev/null || true; touch -d 2001-01-01 a/b/6
      chown nobody a/b/7 || true; n=$(printf 'l%.0s' $(seq 150)); mkdir a/$n; echo x >a/$n/$n
      tar cf p.tar a; tar czf p.tgz a; tar cjf p.tbz a; tar cJf p.txz a; tar -I 'gzip -1' -cf q.tgz a; tar caf r.tar.gz a
      tar --xattrs --acls --selinux -cSf s.tar a; tar --format=ustar -cf u.tar a 2>/dev/null || true
      tar --format=posix -cf x.tar a; tar -g snar -cf i0.tar a; echo new >a/new; tar -g snar -cf i1.tar a
      tar tvf p.tar >/dev/null; tar tzf p.tgz >/dev/null; tar df p.tar >/dev/null || true; tar -cf - a | tar -xf - -C /dev/shm a/b/1
      rm /dev/shm/a/b/1; rmdir /dev/shm/a/b /dev/shm/a
      for f in p.tar p.tgz p.tbz p.txz s.tar x.tar; do rm -rf o; mkdir o; tar -xpf $f -C o --xattrs --numeric-owner; must cmp a/big o/a/big; done
      tar -xf i0.tar -C o -g /dev/null; tar -xf i1.tar -C o -g /dev/null; tar -xkf p.tar -C o 2>/dev/null || true
      tar --keep-newer-files -xf p.tar -C o 2>/dev/null; tar --unlink-first -xf p.tar -C o; tar --overwrite -xf p.tar -C o
      tar --backup=numbered -xf p.tar -C o; tar --recursive-unlink -xf p.tar -C o; tar -rf p.tar a/new; tar -uf p.tar a; tar -Af p.tar x.tar
      tar --delete -f p.tar a/new; tar -cf - a --exclude='b/*' --transform 's/a/z/' -v | tar -tvf - >/dev/null
      tar -cML 2000 -f m1.tar -f m2.tar -f m3.tar -f m4.tar -f m5.tar a/big 2>/dev/null; tar -tMf m1.tar -f m2.tar -f m3.tar >/dev/null
      cp -a a rm; tar --remove-files -cf rm.tar rm; test ! -e rm; tar -xOf p.tar a/b/1 | grep -q 1; tar --to-command='cat >/dev/null' -xf p.tgz
      tar --checkpoint=10 --checkpoint-action=exec=true --totals -cf c.tar a 2>/dev/null; find a -type f -print0 | tar --null -T - -cf t.tar
      tar -cf l.tar --label=x --mtime=2020-01-01 --owner=root --group=root --sort=name -h a/soft; tar --utc --full-time -tvf l.tar >/dev/null
      ! tar xf /nowhere; ! tar xf a/big 2>/dev/null; ! tar -cf /nowhere/x a; head -c 3000 p.tgz >cut.tgz; ! tar xzf cut.tgz -C o 2>/dev/null
      tar -W -cf w.tar a/b; tar -C a -cf - . | (cd o; tar -xf - --same-owner --delay-directory-restore); tar --lzma -cf z a 2>/dev/null || true
      chmod 000 a/b/8; setpriv --reuid=65534 --clear-groups tar cf /dev/null a 2>/dev/null || true; tar -cf y.tar --one-file-system --totals=SIGUSR1 a 2>/dev/null
      mkdir -m 777 n; (cd n; setpriv --reuid=65534 --clear-groups tar xf ../x.tar 2>/dev/null || true); true
    """, directory)


@program("/bin/gzip", "gzip", usual=True)
def load_gzip(directory):
    sh(r"""
      head -c 5000000 /dev/urandom >r; seq 300000 >t; cp t u; gzip -kv t r 2>/dev/null; gzip -t t.gz; gzip -lv t.gz >/dev/null
      gzip -dc t.gz | must cmp - t; gzip -9n <t >t9.gz; gzip --rsyncable -1 -c t >t1.gz; cat t9.gz t1.gz | gzip -dc >/dev/null
      gzip u; gzip -d u.gz; must cmp t u; gzip -fk u; gzip -S .zz u; gzip -d -S .zz u.zz; mkdir -p d/e; seq 9 >d/1; seq 9 >d/e/2; gzip -r d; gzip -dr d
      ! gzip -d r 2>/dev/null; head -c 1000 t.gz >cut.gz; ! gzip -t cut.gz 2>/dev/null; ! gzip /nowhere 2>/dev/null; ! gzip d 2>/dev/null
      ln t hard; ! gzip hard 2>/dev/null; ln -s t soft; ! gzip soft 2>/dev/null; gzip -f hard; touch -d 2001-01-01 v; gzip -N v; gzip -dN v.gz
      echo y | gzip -k t || true; printf 'n\n' | script -qec 'gzip -k t' /dev/null >/dev/null || true; chown nobody u; chmod 640 u; gzip -f u
      gzip -h >/dev/null; gzip -V >/dev/null; gzip -L >/dev/null; timeout -s INT 0.3 gzip -c /dev/zero >/dev/null
      (cp r big; cat r r r r r r r r >big; gzip big & p=$!; sleep 0.2; kill -TERM $p; wait $p || true; test ! -e big.gz)
      ! gzip -c t >/dev/full; gzip --synchronous t -f; timeout 1 gzip -c </dev/null >/dev/null; printf '\037\235\220' | gzip -dc 2>/dev/null || true
    """, directory)


@program("/usr/bin/sqlite3", "sqlite3", usual=True)
def load_sqlite3(directory):
    fill = ("with recursive n(i) as (select 1 union all select i + 1 from n where i < {n}) "
            "insert into t select i, randomblob(200) from n;")
    sh(f"""
      sqlite3 db "create table t(a integer primary key, b); {fill.format(n=20000)}"
      sqlite3 db "pragma journal_mode=wal; {fill.format(n=1).replace('i, ', 'null, ')} pragma wal_checkpoint(truncate); pragma journal_mode=delete"
      for m in truncate persist memory off wal delete; do sqlite3 db "pragma journal_mode=$m; begin immediate; update t set b=1 where a<99; commit"; done
      for s in off normal full extra; do sqlite3 db "pragma synchronous=$s; pragma fullfsync=1; pragma cell_size_check=1; delete from t where a=$RANDOM"; done
      sqlite3 db "pragma mmap_size=100000000; select sum(length(b)) from t; pragma locking_mode=exclusive; update t set b=2 where a=5; pragma integrity_check" >/dev/null
      sqlite3 db "pragma temp_store=file; pragma cache_size=10; pragma cache_spill=1; create temp table x as select * from t order by b; create index i on t(b); select count(*) from x" >/dev/null
      sqlite3 db "vacuum; vacuum into 'copy.db'; analyze; reindex; pragma auto_vacuum=2; vacuum; delete from t where a>9000; pragma incremental_vacuum; pragma optimize"
      sqlite3 db ".backup b.db" ".restore b.db" ".clone c.db" ".save s.db" ".dump t" >dump.sql; sqlite3 n.db <dump.sql; sqlite3 n.db ".schema" ".databases" ".dbinfo" ".stats on" "select 1" ".vfslist" ".timer on" "select 2" >/dev/null
      printf '1,2\\n3,4\\n' >in.csv; sqlite3 n.db ".mode csv" ".import in.csv csv" ".import '|cat in.csv' csv2" ".output out.csv" "select * from csv" ".output" ".once '|cat >/dev/null'" "select 1" ".system true" ".shell pwd" ".read dump.sql" ".cd /" >/dev/null 2>&1 || true
      sqlite3 db ".archive -cf a.zip in.csv" ".archive -tf a.zip" ".ar -c in.csv" ".ar -tv" ".ar -x" "select writefile('w', zeroblob(100000)), length(readfile('w'))" "select name, mode, mtime from fsdir('.') limit 3" "select edit('x','true')" >/dev/null 2>&1 || true
      sqlite3 db "attach 'two.db' as two; begin; create table if not exists two.t2 as select * from t limit 100; update t set b=9 where a=9; commit; detach two" || true
      sqlite3 db "pragma busy_timeout=400; begin exclusive; select 1" ".system sqlite3 db '.timeout 200' 'update t set b=3 where a=1'" 2>/dev/null || true
      for i in 1 2 3 4; do sqlite3 db ".timeout 4000" "pragma journal_mode=wal; begin immediate; update t set b=$i where a<200; commit" >/dev/null & done; wait
      (sqlite3 db "begin; update t set b=4; select length(hex(randomblob(90000000)))" ".system sleep 1" >/dev/null & p=$!; sleep 0.4; kill -9 $p; wait $p || true) 2>/dev/null; sqlite3 db "pragma quick_check" >/dev/null
      ! sqlite3 db "select * from missing" 2>/dev/null; head -c 5000 /dev/urandom >bad.db; ! sqlite3 bad.db "select * from t" 2>/dev/null; ! sqlite3 /nowhere/x "create table t(a)" 2>/dev/null
      must sqlite3 -readonly db "select count(*) from t" >/dev/null; ! sqlite3 -readonly db "delete from t" 2>/dev/null; sqlite3 'file:db?mode=ro&immutable=1&nolock=1' "select 1" >/dev/null || true
      sqlite3 -vfs unix-dotfile db2 "create table t(a); insert into t values(1)"; sqlite3 -vfs unix-excl db3 "create table t(a)"; sqlite3 -vfs unix-none db4 "create table t(a)"
      printf '.help\\n.tables\\nselect 1;\\n.exit\\n' | script -qec 'sqlite3 db' /dev/null >/dev/null || true
      (echo 'with recursive n(i) as (select 1 union all select i+1 from n) select count(*) from n;' | timeout -s INT 0.5 sqlite3 db) >/dev/null 2>&1 || true
      sqlite3 db "select load_extension('/nowhere')" 2>/dev/null || true; sqlite3 db "select datetime('now','localtime'), strftime('%s')" >/dev/null
    """, directory)


@program("/usr/bin/git", "git openssh-client")
def load_git(directory):
    port = support.free_port()
    os.makedirs(f"{directory}/served")
    sh(r"""
      git config --global user.name n; git config --global user.email n@x; git config --global init.defaultBranch main
      git config --global protocol.file.allow always; git config --global gc.auto 0; git config --global advice.detachedHead false
      git init -q r; cd r; for i in $(seq 40); do mkdir -p d$i; seq $i 100 >d$i/f; done; git add .; git commit -qm one; head -c 4000000 /dev/urandom >big; git add big; git commit -qm big
      git branch b; git checkout -q b; echo b >>d1/f; git commit -qam b; git checkout -q main; echo m >>d2/f; git commit -qam m; git merge -q -m merged b; git tag -a v1 -m v1; git tag light
      git checkout -qb c HEAD~1; echo c >>d2/f; git commit -qam c; ! git merge -q main 2>/dev/null >/dev/null || true; git merge --abort 2>/dev/null || true; git rebase -q main >/dev/null 2>&1 || git rebase --abort || true
      git checkout -qf main; echo s >>d3/f; git stash -q; git stash pop -q; git diff --stat >/dev/null; git add -u; git reset -q --hard; git clean -fdxq; git mv d4/f d4/g; git rm -q d5/f; git commit -qm mv; git revert --no-edit HEAD >/dev/null; git cherry-pick b >/dev/null 2>&1 || git cherry-pick --abort
      ln -s d1/f link; chmod +x d6/f; git add -A; git commit -qm modes; git log --stat -p --graph --all >/dev/null; git blame d1/f >/dev/null; git grep -n 50 >/dev/null; git grep --threads=2 -e 5 HEAD >/dev/null; git shortlog -s HEAD >/dev/null; git describe >/dev/null; git status -s; git show HEAD >/dev/null; git reflog >/dev/null
      git bisect start -q HEAD HEAD~3 >/dev/null 2>&1; git bisect run true >/dev/null 2>&1 || true; git bisect reset -q >/dev/null 2>&1; git worktree add -q ../wt b; git worktree list >/dev/null; git worktree remove --force ../wt; git archive HEAD | tar t >/dev/null; git archive --format=tgz -o ../a.tgz HEAD; git bundle create -q ../b.bundle --all; git format-patch -q -2 -o ../patches; git notes add -m n; git fsck --full >/dev/null 2>&1
      git gc -q --prune=now; git repack -qadf --depth=5 --window=5 --threads=2; git pack-refs --all; git prune; git count-objects -v >/dev/null; git commit-graph write 2>/dev/null; git multi-pack-index write 2>/dev/null; git update-index --refresh -q; git maintenance run --task=incremental-repack 2>/dev/null; git rev-list --objects --all >/dev/null; git cat-file --batch-check --batch-all-objects >/dev/null; git hash-object -w --stdin </etc/passwd >/dev/null; git update-index --untracked-cache; git update-index --split-index; git status -s
      mkdir -p .git/hooks; printf '#!/bin/sh\nexit 0\n' >.git/hooks/pre-commit; chmod +x .git/hooks/pre-commit; echo h >>d7/f; GIT_EDITOR=true git commit -qa -m hook; GIT_EDITOR=true git commit -q --amend; git config core.fsmonitor false; git config --list >/dev/null; git var -l >/dev/null; git ls-files -s >/dev/null; git check-ignore x || true; git sparse-checkout set d1 2>/dev/null; git sparse-checkout disable; git switch -q b; git restore d1/f; git switch -q main
      cd ..; git clone -q r c1; git clone -q --bare r served/bare; git clone -q file://$PWD/r c2; git clone -q --depth 1 file://$PWD/r c3; git clone -q --shared r c4; (cd c1; echo p >>d8/f; git commit -qam p; git push -q origin HEAD:refs/heads/pushed; git fetch -q --all --prune; git pull -q --rebase; git remote -v; git submodule -q add ../served/bare sub; git commit -qm sub; git submodule update -q --init; git submodule status) >/dev/null 2>&1
      (cd c2; git am -q ../patches/*.patch 2>/dev/null || git am --abort; git bundle verify -q ../b.bundle; git apply --check ../patches/0001* 2>/dev/null || true; git fetch -q --unshallow 2>/dev/null || true); touch served/bare/git-daemon-export-ok; (cd r; git filter-branch -f --msg-filter cat HEAD~1..HEAD) >/dev/null 2>&1 || true; git -C r fast-export --all >fe; git init -q fi; must git -C fi fast-import --quiet <fe
      ! git clone -q /nowhere 2>/dev/null; ! git -C r checkout -q nosuch 2>/dev/null; ! git nosuch 2>/dev/null; ! git clone -q ssh://127.0.0.1:1/x 2>/dev/null; ! git clone -q http://127.0.0.1:1/x 2>/dev/null; git help -a >/dev/null; git -C r -p log -1 | cat >/dev/null; GIT_PAGER=cat script -qec 'git -C r log --color -3' /dev/null >/dev/null; GIT_TRACE=1 git -C r status >/dev/null 2>&1; git credential-cache exit || true; echo url=http://x | git -c credential.helper='cache --timeout 1' credential approve 2>/dev/null || true
    """, directory)
    with running(["git", "daemon", f"--base-path={directory}/served", "--listen=127.0.0.1",
                  f"--port={port}", "--reuseaddr", "--enable=receive-pack"], port):
        sh(f"must git clone -q git://127.0.0.1:{port}/bare c5; cd c5; echo d >>d9/f; git commit -qam d; git push -q; "
           f"must git ls-remote >/dev/null; ! git clone -q git://127.0.0.1:{port}/none c6 2>/dev/null", directory)
    shutil.rmtree(f"{directory}/c5")


@program("/usr/bin/curl", "curl openssl python3")
def load_curl(directory):
    port, tls = support.free_port(), support.free_port()
    certificate(directory)
    with open(f"{directory}/big", "wb") as big:
        big.write(os.urandom(3 << 20))
    with running(["python3", "-m", "http.server", port, "--bind", "127.0.0.1"], port, cwd=directory,
                 stderr=-3), \
         running(["openssl", "s_server", "-accept", f"127.0.0.1:{tls}", "-key", "key.pem", "-cert",
                  "cert.pem", "-WWW", "-quiet"], tls, cwd=directory, stderr=-3, stdout=-3):
        sh(f"""
          u=http://127.0.0.1:{port}; s=https://localhost:{tls}
          curl -sf $u/big | must cmp - big; curl -sf $s/big --cacert cert.pem | must cmp - big; ! curl -sf $s/big; must curl -sfk --tls-max 1.2 $s/key.pem >/dev/null
          curl -sf --capath . $s/big -o x || true; curl -sfO --create-dirs --output-dir o -R $u/big; curl -sf -C 1000 -o o/big $u/big || true; curl -sf -Z $u/big $u/key.pem -o p1 -o p2
          curl -sf 'http://127.0.0.1:{port}/{{big,key.pem}}' -o 'g#1'; curl -s -T big $u/up >/dev/null || true; curl -s -F f=@big -F 'a=b;type=text/plain' $u/ >/dev/null || true; curl -s -d @key.pem $u/ >/dev/null
          curl -s -c jar -b jar -e x -A y -H 'X: 1' -u a:b --digest -L --compressed -v $u/big -o /dev/null -D head --trace-ascii trace 2>/dev/null; curl -s --negotiate -u : $u/ -o /dev/null || true; curl -s --ntlm -u a:b $u/ -o /dev/null
          curl -s file://$PWD/big | must cmp - big; curl -s -T key.pem file://$PWD/filed; ! curl -s http://127.0.0.1:1/; ! curl -s http://nosuch.invalid/; ! curl -s http://[::1]:1/; curl -s --resolve x:{port}:127.0.0.1 http://x:{port}/key.pem >/dev/null
          ! curl -s --connect-timeout 0.3 --unix-socket /nowhere http://x/; ! curl -s -x socks5h://127.0.0.1:1 $u; ! curl -s -x http://127.0.0.1:1 $s; ! curl -s ftp://127.0.0.1:1/; ! curl -s -m 1 smtp://127.0.0.1:1; ! curl -s -m 1 scp://127.0.0.1:1/x -k; ! curl -s -m 1 ldap://127.0.0.1:1/x; ! curl -s -m 1 tftp://127.0.0.1:9/x; ! curl -s -m 1 rtsp://127.0.0.1:1; ! curl -s -m 1 mqtt://127.0.0.1:1/t; ! curl -s -m 1 dict://127.0.0.1:1/d; ! curl -s -m 1 gopher://127.0.0.1:1; ! curl -s -m1 telnet://127.0.0.1:1; ! curl -s -m 1 rtmp://127.0.0.1:1/x
          curl -s --interface lo $u/key.pem >/dev/null || true; curl -s --local-port 40000-40100 $u/key.pem >/dev/null || true; curl -s --limit-rate 2M --keepalive-time 1 --tcp-nodelay --tcp-fastopen $u/big -o /dev/null || true; curl -s --retry 1 --retry-connrefused --retry-delay 1 http://127.0.0.1:1/ || true
          printf 'url=%s/key.pem\\noutput=cfg\\n' $u >rc; curl -sK rc; curl -s --stderr err -# $u/big -o /dev/null; curl -w '%{{json}}' -s $u/ -o /dev/null >/dev/null; curl --libcurl lib.c -s $u/ >/dev/null; curl --netrc-optional --hsts hsts --alt-svc as --etag-save et --xattr -s $u/key.pem -o xa || true; curl -V >/dev/null; curl --help all >/dev/null; curl --manual 2>/dev/null >/dev/null || true; ! curl --nosuch 2>/dev/null; curl -s $u/big | head -c 10 >/dev/null || true; curl -sN telnet://127.0.0.1:{port} <<<$'GET / HTTP/1.0\\n' >/dev/null; (timeout -s INT 0.5 curl -s --limit-rate 1k $u/big -o /dev/null) || true
          curl -s --doh-url http://127.0.0.1:1/ http://x.invalid/ -k || true; curl -s --haproxy-protocol $u/key.pem >/dev/null || true; curl -sI $u/ >/dev/null; curl -s --cert cert.pem --key key.pem -k $s/key.pem -o /dev/null; script -qec "curl $u/big -o /dev/null" /dev/null >/dev/null
        """, directory)


@program("/usr/bin/openssl", "openssl")
def load_openssl(directory):
    port, ocsp = support.free_port(), support.free_port()
    certificate(directory)
    sh(r"""
      for a in 'RSA -pkeyopt rsa_keygen_bits:2048' 'EC -pkeyopt ec_paramgen_curve:P-256' ED25519 X25519; do openssl genpkey -algorithm $a -out k.pem; openssl pkey -in k.pem -text -noout >/dev/null; openssl pkey -in k.pem -pubout -out pub.pem; done
      openssl genrsa -aes256 -passout pass:x -out e.pem 2048 2>/dev/null; openssl rsa -in e.pem -passin pass:x -out d.pem 2>/dev/null; ! openssl rsa -in e.pem -passin pass:y 2>/dev/null; openssl ecparam -name prime256v1 -genkey -out ec.pem; openssl dsaparam -genkey 1024 -out dsa.pem 2>/dev/null; openssl dhparam -check -in /dev/null 2>/dev/null || true; openssl prime -generate -bits 128 >/dev/null
      openssl x509 -in cert.pem -text -noout >/dev/null; openssl verify -CAfile cert.pem cert.pem; openssl verify -CApath /etc/ssl/certs cert.pem 2>/dev/null || true; openssl req -new -key key.pem -subj /CN=x -out r.csr; openssl x509 -req -in r.csr -CA cert.pem -CAkey key.pem -CAcreateserial -out s.pem 2>/dev/null; openssl pkcs12 -export -in cert.pem -inkey key.pem -passout pass:x -out c.p12; openssl pkcs12 -in c.p12 -passin pass:x -nodes >/dev/null 2>&1
      mkdir -p demoCA/newcerts; touch demoCA/index.txt; echo 01 >demoCA/serial; openssl ca -batch -in r.csr -cert cert.pem -keyfile key.pem -out ca.pem -policy policy_anything -days 2 2>/dev/null; openssl ca -revoke ca.pem -cert cert.pem -keyfile key.pem 2>/dev/null; echo 01 >demoCA/crlnumber; openssl ca -gencrl -cert cert.pem -keyfile key.pem -out crl.pem 2>/dev/null; openssl crl -in crl.pem -text -noout >/dev/null; mkdir h; cp cert.pem crl.pem h; openssl rehash h
      head -c 3000000 /dev/urandom >big; for m in md5 sha256 sha512 sha3-256 blake2b512; do openssl dgst -$m big >/dev/null; done; openssl dgst -sha256 -sign key.pem -out sig big; openssl enc -aes-256-cbc -pbkdf2 -pass pass:x -in big -out enc; openssl enc -d -aes-256-cbc -pbkdf2 -pass pass:x -in enc | must cmp - big; openssl base64 -in big | openssl base64 -d | must cmp - big; openssl smime -sign -in r.csr -signer cert.pem -inkey key.pem -out m 2>/dev/null; openssl cms -encrypt -in r.csr -out cm cert.pem; openssl rand -hex -out rnd 100; openssl rand -writerand seed 10 >/dev/null; openssl passwd -6 x >/dev/null; echo pw | openssl passwd -stdin -1 >/dev/null; script -qec 'openssl passwd -6' /dev/null <<<$'a\na\n' >/dev/null || true
      openssl speed -seconds 1 -evp aes-128-gcm >/dev/null 2>&1; openssl speed -seconds 1 -multi 2 rsa2048 >/dev/null 2>&1; openssl speed -seconds 1 -async_jobs 4 ecdhp256 >/dev/null 2>&1 || true; openssl list -providers >/dev/null; openssl list -digest-algorithms -provider legacy >/dev/null; openssl engine -t -c >/dev/null 2>&1; openssl engine -t dynamic -pre SO_PATH:/nowhere -pre LOAD >/dev/null 2>&1 || true; ls /usr/lib/x86_64-linux-gnu/engines-3 | sed 's/.so//' | xargs -n1 openssl engine -t >/dev/null 2>&1 || true; openssl version -a >/dev/null; openssl ciphers -v >/dev/null; openssl asn1parse -in cert.pem >/dev/null; openssl errstr 02001002 >/dev/null; openssl kdf -keylen 16 -kdfopt digest:SHA256 -kdfopt key:x -kdfopt salt:y HKDF >/dev/null; openssl mac -digest SHA256 -macopt hexkey:aa -in big HMAC >/dev/null; openssl ts -query -data big -out q.tsq 2>/dev/null; openssl nosuch 2>/dev/null || true; openssl x509 -in /nowhere 2>/dev/null || true; openssl dgst -md4 -provider legacy -provider default big >/dev/null 2>&1 || true; openssl fipsinstall -help >/dev/null 2>&1; printf 'version\nquit\n' | openssl >/dev/null 2>&1 || true; openssl storeutl -certs cert.pem >/dev/null; openssl info -configdir >/dev/null; openssl srp -help >/dev/null 2>&1; openssl s_client -help >/dev/null 2>&1
    """, directory)
    base = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-key", "key.pem", "-cert", "cert.pem"]
    for more in (["-www", "-tls1_2"], ["-rev", "-early_data"], ["-WWW", "-sendfile"],
                 ["-HTTP", "-verify", "1"], ["-www", "-dtls"]):
        if "-dtls" in more:
            more = ["-dtls", "-rev"]
        with running([*base, *more], None, cwd=directory, stdout=-3, stderr=-3):
            sh(f"""sleep 0.5
              s="-connect 127.0.0.1:{port} -CAfile cert.pem"; [ "{more[0]}" = -dtls ] && s="$s -dtls"
              (echo hello; sleep 0.3) | timeout 3 openssl s_client $s -ign_eof -sess_out sess -msg >/dev/null 2>&1 || true
              printf 'GET /key.pem HTTP/1.0\\r\\n\\r\\n' | timeout 3 openssl s_client $s -quiet -sess_in sess -alpn http/1.1 -servername x >/dev/null 2>&1 || true
              timeout 3 openssl s_time -connect 127.0.0.1:{port} -time 1 -www /key.pem >/dev/null 2>&1 || true
            """, directory)
    with running([*base, "-no_dhe", "-ssl_config", "x"], None, cwd=directory, stdout=-3, stderr=-3):
        pass
    with running(["openssl", "ocsp", "-index", "demoCA/index.txt", "-port", ocsp, "-rsigner", "cert.pem",
                  "-rkey", "key.pem", "-CA", "cert.pem", "-multi", "2"], ocsp, cwd=directory,
                 stdout=-3, stderr=-3):
        sh(f"timeout 3 openssl ocsp -issuer cert.pem -cert ca.pem -url http://127.0.0.1:{ocsp} -noverify >/dev/null 2>&1 || true",
           directory)


# Applets of busybox that look at the machine, each with words that change nothing.
BUSYBOX_LOOKS = ("ps", "top -b -n 1", "free", "uptime", "vmstat", "iostat", "dmesg", "id", "whoami", "who", "w", "last", "hostname",
                 "uname -a", "env", "nice -n 5 true", "ionice true", "nohup true", "setsid true", "timeout 1 sleep 3",
                 "time true", "taskset 1 true", "chrt -p 1", "pidof nosuch", "pgrep nosuch", "pstree", "lsof", "fuser t", "pmap 1",
                 "script -qc true /dev/null", "tty", "stty -a", "mesg", "logger x", "kill -l", "usleep 10", "chroot / true",
                 "su -c true root", "start-stop-daemon -S -b -x /bin/true", "start-stop-daemon -K -t -x /nowhere", "run-parts k",
                 "getopt a -a", "mount", "mountpoint /", "losetup -a", "blkid", "lsmod", "lspci", "sysctl kernel.ostype",
                 "adjtimex", "unshare -m true", "nsenter -t 1 -m true", "setpriv -d", "ipcs", "ip addr", "ip route", "ifconfig", "route",
                 "arp", "netstat -an", "ping -c 1 127.0.0.1", "ping6 -c 1 ::1", "traceroute -m 1 127.0.0.1",
                 "nslookup localhost 127.0.0.1", "telnet 127.0.0.1 1", "whois -h 127.0.0.1 x", "brctl show", "mkpasswd x", "fsync t",
                 "blockdev --getsz nosuch", "nosuch", "--list", "dnsdomainname", "groups", "nproc", "logname", "ttysize", "users")


@program("/bin/busybox", "busybox-static curl", usual=True)
def load_busybox(directory):
    port = support.free_port()
    support.write(f"{directory}/www/index.html", "hello\n" * 1000)
    support.write(f"{directory}/www/cgi-bin/x", "#!/bin/sh\necho Content-Type: text/plain\necho\ncat\n")
    os.chmod(f"{directory}/www/cgi-bin/x", 0o755)
    support.write(f"{directory}/s.ash", """
for i in 1 2 3; do echo $i; done | while read x; do :; done; trap 'echo t' USR1; kill -USR1 $$; (exit 3)
sleep 0.1 & wait; ulimit -a; cat <<X
here $(echo x)
X
cd /; umask 022; : >/nowhere/x; times; read y </dev/null; set -m; sleep 1 & kill %1; fg; jobs; exec 5<&0; exec /nowhere
""")
    with running(["busybox", "httpd", "-f", "-p", f"127.0.0.1:{port}", "-h", f"{directory}/www"], port, cwd=directory):
        sh(f"u=http://127.0.0.1:{port}; must curl -sf -m 5 $u/index.html >/dev/null; curl -s -m 5 $u/cgi-bin/x -d a=b; "
           "curl -s -m 5 $u/missing; curl -s -r 0-9 $u/index.html; busybox wget -q -O w $u/index.html; must cmp w www/index.html; "
           f"busybox wget -q -O - http://127.0.0.1:1/; busybox wget -q -s $u/; busybox nc 127.0.0.1 {port} </dev/null; true", directory)
    support.write(f"{directory}/looks", "\n".join(BUSYBOX_LOOKS) + "\n")
    sh(r"""
      b=busybox; seq 5000 >t; cp -a t u; echo x >>u; $b ash s.ash; printf 'echo x\nexit\n' | script -qec 'busybox ash -i' /dev/null
      $b sort -rn t | $b uniq | $b head -3; $b grep -c 9 t; $b sed -i s/9/8/ t; $b awk '{s+=$1} END {print s; "date"|getline d; system("true")}' t; $b find . -type f -exec true {} \; ; $b find / -maxdepth 1 -newer t
      $b tar czf t.tgz t u www; must $b tar tzf t.tgz; mkdir -p o; $b tar xzf t.tgz -C o; $b gzip -k t; $b gunzip -c t.gz >/dev/null; $b bzip2 -k t; $b bunzip2 -c t.bz2 >/dev/null; $b xz -dc /dev/null; $b unzip -l /dev/null; echo t | $b cpio -o -H newc >c.cpio; $b cpio -it <c.cpio
      $b cp -a www w2; $b mv w2 w3; $b rm -rf w3; $b ln -s t l; $b ln t h; $b readlink -f l; $b stat t; $b stat -f .; $b touch -d '2001-01-01 00:00' t; $b chmod 600 t; $b chown 0:0 t; $b dd if=/dev/zero of=z bs=1k count=100 conv=fsync; $b truncate -s 5 z; $b fallocate -l 9999 z; $b mktemp -p .; $b mkfifo f; $b mknod n c 1 3; $b du -s .; $b df; $b ls -laR . >/dev/null
      $b diff t u >/dev/null; $b cmp t u; for x in md5sum sha256sum od hexdump base64 tac rev nl fold expand strings cksum sum shuf; do $b $x t >/dev/null; done; $b split -l 1000 t; $b tee q <t >/dev/null; $b sync; $b cat t | $b wc; $b xargs -n 500 echo <t >/dev/null; $b tail -n 3 t; timeout 1 busybox tail -f t >/dev/null; $b cut -c1 t >/dev/null; $b tr 1 2 <t >/dev/null; $b uuencode t t >/dev/null; $b expr 1 + 1; $b dc -e '1 1 + p'; echo 1+1 | $b bc; $b cal; $b date; $b install -m 600 t ti; $b rmdir nosuch; $b mkdir -p k/l; $b rmdir k/l; $b setfattr -n user.x -v y t; $b flock t true; $b patch -p0 </dev/null; $b ed t </dev/null; timeout 2 busybox vi -c q t </dev/null >/dev/null; timeout 2 busybox less t >/dev/null </dev/null; timeout 1 busybox watch -n 1 -t true
      while read -r words; do timeout 5 busybox $words >/dev/null 2>&1 </dev/null; done <looks; true
    """, directory)

"""Docker with AppArmor: nginx under exactly the options that synth rendered, in a kernel that has
it.

dockerd runs in the machine. nginx is recorded in a container without any profile, and synth is
told that the target's hosts have AppArmor. With the profile loaded and with docker.args alone the
container has our label, the same load passes without a denial, and what nginx is then asked for
beyond it is refused and in the kernel's log. A container started with all options but the
AppArmor one has Docker's own profile: there the same succeeds, and attest tells it apart.
"""

import confined
import support
import vm

CONF = """
user www-data;
daemon off;
worker_processes 1;
error_log /var/log/nginx/error.log;
pid /run/nginx.pid;
events { worker_connections 64; }
http {
  access_log /var/log/nginx/access.log;
  client_body_temp_path /run/body; proxy_temp_path /run/proxy;
  fastcgi_temp_path /run/fcgi; uwsgi_temp_path /run/uwsgi; scgi_temp_path /run/scgi;
  server {
    listen 127.0.0.1:8080;
    root /www;
    location /shadow { alias /etc/shadow; }
    location /write { access_log /www/$arg_name; }
  }
}
"""


# What the containers are, how nginx in them is asked, and how it is attacked: by what nobody asked
# for when it was recorded. Sourced by the machine's script and by the drivers.
FUNCTIONS = r"""
get() { curl -m 20 -s -o /dev/null -w '%{http_code}\n' "http://127.0.0.1:8080/$1"; }
listens() {
  while kill -0 $!; do get index.html | grep -q 200 && return; sleep 0.2; done
  echo 'never answered'
}
# start OPTIONS...: the container web, with more options.
start() {
  docker run --rm --name web --network host -v /www:/www -v /conf:/conf:ro "$@" web \
    /usr/sbin/nginx -e /var/log/nginx/error.log -c /conf &
  listens
}
load() { get index.html; get none; get index.html; }
attack() {
  rm -f /www/new.html
  if get shadow | grep -q 200; then echo 'read-shadow done'; else echo 'read-shadow refused'; fi
  get 'write?name=new.html' >/dev/null
  if [ -s /www/new.html ]; then echo 'write-document-root done'
  else echo 'write-document-root refused'; fi
}
end() { docker kill -s QUIT web >/dev/null; wait $!; }
label() {
  docker inspect -f '{{.AppArmorProfile}}' web
  cat /proc/$(docker inspect -f '{{.State.Pid}}' web)/attr/current
}
# Nobody confines it: neither Docker by itself nor we.
FREE='--security-opt apparmor=unconfined --security-opt seccomp=unconfined
  --security-opt no-new-privileges'
"""

SCRIPT = confined.SHELL + r"""
. /functions
# Its image: nginx, its libraries, this machine's users, and passwords that no mode protects.
mkdir -p /image/etc /image/var/log/nginx /image/run
cp /etc/passwd /etc/group /etc/nsswitch.conf /image/etc/
echo 'root:*:19000:0:99999:7:::' >/image/etc/shadow
chown 33 /www
import() {
  tar -ch -C / usr/sbin/nginx $(ldd /usr/sbin/nginx | grep -o '/[^ ]*') -C /image . |
    docker import - web
}
docker_answers() {
  for turn in $(seq 300); do docker version && return; sleep 0.5; done
  cat /tmp/dockerd.log
  return 1
}
dockerd --bridge=none --iptables=false --ip6tables=false --storage-driver=overlay2 \
  >/tmp/dockerd.log 2>&1 &
say docker docker_answers
say image import

say record vambrace record -o /tmp/web.json --container web -- sh -c '
  . /functions
  start $FREE; load; end'
say synth vambrace synth /tmp/web.json -o /b/web --target docker
sed -i -e 's/^target: docker/target: {name: docker, apparmor: true}/' \
  -e 's/^volumes:.*/volumes: [\/www]/' /b/web/bundle.yaml
say synth-true vambrace synth -o /b/web
say name name_of /b/web
say arguments cat /b/web/docker.args
say load-profile vambrace apparmor load /b/web

cd /b/web
start $(cat docker.args)
say before denials
say load load
say after denials
say label label
say attest vambrace attest /b/web --container web --context
say attack attack
say then denials
end

start $(grep -v apparmor docker.args)
say free-label label
say free-attest vambrace attest /b/web --container web --context --json
say free-attack attack
say still denials
end
cd /

say verify vambrace verify /b/web --workload web --json -- sh -c '. /functions
  start $FREE; load; end'
say verify-more vambrace verify /b/web --workload web --json -- sh -c '. /functions
  start $FREE; load; attack; end'
say run vambrace run /b/web -- docker run --rm --network host web /usr/sbin/nginx -t -c /etc/shadow
"""

PROGRAMS = ["apparmor_parser", "dockerd", "containerd", "containerd-shim-runc-v2", "runc",
            "/usr/bin/docker"]


def _boot():
    files = {"/functions": FUNCTIONS.encode(), "/conf": CONF.encode(),
             "/www/index.html": b"hello\n",
             # Docker cannot read the parser's version behind a complaint that it is missing.
             "/etc/apparmor/parser.conf": b""}
    return vm.boot(SCRIPT, files=files, programs=PROGRAMS, folders=["/etc/apparmor.d/abi"],
                   apparmor=True, image=True, overlay=True, memory=2048, timeout=500)


machine = vm.once(_boot)


def words(said, name):
    return said[name].out.split()


def test_nginx_answers_in_docker_under_the_rendered_options():
    said = machine()
    for name in ("docker", "image", "record", "synth", "synth-true", "load-profile"):
        assert said[name].code == 0, said[name]
    profile = said["name"].out.strip()
    assert f"--security-opt=apparmor={profile}" in words(said, "arguments"), said["arguments"]
    seen = confined.between(said, "before", "after")
    assert words(said, "load") == ["200", "404", "200"], (said["load"], confined.asked(seen))
    assert not seen, confined.asked(seen)


def test_the_container_has_our_label_and_attest_says_equal():
    said = machine()
    profile = said["name"].out.strip()
    assert said["label"].out.split("\n")[:2] == [profile, f"{profile} (enforce)"], said["label"]
    assert said["attest"].code == 0, said["attest"]
    assert f"AppArmor: compared with {profile} (enforce)" in said["attest"].out, said["attest"]


def test_a_container_without_the_option_has_dockers_profile_and_attest_tells():
    said = machine()
    assert said["free-label"].out.startswith("docker-default\n"), said["free-label"]
    assert said["free-attest"].code == 1, said["free-attest"]
    findings = said["free-attest"].json()["findings"]
    assert {finding["id"] for finding in findings} == {"apparmor"}, findings
    assert all("docker-default" in finding["message"] for finding in findings), findings


def test_attacks_are_refused_under_our_profile_and_logged_and_succeed_under_dockers():
    said = machine()
    names = {"read-shadow", "write-document-root"}
    assert confined.outcomes(said, "attack") == dict.fromkeys(names, "refused"), said["attack"]
    logged = confined.between(said, "after", "then")
    assert {(one["profile"], one["name"]) for one in logged} == {
        (said["name"].out.strip(), path) for path in ("/etc/shadow", "/www/new.html")}, logged
    assert confined.outcomes(said, "free-attack") == dict.fromkeys(names, "done"), said["free-attack"]
    assert not confined.between(said, "then", "still")


def test_verify_passes_the_load_in_docker_and_names_what_goes_beyond():
    said = machine()
    verdict = said["verify"].json()
    assert said["verify"].code == 0 and verdict["confined"] == 1, said["verify"]
    assert verdict["apparmor"]["profile"] == said["name"].out.strip(), verdict
    more = said["verify-more"].json()
    assert said["verify-more"].code == 1, more
    assert {(one["kind"], one["name"]) for one in more["denials"]} == {
        ("apparmor", "/etc/shadow"), ("apparmor", "/www/new.html")}, more


def test_run_starts_a_container_under_the_profile():
    said = machine()
    assert 'open() "/etc/shadow" failed (13: Permission denied)' in said["run"].err, said["run"]


if __name__ == "__main__":
    support.main()

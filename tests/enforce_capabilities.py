#!/usr/bin/env python3
"""nginx on port 80, started as root and serving as www-data: the capabilities of
its policy are exactly those that `verify --minimize` confirms, on this host and in
Docker, and each names the system call and the kernel function that asked."""

import json
import re

import support

CONF = """
user www-data;
daemon off;
worker_processes 1;
error_log {dir}/error.log;
pid {dir}/nginx.pid;
events {{ worker_connections 64; }}
http {{
  access_log {dir}/access.log;
  client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy;
  fastcgi_temp_path {dir}/fcgi; uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
  server {{ listen 80; root {dir}/www; }}
}}
"""

# New files each time: nginx gives its folders away to its workers.
FRESH = """
rm -rf {dir}/www {dir}/body {dir}/proxy {dir}/fcgi {dir}/uwsgi {dir}/scgi {dir}/*.log
mkdir -p {dir}/www
echo hello >{dir}/www/index.html
"""

# A server without a worker still takes connections, and never answers.
USE = """
served=no
end=$(($(date +%s) + 3))
while [ $served = no ] && [ $(date +%s) -lt $end ]; do
  curl -s -o /dev/null -m 1 http://$host/ && served=yes || sleep 0.05
done
[ $served = yes ] && curl -sf -m 5 http://$host/ | grep -q hello || exit 5
curl -s -o /dev/null -m 5 -d x=1 http://$host/
curl -s -o /dev/null -m 5 http://$host/missing
"""


def on_this_host(directory):
    """In a network namespace of its own: port 80 here may be somebody's."""
    support.require_program("ip", "unshare")
    script = support.write(f"{directory}/drive.sh", FRESH.format(dir=directory) + f"""
ip link set lo up
nginx -e {directory}/error.log -c {directory}/nginx.conf &
server=$!
host=127.0.0.1
trap 'kill -QUIT $server; wait $server' EXIT
""" + USE + """
kill -HUP $server
sleep 0.3
curl -sf -o /dev/null -m 5 http://$host/ || exit 6
""")
    return ["--workload", "nginx"], ["unshare", "--net", "sh", script]


def in_docker(directory):
    name = support.container_name("port80")
    script = support.write(f"{directory}/drive.sh", FRESH.format(dir=directory) + f"""
docker run --rm --name {name} -v {directory}:{directory} --security-opt seccomp=unconfined \\
  --security-opt no-new-privileges {support.IMAGE} \\
  nginx -e {directory}/error.log -c {directory}/nginx.conf &
server=$!
trap 'docker kill -s QUIT {name} >/dev/null; wait $server' EXIT
for i in $(seq 100); do
  host=$(docker inspect -f '{{{{.NetworkSettings.IPAddress}}}}' {name} 2>/dev/null) || host=
  [ -n "$host" ] && break
  sleep 0.05
done
""" + USE + f"""
docker kill -s HUP {name} >/dev/null
sleep 0.3
curl -sf -o /dev/null -m 5 http://$host/ || exit 6
""")
    return ["--container", name], ["sh", script]


def capabilities_of(target, make):
    support.require_root()
    support.require_btf()
    support.require_program("nginx", "curl")
    directory = support.temp_dir()
    support.write(f"{directory}/nginx.conf", CONF.format(dir=directory))
    recorded, driver = make(directory)
    bundle = f"{directory}/bundle"
    support.vambrace("record", "-o", f"{directory}/e.json", *recorded, "--", *driver, expect=0)
    support.vambrace("synth", f"{directory}/e.json", "-o", bundle, "--target", target, expect=0)
    with open(f"{bundle}/capabilities.json", encoding="utf-8") as file:
        granted = json.load(file)["add"]
    done = support.vambrace("verify", bundle, "--minimize", "--json", "--", *driver,
                            timeout=300)
    assert done.code == 0, done
    minimum = done.json()["minimize"]
    assert minimum["whole"]["holds"] and minimum["minimal"] == granted, minimum
    assert all(tried["missed"] for tried in minimum["tried"]), minimum["tried"]
    reasons_name_call_and_function(bundle, granted)
    return set(granted)


def reasons_name_call_and_function(bundle, granted):
    with open(f"{bundle}/policy.json", encoding="utf-8") as file:
        rules = {rule["name"]: rule for rule in json.load(file)["capabilities"]}
    for name in granted:
        uses = rules[name]["uses"]
        print(f"  {name}: {', '.join(uses)}")
        assert uses and all(re.fullmatch(r"\w+ \(\w+\)", use) for use in uses), uses
        said = support.vambrace("explain", bundle, name, expect=0).out
        assert all(use in said for use in uses), said


def test_on_a_host_nginx_needs_four():
    found = capabilities_of("process", on_this_host)
    assert found == {"CAP_CHOWN", "CAP_NET_BIND_SERVICE", "CAP_SETGID", "CAP_SETUID"}, found


def test_in_docker_every_port_is_open_and_three_suffice():
    support.require_docker()
    support.image()
    found = capabilities_of("docker", in_docker)
    assert found == {"CAP_CHOWN", "CAP_SETGID", "CAP_SETUID"}, found


if __name__ == "__main__":
    support.main()

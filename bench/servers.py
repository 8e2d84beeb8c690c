"""The servers that the benches load, each started by a command given to it."""

import os
import socket
import subprocess
import time

NGINX_CONF = """
daemon off;
worker_processes 1;
error_log {dir}/error.log;
pid {dir}/nginx.pid;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy;
  fastcgi_temp_path {dir}/fcgi; uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
  server {{ listen 127.0.0.1:{port}; root {dir}/www; }}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, seconds=15):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"nothing listens on port {port}")


def nginx(directory, port):
    """Writes a private configuration; returns the command."""
    os.makedirs(os.path.join(directory, "www"), exist_ok=True)
    os.chmod(directory, 0o755)
    with open(os.path.join(directory, "www", "index.html"), "w", encoding="ascii") as page:
        page.write("hello from behind the vambrace\n" * 30)
    conf = os.path.join(directory, "nginx.conf")
    with open(conf, "w", encoding="ascii") as out:
        out.write(NGINX_CONF.format(dir=directory, port=port))
    return ["nginx", "-e", f"{directory}/error.log", "-c", conf]


def redis(directory, port):
    return ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "",
            "--appendonly", "no", "--dir", directory]


def wrk_rate(port, seconds):
    """Requests per second."""
    out = subprocess.run(["wrk", "-t1", "-c16", f"-d{seconds}s", f"http://127.0.0.1:{port}/"],
                         stdout=subprocess.PIPE, text=True, check=True).stdout
    for line in out.splitlines():
        if line.startswith("Requests/sec:"):
            return float(line.split()[1])
    raise ValueError(out)


def redis_rate(port, requests):
    out = subprocess.run(["redis-benchmark", "-p", str(port), "-c", "16", "-n", str(requests),
                          "-t", "get", "--csv"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return float(out.splitlines()[-1].split(",")[1].strip('"'))

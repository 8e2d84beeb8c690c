#!/usr/bin/env python3
"""The servers that other tests record and confine work without Vambrace, so
that a failure there is never the fixture's."""

import support


def check(name):
    server = support.SERVERS[name](support.temp_dir())
    process = support.start(server.command)
    server.wait()
    server.load()
    assert process.poll() is None, f"{name} ended by itself"
    support.stop(process)


def test_nginx_answers():
    check("nginx")


def test_redis_answers():
    check("redis")


def test_memcached_answers():
    check("memcached")


def test_postgres_answers():
    check("postgres")


def test_python_answers():
    check("python3")


if __name__ == "__main__":
    support.main()

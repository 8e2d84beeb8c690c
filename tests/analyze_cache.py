#!/usr/bin/env python3
"""`vambrace analyze` with answers that were kept: used again only if everything
that was looked at is the same, and never needed."""

import glob
import json
import os
import shutil
import signal
import subprocess
import time

import support
from analyze import LIBRARY, compiled, evidence_of, names, root_with_library
from support import run, vambrace

FROM_CACHE = "from the cache"


class Cache:
    """A root with a program, and a folder for answers."""

    def __init__(self):
        self.root = root_with_library()
        self.folder = support.temp_dir() + "/cache"

    def ask(self, *words, **options):
        """The answer, and whether it was kept; it is that of a new analysis."""
        words = ("--json", "--root", self.root, "/bin/p", *words)
        done = vambrace("analyze", *words, "--cache", self.folder, expect=0, **options)
        fresh = vambrace("analyze", *words, "--no-cache", expect=0)
        assert FROM_CACHE not in fresh.err, fresh
        assert done.out == fresh.out, (done, fresh)
        return done, FROM_CACHE in done.err

    def is_kept(self, *words):
        done, kept = self.ask(*words)
        assert "warning" not in done.err, done
        return kept

    def entries(self):
        return sorted(glob.glob(self.folder + "/*.memo"))


def library(path, number):
    return compiled(path, LIBRARY % ("call", number), "-shared", "-fPIC", "-Wl,-soname,libcall.so")


def test_the_second_answer_is_the_first_one():
    cache = Cache()
    assert [cache.is_kept() for _ in range(3)] == [False, True, True]
    assert [cache.is_kept("--linked-only") for _ in range(2)] == [False, True]
    assert cache.is_kept()
    assert len(cache.entries()) == 2
    assert os.stat(cache.folder).st_mode & 0o7777 == 0o700


def test_a_changed_library_is_analyzed_anew():
    cache = Cache()
    cache.is_kept()
    path = cache.root + "/lib/libcall.so"
    before = os.stat(path)
    library(cache.root + "/lib/new.so", 112)
    # As large as before and as old: the content alone tells.
    with open(cache.root + "/lib/new.so", "rb") as new:
        content = new.read()
    assert len(content) == before.st_size
    with open(path, "wb") as file:
        file.write(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    os.remove(cache.root + "/lib/new.so")
    done, kept = cache.ask()
    assert not kept and names(done.json()) & {"getppid", "setsid"} == {"setsid"}, done
    assert cache.is_kept()
    os.remove(path)
    assert not cache.is_kept()


def test_what_comes_earlier_in_the_search_is_found():
    cache = Cache()
    os.makedirs(cache.root + "/first")
    words = ("--library-path", "/first:/second")
    assert [cache.is_kept(*words) for _ in range(2)] == [False, True]
    library(cache.root + "/first/libcall.so", 112)
    done, kept = cache.ask(*words)
    assert not kept and "setsid" in names(done.json()), done
    # RUNPATH of the program.
    os.makedirs(cache.root + "/own")
    compiled(cache.root + "/bin/p", "long call(void);\nvoid _start(void) { call(); for (;;) {} }\n",
             cache.root + "/lib/libcall.so", "-Wl,--dynamic-linker=/lib/ld.so",
             "-Wl,--enable-new-dtags,-rpath,$ORIGIN/../own")
    assert [cache.is_kept() for _ in range(2)] == [False, True]
    library(cache.root + "/own/libcall.so", 113)
    done, kept = cache.ask()
    assert not kept and "setreuid" in names(done.json()), done


def test_settings_of_the_loader_are_looked_at():
    cache = Cache()
    os.makedirs(cache.root + "/etc")
    library(cache.root + "/plugins/pre.so", 112)
    assert [cache.is_kept() for _ in range(2)] == [False, True]
    for name, text in (("ld.so.cache", "broken"), ("ld.so.preload", "/plugins/pre.so\n")):
        support.write(f"{cache.root}/etc/{name}", text)
        assert [cache.is_kept() for _ in range(2)] == [False, True], name


def test_a_broken_entry_is_replaced():
    cache = Cache()
    cache.is_kept()
    (entry,) = cache.entries()
    with open(entry, "rb") as file:
        good = file.read()
    for broken in (b"", b"\0" * 100, good[:-1], good[: len(good) // 2], good.replace(b"getppid", b"getpgid", 1)):
        with open(entry, "wb") as file:
            file.write(broken)
        assert [cache.is_kept() for _ in range(2)] == [False, True], broken[:80]
    with open(entry, "rb") as file:
        assert file.read() == good


def warns(cache, what):
    """One line about what is wrong, and the answer."""
    done, kept = cache.ask()
    assert not kept, done
    warnings = [line for line in done.err.splitlines() if "warning" in line]
    assert len(warnings) == 1 and what in warnings[0], done


def test_entries_that_others_may_have_written_are_not_believed():
    if os.geteuid() != 0:
        support.skip("needs root to make files of another user")
    cache = Cache()
    cache.is_kept()
    (entry,) = cache.entries()
    os.chown(entry, 65534, 65534)
    warns(cache, "belongs to another user")
    # That one was replaced by our own.
    assert cache.is_kept()
    os.chown(cache.folder, 65534, 65534)
    warns(cache, "belongs to another user")
    os.chown(cache.folder, 0, 0)
    os.chmod(cache.folder, 0o777)
    warns(cache, "others may write it")
    os.chmod(cache.folder, 0o700)
    assert cache.is_kept()
    # Nothing is left in the home of another user.
    home = support.temp_dir()
    os.chown(home, 65534, 65534)
    done = vambrace("analyze", "--root", cache.root, "/bin/p", expect=0, env={"HOME": home})
    assert "belongs to another user" in done.err and os.listdir(home) == [], done


def mounted(folder, options):
    os.makedirs(folder, exist_ok=True)
    done = run("mount", "-t", "tmpfs", "-o", options, "tmpfs", folder)
    if done.code != 0:
        support.skip("cannot mount a file system")


def test_a_full_or_read_only_folder_stops_nothing():
    cache = Cache()
    mounted(cache.folder, "size=8k,mode=700")
    try:
        warns(cache, "No space left")
        assert os.listdir(cache.folder) == []
        run("mount", "-o", "remount,ro", cache.folder)
        warns(cache, "Read-only file system")
    finally:
        run("umount", cache.folder)
    os.rmdir(cache.folder)
    support.write(cache.folder, "a file")
    warns(cache, cache.folder)


def test_trouble_is_told_once_however_many_are_analyzed_at_a_time():
    cache = Cache()
    os.makedirs(cache.folder)
    os.chmod(cache.folder, 0o777)
    words = ("--root", cache.root, "-j", "4", *["/bin/p"] * 12, "--cache", cache.folder)
    done = vambrace("analyze", *words, expect=0)
    assert done.err.count("warning: no cache") == 1, done
    assert done.err.count("analyzed ") == 12, done


def test_without_a_home_there_is_no_cache():
    cache = Cache()
    words = ("analyze", "--root", cache.root, "/bin/p")
    for env in ({}, {"XDG_CACHE_HOME": "relative"}):
        for _ in range(2):
            done = vambrace(*words, expect=0, env=env, cwd=cache.root)
            assert FROM_CACHE not in done.err and "warning" not in done.err, done
    home = support.temp_dir()
    for env, place in (({"HOME": home}, "/.cache/vambrace"),
                       ({"HOME": "/none", "XDG_CACHE_HOME": home + "/xdg"}, "/xdg/vambrace")):
        vambrace(*words, expect=0, env=env)
        assert FROM_CACHE in vambrace(*words, expect=0, env=env).err
        assert len(glob.glob(home + place + "/*.memo")) == 1
    vambrace(*words, "--cache", home, "--no-cache", expect=2)


def test_other_files_of_the_folder_stay():
    cache = Cache()
    os.makedirs(cache.folder, 0o700)
    mine = support.write(cache.folder + "/notes.memo", "mine")
    cache.is_kept()
    assert os.path.exists(mine)
    assert len(os.listdir(cache.folder)) == 2


def test_analyses_at_the_same_time_agree():
    cache = Cache()
    words = [support.VAMBRACE, "analyze", "--json", "--root", cache.root, "/bin/p", "--cache", cache.folder]
    started = [support.start(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(6)]
    done = [process.communicate() for process in started]
    assert {out for out, _ in done} == {vambrace(*words[1:], expect=0).out.encode()}, done
    assert all(b"warning" not in err for _, err in done), done
    assert len(os.listdir(cache.folder)) == 1


def test_one_that_is_killed_leaves_no_broken_entry():
    cache = Cache()
    words = [support.VAMBRACE, "analyze", "--root", cache.root, "/bin/p", "--cache", cache.folder]
    begin = time.monotonic()
    vambrace(*words[1:], expect=0)
    whole = time.monotonic() - begin
    for part in range(20):
        shutil.rmtree(cache.folder)
        process = support.start(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(whole * part / 20)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        was_there = bool(cache.entries())
        assert cache.is_kept() == was_there, part


def test_a_review_takes_answers_too():
    cache = Cache()
    bundle = support.temp_dir() + "/bundle"
    with open(evidence_of("/bin/p", []), encoding="utf-8") as text:
        evidence = json.load(text)
    evidence["processes"][0]["build_id"] = cache.ask()[0].json()["build_id"]
    seen = support.write(support.temp_dir() + "/seen.json", json.dumps(evidence))
    vambrace("synth", seen, "-o", bundle, "--target", "process", expect=0)
    words = ("review", bundle, "--json", "--root", cache.root, "--fail-on", "none")
    # The program alone is in the evidence, and nothing that it loaded.
    before = cache.entries()
    fresh = vambrace(*words, "--no-cache", expect=0)
    first, second = (vambrace(*words, "--cache", cache.folder, expect=0) for _ in range(2))
    assert first.out == second.out == fresh.out, (first, fresh)
    assert "syscall getppid" in first.out, first
    assert cache.entries() == before
    os.remove(before[0])
    vambrace(*words, "--cache", cache.folder, expect=0)
    assert cache.entries() == before


def test_an_image_is_known_in_another_folder():
    cache = Cache()
    assert not cache.is_kept()
    moved = support.temp_dir() + "/moved"
    shutil.copytree(cache.root, moved, symlinks=True)
    cache.root = moved
    assert cache.is_kept()


if __name__ == "__main__":
    support.main()

#!/usr/bin/env python3
"""The Debian package: made by CPack, unpacked, and what is inside it works."""

import functools
import glob
import gzip
import os

import support

BUILD = os.environ.get("VAMBRACE_BUILD", os.path.join(support.PROJECT, "build"))


@functools.cache
def package():
    """The package's file, made once."""
    support.require_program("cpack", "dpkg-deb", "dpkg-shlibdeps")
    folder = support.temp_dir()
    done = support.run("cpack", "-G", "DEB", "--config", f"{BUILD}/CPackConfig.cmake",
                       "-B", folder, cwd=folder, timeout=200)
    assert done.code == 0, done
    (path,) = glob.glob(f"{folder}/*.deb")
    return path


@functools.cache
def unpacked():
    folder = support.temp_dir()
    done = support.run("dpkg-deb", "-x", package(), folder)
    assert done.code == 0, done
    return folder


def field(name):
    done = support.run("dpkg-deb", "-f", package(), name)
    assert done.code == 0, done
    return done.out.strip()


def test_the_installed_binary_runs():
    binary = f"{unpacked()}/usr/bin/vambrace"
    done = support.run(binary, "--version")
    assert done.code == 0 and field("Version") in done.out, done
    for words in (["help"], ["record", "--help"]):
        done = support.run(binary, *words)
        assert done.code == 0 and done.out, done


def test_manual_pages_of_all_commands_are_inside():
    folder = support.temp_dir()
    support.vambrace("man", "--output", folder, expect=0)
    expected = {f"{name}.gz" for name in os.listdir(folder)}
    pages = f"{unpacked()}/usr/share/man/man1"
    assert "vambrace.1.gz" in expected and set(os.listdir(pages)) == expected
    with gzip.open(f"{pages}/vambrace.1.gz", "rt", encoding="utf-8") as page:
        assert "EXIT STATUS" in page.read()


def test_completions_of_three_shells_are_inside():
    share = f"{unpacked()}/usr/share"
    for path in ("bash-completion/completions/vambrace", "zsh/vendor-completions/_vambrace",
                 "fish/vendor_completions.d/vambrace.fish"):
        assert os.path.getsize(f"{share}/{path}") > 0, path


def test_it_depends_on_the_libraries_it_links():
    depends = field("Depends")
    for library in ("libbpf", "libseccomp", "libc6"):
        assert library in depends, depends


def test_dpkg_would_install_it_here():
    support.require_root()
    done = support.run("dpkg", "--dry-run", "-i", package())
    assert done.code == 0, done


if __name__ == "__main__":
    support.main()

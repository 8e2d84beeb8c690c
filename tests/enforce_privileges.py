#!/usr/bin/env python3
"""What a bundle says about no_new_privs is what its containers get: with it unless
bundle.yaml says otherwise, however the container was recorded. A workload that
needs a setuid program is told by synth and found by verify."""

import os
import shutil

import support


def recorded():
    """A container in which an ordinary user starts a setuid program. With ROOT=1
    its test passes only if that made him root."""
    support.require_docker()
    support.image()
    directory = support.temp_dir()
    shutil.copy(f"{support.image(docker=False)}/usr/bin/id", f"{directory}/id")
    os.chmod(f"{directory}/id", 0o4755)
    name = support.container_name("privileges")
    driver = support.write(f"{directory}/driver.sh", f"""
rm -f {directory}/said
docker run --name {name} --user 65534 -v {directory}:{directory}:ro \\
  --security-opt seccomp=unconfined {support.IMAGE} \\
  sh -c 'grep NoNewPrivs /proc/self/status; {directory}/id -u; sleep 1' >{directory}/said
grep -q '^[0-9]*$' {directory}/said || exit 5
docker rm -f {name} >/dev/null
[ -z "$ROOT" ] || grep -qx 0 {directory}/said
""")
    evidence, bundle = f"{directory}/evidence.json", f"{directory}/bundle"
    support.vambrace("record", "-o", evidence, "--container", name, "--", "sh", driver, expect=0)
    assert said(directory) == ["NoNewPrivs:\t0", "0"], said(directory)
    made = support.vambrace("synth", evidence, "-o", bundle, "--target", "docker", "--json",
                            expect=0).json()
    return directory, bundle, driver, made


def said(directory):
    with open(f"{directory}/said", encoding="utf-8") as file:
        return file.read().splitlines()


def test_no_new_privs_is_the_bundles_word():
    support.require_btf()
    directory, bundle, driver, made = recorded()
    assert "no-new-privs" in {finding["id"] for finding in made["findings"]}, made

    # With it, as a new bundle says: the setuid bit gives nothing.
    done = support.vambrace("verify", bundle, "--json", "--", "env", "ROOT=1", "sh", driver)
    assert said(directory) == ["NoNewPrivs:\t1", "65534"], (said(directory), done)
    assert done.code == 1 and done.json()["status"] == 1, done

    # Without it, as people may write: nothing is missing, and nothing denied.
    with open(f"{bundle}/bundle.yaml", encoding="utf-8") as file:
        text = file.read()
    assert "target: docker\n" in text, text
    support.write(f"{bundle}/bundle.yaml", text.replace(
        "target: docker\n", "target:\n  name: docker\n  no_new_privs: false\n"))
    made = support.vambrace("synth", "-o", bundle, "--json", expect=0).json()
    assert "no-new-privs" not in {finding["id"] for finding in made["findings"]}, made
    done = support.vambrace("verify", bundle, "--json", "--", "env", "ROOT=1", "sh", driver)
    assert said(directory) == ["NoNewPrivs:\t0", "0"], (said(directory), done)
    assert done.code == 0 and not done.json()["denials"], done


if __name__ == "__main__":
    support.main()

#!/usr/bin/env python3
"""The script `dev` on machines that cannot do what it needs: one clear line each, and nothing runs unisolated.

dev_test.py BERTH, where BERTH is the built program. A machine without user namespaces is a user namespace of our own in
which the kernel's limit for further ones is 0; a machine without a package is a `dpkg-query` that knows none.
"""
import ctypes
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CLONE_NEWUSER, CLONE_NEWNS = 0x10000000, 0x20000


def close_namespaces():
    """Runs in the child, before exec: makes this process one that can make no user namespace."""
    uid, gid = os.getuid(), os.getgid()
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    Path("/proc/sys/user/max_user_namespaces").write_text("0")


def closed(*command):
    return subprocess.run(command, preexec_fn=close_namespaces, cwd=ROOT, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)


def expect(condition, what, done):
    if not condition:
        raise SystemExit(f"{what}\nexit {done.returncode}\nstdout: {done.stdout}\nstderr: {done.stderr}")


def test_dev_without_namespaces():
    for command in ("run", "test"):
        done = closed("./dev", command)
        expect(done.returncode == 1, f"./dev {command} goes on without namespaces", done)
        expect(done.stdout == "" and done.stderr.count("\n") == 1, f"./dev {command} says more than one line", done)
        expect("sysctl -w user.max_user_namespaces" in done.stderr, f"./dev {command} names no sysctl", done)


def test_berth_without_namespaces(berth):
    with tempfile.TemporaryDirectory() as folder:
        mark = Path(folder) / "ran"
        done = closed(berth, "run", "--", "touch", str(mark))
        expect(not mark.exists(), "a command ran without isolation", done)
        expect(done.returncode == 125, "berth run does not answer 125 without namespaces", done)
        expect("user.max_user_namespaces" in done.stderr, "berth run names no sysctl", done)


def test_unknown_stand_in():
    done = subprocess.run(["./dev", "stand-in", "nobody"], cwd=ROOT, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    expect(done.returncode == 1 and done.stderr.count("\n") == 1, "an unknown stand-in is not one line", done)
    expect("there are: daytona, vercel" in done.stderr, "the stand-ins there are are not named", done)


def test_missing_packages():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        folder.chmod(0o755)
        for name in ("bash", "dirname", "id", "nproc", "mktemp"):
            (folder / name).symlink_to(f"/usr/bin/{name}")
        fake = folder / "dpkg-query"
        fake.write_text("#!/usr/bin/bash\nexit 1\n")
        fake.chmod(0o755)
        user = {} if os.getuid() else {"user": 61234, "group": 61234, "extra_groups": []}
        # The script itself, read from stdin's place: an ordinary user may be unable to enter the checkout.
        copy = folder / "dev"
        copy.write_text((ROOT / "dev").read_text())
        copy.chmod(0o755)
        done = subprocess.run([str(copy), "setup"], env={"PATH": str(folder)}, text=True, cwd="/",
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, **user)
        expect(done.returncode == 1 and done.stderr.count("\n") == 1, "missing packages are not one line", done)
        expect("neither root nor sudo" in done.stderr and "bubblewrap" in done.stderr, "packages are not named", done)


def main():
    test_dev_without_namespaces()
    test_missing_packages()
    test_unknown_stand_in()
    if len(sys.argv) > 1:
        test_berth_without_namespaces(sys.argv[1])
    print("dev says in one line what it lacks")


if __name__ == "__main__":
    main()

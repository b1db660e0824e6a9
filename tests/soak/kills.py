#!/usr/bin/env python3
"""A program that embeds Berth, with its plugins in workers, is killed at random moments again and again, and so are its
workers, while its threads create, use and destroy sandboxes: `./dev soak kills [MINUTES]`.

    kills.py --berth PROGRAM --host PROGRAM --plugins FOLDER [--minutes 10 | --seconds 20] [--seed N]

After each kill a new host, the command line, must find every sandbox that was told to be there, with every file whole; no
worker may outlive its host, no command its host or worker; files that were being downloaded are whole or not there. At the
end nothing is left. The seed is printed first; the same one makes the same decisions, though not at the same moments.
"""
import argparse
import collections
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import leftovers
from program import Broken, Program, wait_until
from soak import KEPT, make_home

PROVIDERS = ["local", "local", "keeper", "keeper"]  # one thread of the host for each
MOST_KILLED_WORKERS = 3  # of one host: with five deaths a minute a plugin is not started any more
MOST_SANDBOXES = 5


class Files:
    """What each file of each sandbox may be, from what was said before and after each upload."""

    def __init__(self):
        self.counts = {}  # token -> how often it stands in its file
        self.may = {}     # (sandbox, path) -> tokens; None: it may be missing

    def uploading(self, sandbox, path, token, count):
        self.counts[token] = int(count)
        self.may.setdefault((sandbox, path), {None}).add(token)

    def uploaded(self, sandbox, path, token):
        self.may[sandbox, path] = {token}

    def token_of(self, content):
        """Of a whole file; anything else is a torn one."""
        token = content[:8].decode(errors="replace")
        if token not in self.counts or content != token.encode() * self.counts[token]:
            raise Broken(f"a torn file: {len(content)} bytes, {content[:20]!r}")
        return token


class Kills:
    def __init__(self, options, home):
        self.random = random.Random(options.seed)
        self.home = home
        self.state = os.path.join(home, "state")
        self.folder = os.path.join(home, "host")
        self.downloads = os.path.join(self.folder, "downloads")
        os.makedirs(self.downloads)
        self.host = os.path.abspath(options.host)
        self.program = Program(os.path.abspath(options.berth), home, self.state)
        self.program.environment["BERTH_PLUGIN_PATH"] = os.path.abspath(options.plugins)
        with open(self.program.config, "w", encoding="utf-8") as file:
            json.dump({"version": 1, "providers": {
                "local": {"plugin": "local", "run": "worker", "config": {"state_dir": self.state}},
                "keeper": {"plugin": "keeper", "run": "worker"}}}, file)
        self.sandboxes = set()   # those that are surely there
        self.gone = set()        # those that are surely gone
        self.files = Files()
        self.ids = set()
        self.counted = collections.Counter()

    # ------------------------------------------------------------------------------------------------- one host's life

    def round(self):
        inventory = os.path.join(self.folder, "sandboxes")
        with open(inventory, "w", encoding="utf-8") as file:
            file.write("\n".join(sorted(self.sandboxes)))
        command = [self.host, self.program.config, str(self.random.randrange(1 << 60)), inventory, self.folder, *PROVIDERS]
        with open(os.path.join(self.folder, "output"), "ab") as output:
            host = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                    env=self.program.environment, cwd=self.home)
        self.counted["hosts"] += 1
        try:
            for _ in range(self.random.randrange(MOST_KILLED_WORKERS + 1)):
                self.live(host, self.random.uniform(0.01, 2))
                self.kill_worker(host.pid)
            self.live(host, self.random.choice([0.05, 0.3, 1, 3]) * self.random.random())
        finally:
            host.kill()
            host.wait()
        self.read_journals()
        wait_until("a worker outlives its host", lambda: not self.workers(), leftovers.PATIENCE)

    def live(self, host, seconds):
        try:
            host.wait(seconds)
        except subprocess.TimeoutExpired:
            return
        self.read_journals()  # which tells why
        with open(os.path.join(self.folder, "output"), encoding="utf-8", errors="replace") as output:
            raise Broken(f"the host ended by itself with {host.returncode}: {output.read()[-800:]}")

    def workers(self, host=None):
        """Workers of one host, or all of this soak's: nobody else's have its home."""
        found = []
        for process in Path("/proc").iterdir():
            if not process.name.isdigit():
                continue
            words = leftovers.read(process / "cmdline").split("\0")
            if not words[0].endswith("/berth-worker") or host not in (None, words[1]):
                continue
            if host is not None and leftovers.read(process / "stat").rpartition(")")[2].split()[1:2] != [host]:
                continue  # a child of a worker that has not become another program yet
            if f"HOME={self.home}" in leftovers.read(process / "environ").split("\0"):
                found.append(int(process.name))
        return found

    def kill_worker(self, host):
        workers = self.workers(str(host))
        if not workers:
            return
        try:
            os.kill(self.random.choice(workers), signal.SIGKILL)
            self.counted["workers"] += 1
        except ProcessLookupError:
            pass

    def read_journals(self):
        for journal in sorted(Path(self.folder).glob("*.journal")):
            for line in journal.read_text(encoding="utf-8").splitlines():
                self.told(*line.split(" "))
            journal.unlink()

    def told(self, what, *words):
        self.counted[what] += 1
        if what == "created":
            self.sandboxes.add(words[0])
        elif what == "destroying":
            self.sandboxes.discard(words[0])
        elif what == "destroyed":
            self.gone.add(words[0])
        elif what == "uploading":
            self.files.uploading(*words)
        elif what == "uploaded":
            self.files.uploaded(*words[:3])
        elif what == "broken":
            raise Broken("the host says: " + " ".join(words))

    # ------------------------------------------------------------------------------------------- what the next host sees

    def look(self):
        listed = {info["full_name"]: info for info in self.program.answer("ls")}
        self.ids.update(name.partition("/")[2] for name in listed)
        if lost := self.sandboxes - set(listed):
            raise Broken(f"lost: {sorted(lost)}")
        if left := self.gone & set(listed):
            raise Broken(f"destroyed and still there: {sorted(left)}")
        self.files.may = {key: may for key, may in self.files.may.items() if key[0] in self.sandboxes}
        for name in sorted(self.sandboxes):
            self.settle(name)
            self.verify(name)
        self.verify_downloads()
        for name in sorted(set(listed) - self.sandboxes):
            # Nobody was told that it is there, or that it is gone.
            self.counted["sandboxes in between"] += 1
            if listed[name]["status"] == "initializing":
                raise Broken(f"{name} is being made by nobody")
            self.program.must("rm", name)
        for name in self.random.sample(sorted(self.sandboxes), max(0, len(self.sandboxes) - MOST_SANDBOXES)):
            self.remove(name)

    def settle(self, name):
        """Nothing runs in it that was started for a host or a worker which is dead."""
        if not name.startswith("local/"):
            return
        wait_until(f"{name}: nothing runs in it",
                   lambda: self.program.answer("stats", name)["process_count"] == 1)

    def verify(self, name):
        target = os.path.join(self.home, "verified")
        for (sandbox, path), may in self.files.may.items():
            if sandbox != name:
                continue
            copied = self.program.call("cp", f"{name}:{path}", target)
            if copied.code == 0:
                token = self.files.token_of(Path(target).read_bytes())
                os.remove(target)
            elif copied.error == "FILE_NOT_FOUND":
                token = None
            else:
                raise Broken(f"{name}:{path} cannot be read: {copied.err!r}")
            if token not in may:
                raise Broken(f"{name}:{path} is {token}, expected one of {may}")
            self.files.may[sandbox, path] = {token}

    def verify_downloads(self):
        for file in Path(self.downloads).iterdir():
            if file.name.startswith(".berth-"):
                self.counted["downloads cut short"] += 1  # under its other name: nobody takes it for the file
            else:
                self.files.token_of(file.read_bytes())
                self.counted["downloads"] += 1
            file.unlink()

    def remove(self, name):
        self.program.must("rm", name)
        self.sandboxes.discard(name)
        self.gone.add(name)

    def finish(self):
        for name in sorted(self.sandboxes):
            self.remove(name)
        if left := self.program.answer("ls"):
            raise Broken(f"sandboxes are left: {[info['full_name'] for info in left]}")
        if left := leftovers.after_patience(self.home, self.state, self.ids):
            raise Broken("left behind: " + "; ".join(left))

    def clear_away(self):
        for info in self.program.answer("ls"):
            self.program.call("rm", info["full_name"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--berth", required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--plugins", required=True)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    seconds = options.seconds if options.seconds is not None else options.minutes * 60
    print(f"kills: seed {options.seed}, {seconds:g} s, uid {os.geteuid()}", flush=True)
    home, lock = make_home()
    os.chmod(home, 0o711)  # as root, sandboxes have accounts of their own, which must find their way through here
    kills = Kills(options, home)
    end = time.monotonic() + seconds
    failure = None
    try:
        while time.monotonic() < end:
            kills.round()
            kills.look()
        kills.finish()
    except Broken as broken:
        failure = str(broken)
    print("kills: " + ", ".join(f"{name} {count}" for name, count in sorted(kills.counted.items())), flush=True)
    if failure is None:
        shutil.rmtree(home)
        os.close(lock)
        print("kills: nothing lost, nothing torn, nothing left")
        return 0
    print(f"kills: FAILED: {failure}\nkills: seed {options.seed}; the files are kept in {home}", file=sys.stderr)
    with open(os.path.join(home, KEPT), "w", encoding="utf-8"):
        pass
    kills.clear_away()
    return 1


if __name__ == "__main__":
    sys.exit(main())

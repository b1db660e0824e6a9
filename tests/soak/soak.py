#!/usr/bin/env python3
"""Minutes of random use of sandboxes by several processes at once, with SIGKILL for everybody, and a model that says
what must be there: `./dev soak [MINUTES]`.

    soak.py --berth PROGRAM [--minutes 30 | --seconds 20] [--workers 3] [--seed N]

The seed is printed first; the same seed makes the same decisions, though not at the same moments. Ends with 0 when
nothing was lost and nothing is left.
"""
import argparse
import collections
import fcntl
import glob
import os
import random
import shutil
import stat
import sys
import tempfile
import threading
import time
import traceback

import leftovers
from program import Broken, Program
from worker import Worker

REPORT_EVERY = 60  # seconds


class Soak:
    def __init__(self, options, home):
        self.home = home
        self.state = os.path.join(home, "state")
        self.program = Program(os.path.abspath(options.berth), home, self.state)
        methods = self.program.methods()
        self.offers = {"network": self.program.offers("--network", "outbound"),
                       "memory": self.program.offers("--memory", "256MiB"),
                       "cpus": self.program.offers("--cpus", "1")}
        print("soak: offered here:", ", ".join([k for k, v in self.offers.items() if v] + sorted(methods)), flush=True)
        self.workers = [Worker(number, options.seed, self.program, self.offers, methods, home)
                        for number in range(options.workers)]
        self.end = time.monotonic() + options.duration
        self.failures = []
        self.stop = threading.Event()
        self.ids = set()

    def run(self):
        threads = [threading.Thread(target=self.work, args=(worker,)) for worker in self.workers]
        for thread in threads:
            thread.start()
        told = time.monotonic()
        while any(thread.is_alive() for thread in threads):
            try:
                self.collect_ids()
                if time.monotonic() - told > REPORT_EVERY:
                    told = time.monotonic()
                    print(f"soak: {sum(w.done for w in self.workers)} acts, {len(self.ids)} sandboxes so far", flush=True)
                time.sleep(0.1)
            except KeyboardInterrupt:
                print("soak: enough; the end is looked at", flush=True)
                self.end = time.monotonic()
        if not self.failures:
            self.check_nothing_left()
        return not self.failures

    def collect_ids(self):
        """Ids of sandboxes, those of killed creates included, for the search for what is left of them."""
        try:
            self.ids.update(os.listdir(os.path.join(self.state, "local", "sandboxes")))
        except OSError:
            pass

    def work(self, worker):
        try:
            while time.monotonic() < self.end and not self.stop.is_set():
                worker.step()
            if not self.stop.is_set():
                worker.finish()
        except Broken as broken:
            self.fail(worker, str(broken))
        except Exception:  # pylint: disable=broad-except
            self.fail(worker, traceback.format_exc())

    def fail(self, worker, text):
        self.stop.set()
        history = "\n    ".join(worker.history)
        self.failures.append(f"worker {worker.number}, act {worker.done}: {text}\n  its last acts:\n    {history}")

    def check_nothing_left(self):
        listed = self.program.answer("ls")
        if listed:
            self.failures.append(f"sandboxes are left: {[info['full_name'] for info in listed]}")
        if "create_snapshot" in self.program.methods():
            for snapshot in self.program.answer("snapshot", "ls"):  # those whose create was killed
                self.program.must("snapshot", "rm", snapshot["full_name"])
        self.failures += leftovers.after_patience(self.home, self.state, self.ids)

    def clear_away(self):
        """After a failure: no process may be left behind."""
        for info in self.program.answer("ls"):
            self.program.call("rm", info["full_name"])


KEPT = "kept"  # in a directory of a run that failed, for whoever looks into it


def sweep_homes():
    """What runs that were killed have left: nobody holds their locks. Young ones may not have theirs yet."""
    for home in glob.glob(os.path.join(tempfile.gettempdir(), "berth-soak-*")):
        look = os.lstat(home)
        ours = stat.S_ISDIR(look.st_mode) and look.st_uid == os.geteuid() and time.time() - look.st_mtime > 1800
        if not ours or os.path.exists(os.path.join(home, KEPT)):
            continue
        lock = os.open(home, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(home, ignore_errors=True)
        except OSError:
            pass  # a run that lives
        finally:
            os.close(lock)


def make_home():
    """A directory, and the descriptor that locks it while we live."""
    sweep_homes()
    home = tempfile.mkdtemp(prefix="berth-soak-")
    lock = os.open(home, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return home, lock


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--berth", required=True)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    options.duration = options.seconds if options.seconds is not None else options.minutes * 60
    print(f"soak: seed {options.seed}, {options.workers} workers, {options.duration:g} s, uid {os.geteuid()}", flush=True)
    home, lock = make_home()
    os.chmod(home, 0o711)  # as root, sandboxes have accounts of their own, which must find their way through here
    soak = Soak(options, home)
    began = time.monotonic()
    good = soak.run()
    acts = collections.Counter()
    for worker in soak.workers:
        acts.update(worker.counted)
    print(f"soak: {sum(w.done for w in soak.workers)} acts in {time.monotonic() - began:.0f} s on {len(soak.ids)} "
          f"sandboxes: " + ", ".join(f"{name} {count}" for name, count in acts.most_common()), flush=True)
    if good:
        shutil.rmtree(home)
        os.close(lock)
        print("soak: nothing lost, nothing left")
        return 0
    for failure in soak.failures:
        print("soak: FAILED: " + failure, file=sys.stderr)
    print(f"soak: seed {options.seed}; the files are kept in {home}", file=sys.stderr)
    with open(os.path.join(home, KEPT), "w", encoding="utf-8"):
        pass
    soak.clear_away()
    return 1


if __name__ == "__main__":
    sys.exit(main())

"""One worker of the soak: its own sandboxes, a model of what must be in them, and random things done to them.

Where an act was killed in the middle the model holds every state it may have left; the next look settles which it was.
"""
import collections
import hashlib
import os
import random
import shutil
import signal

from program import Broken, reference, wait_until

PLACES = ["/workspace", "/home/sandbox", "/tmp"]
MOST_SANDBOXES = 3
MOST_FILES = 12


def digest(content):
    return hashlib.sha256(content).hexdigest()


class Sandbox:
    def __init__(self, ref, network):
        self.ref = ref
        self.id = ref.partition("/")[2]
        self.network = network
        self.files = {}      # path -> set of digests that it may have; None: it may be missing
        self.variables = {}  # name -> set of values; None: it may be missing
        self.marks = []      # lines that its log must have

    def copy_state(self):
        return ({path: set(may) for path, may in self.files.items()},
                {name: set(may) for name, may in self.variables.items()})


class Worker:
    def __init__(self, number, seed, program, offers, methods, home):
        self.random = random.Random(f"{seed}/{number}")
        self.label = f"worker={number}"
        self.number = number
        self.program = program
        self.offers = offers
        self.home = os.path.join(home, f"worker{number}")
        os.makedirs(self.home)
        self.sandboxes = []
        self.snapshots = {}   # reference -> (files, variables)
        self.history = []
        self.counted = collections.Counter()
        self.done = 0
        self.acts = [(self.create, 3), (self.write, 8), (self.copy_in, 4), (self.copy_out, 4), (self.verify, 4),
                     (self.fail, 1), (self.background, 2), (self.restart, 2), (self.kill_init, 2),
                     (self.kill_bubblewrap, 1), (self.kill_helper, 1), (self.remove, 2), (self.look, 2)]
        if "set_environment_variables" in methods:
            self.acts.append((self.set_variable, 3))
        if {"create_snapshot", "restore_snapshot"} <= methods:
            self.acts += [(self.snapshot, 3), (self.restore, 3), (self.forget_snapshot, 1)]
        if "get_logs" in methods:
            self.acts.append((self.log, 2))

    # ------------------------------------------------------------------------------------------------ how acts run

    def step(self):
        self.done += 1
        act = self.random.choices([a for a, _ in self.acts], [w for _, w in self.acts])[0]
        if act == self.create or not self.sandboxes:
            self.counted["create"] += 1
            self.note("create")
            self.create()
            return
        box = self.random.choice(self.sandboxes)
        self.counted[act.__name__] += 1
        self.note(f"{act.__name__} {box.id}")
        act(box)

    def note(self, text):
        self.history.append(text)
        del self.history[:-40]

    def deadline(self):
        """When to kill the call: mostly never."""
        return self.random.choice([0.002, 0.01, 0.03, 0.1]) if self.random.random() < 0.2 else None

    def call(self, *words, stdin=b"", may_kill=True):
        after = self.deadline() if may_kill else None
        outcome = self.program.call(*words, stdin=stdin, kill_after=after)
        if outcome.killed:
            self.counted["killed berth"] += 1
            self.note(f"  killed berth after {after} s")
        return outcome

    def expect(self, outcome, code, *words):
        if outcome.code != code:
            raise Broken(f"{' '.join(words)}: ended with {outcome.code} instead of {code}: "
                         f"{outcome.out[-300:]!r} {outcome.err[-800:]!r}")

    def info(self, box):
        return self.program.answer("inspect", box.ref)

    def settle(self, box):
        """After a killed call: nothing that it started runs on, and the sandbox runs."""
        def quiet_or_restarted():
            # Looked at each time: what was killed may just have been ending it.
            if self.info(box)["status"] in ("stopped", "error"):
                self.program.must("restart", box.ref)
            return self.quiet(box)
        wait_until(f"{box.ref}: nothing runs in it", quiet_or_restarted)

    def quiet(self, box):
        return self.info(box)["status"] == "ready" and self.program.answer("stats", box.ref)["process_count"] == 1

    # ------------------------------------------------------------------------------------------------- come and go

    def create(self, _=None):
        if len(self.sandboxes) >= MOST_SANDBOXES:
            self.remove(self.random.choice(self.sandboxes))
            return
        token = f"{self.number}-{self.done}-{self.random.randrange(1 << 30)}"
        words = ["create", "-l", self.label, "-l", f"token={token}", "-e", f"TOKEN={token}"]
        network = "none"
        if self.offers["network"] and self.random.random() < 0.4:
            network = "outbound"
            words += ["--network", network]
        if self.offers["memory"] and self.random.random() < 0.4:
            words += ["--memory", "256MiB"]
        if self.offers["cpus"] and self.random.random() < 0.3:
            words += ["--cpus", "1"]
        first = self.content()
        source = os.path.join(self.home, "upload")
        with open(source, "wb") as file:
            file.write(first)
        words += ["--upload", f"{source}:/workspace/first", "--setup", "cp first /tmp/copy"]
        outcome = self.call(*words)
        if outcome.killed:
            found = [info for info in self.ours() if info["labels"].get("token") == token]
            if not found:
                return
            if found[0]["status"] == "initializing":
                raise Broken(f"{found[0]['full_name']} is being made by nobody")
            ref = found[0]["full_name"]
        else:
            self.expect(outcome, 0, *words)
            ref = reference(outcome)
        box = Sandbox(ref, network)
        box.files = {"/workspace/first": {digest(first)}, "/tmp/copy": {digest(first)}}
        box.variables = {"TOKEN": {token}}
        self.sandboxes.append(box)

    def remove(self, box):
        outcome = self.call("rm", box.ref)
        if outcome.killed:
            outcome = self.program.call("rm", box.ref)
            if outcome.error == "NOT_FOUND":
                outcome.code = 0
        self.expect(outcome, 0, "rm", box.ref)
        self.sandboxes.remove(box)
        gone = self.program.call("inspect", box.ref)
        if gone.error != "NOT_FOUND":
            raise Broken(f"{box.ref} was removed and is still there: {gone.out!r} {gone.err!r}")

    def ours(self):
        return [info for info in self.program.answer("ls")
                if info["labels"].get("worker") == str(self.number)]

    def look(self, _):
        """What `ls` says is what was made: no more, no less."""
        there = {info["full_name"] for info in self.ours()}
        expected = {box.ref for box in self.sandboxes}
        if there != expected:
            raise Broken(f"lost: {sorted(expected - there)}; not removed: {sorted(there - expected)}")

    # ------------------------------------------------------------------------------------------------------- files

    def content(self):
        size = self.random.choice([0, 1, 100, 4096, 70_000, 300_000, 2_000_000])
        return self.random.randbytes(size)

    def path(self, box):
        if len(box.files) >= MOST_FILES or (box.files and self.random.random() < 0.5):
            return self.random.choice(sorted(box.files))
        return f"{self.random.choice(PLACES)}/file{self.random.randrange(1000)}"

    def put(self, box, path, content, killed):
        may = {digest(content)}
        if killed:
            may |= box.files.get(path, {None})
        box.files[path] = may

    def write(self, box):
        path, content = self.path(box), self.content()
        line = ('t=$(mktemp "$1.XXXXXX") && cat > "$t" && [ "$(sha256sum < "$t" | cut -d" " -f1)" = "$2" ] '
                '&& mv "$t" "$1" && echo "$3"')
        mark = f"mark-{self.number}-{self.done}"
        outcome = self.call("exec", "-i", box.ref, "--", "sh", "-c", line, "sh", path, digest(content), mark,
                            stdin=content)
        if outcome.killed:
            self.settle(box)
        else:
            self.expect(outcome, 0, "exec", box.ref)
            if outcome.out.decode().strip() != mark:
                raise Broken(f"{box.ref}: wrong output {outcome.out!r}")
            box.marks.append(mark)
        self.put(box, path, content, outcome.killed)

    def copy_in(self, box):
        path, content = self.path(box), self.content()
        source = os.path.join(self.home, "source")
        with open(source, "wb") as file:
            file.write(content)
        outcome = self.call("cp", source, f"{box.ref}:{path}")
        if outcome.killed:
            self.settle(box)
        else:
            self.expect(outcome, 0, "cp", path)
        self.put(box, path, content, outcome.killed)

    def copy_out(self, box):
        if not box.files:
            return
        path = self.random.choice(sorted(box.files))
        target = os.path.join(self.home, "target")
        outcome = self.call("cp", f"{box.ref}:{path}", target)
        if outcome.killed:
            self.settle(box)
        elif outcome.code != 0:
            if None not in box.files[path]:
                self.expect(outcome, 0, "cp", path)
            box.files.pop(path)
        else:
            with open(target, "rb") as file:
                self.found(box, path, digest(file.read()))
        if os.path.exists(target):
            os.remove(target)

    def found(self, box, path, value):
        if value not in box.files[path]:
            raise Broken(f"{box.ref}:{path} is {value}, expected {box.files[path]}")
        if value is None:
            box.files.pop(path)
        else:
            box.files[path] = {value}

    def verify(self, box):
        """Every file and variable that must be there is, with the right content."""
        paths = sorted(box.files)
        line = 'for f; do if [ -e "$f" ]; then sha256sum < "$f" | cut -d" " -f1; else echo missing; fi; done'
        out = self.program.must("exec", box.ref, "--", "sh", "-c", line, "sh", *paths).out.decode().split()
        if len(out) != len(paths):
            raise Broken(f"{box.ref}: {len(out)} answers about {len(paths)} files")
        for path, value in zip(paths, out):
            self.found(box, path, None if value == "missing" else value)
        out = self.program.must("exec", box.ref, "--", "env", "-0").out.decode()
        there = dict(pair.split("=", 1) for pair in out.split("\0") if pair)
        for name in sorted(box.variables):
            value = there.get(name)
            if value not in box.variables[name]:
                raise Broken(f"{box.ref}: variable {name} is {value}, expected {box.variables[name]}")
            box.variables[name] = {value}
        if box.network == "outbound" and self.info(box)["facts"].get("network_helper", "").startswith("gone"):
            raise Broken(f"{box.ref}: its network is gone, and nobody took it")

    # --------------------------------------------------------------------------------------------------- processes

    def fail(self, box):
        code = self.random.randrange(2, 120)
        outcome = self.program.call("exec", box.ref, "--", "sh", "-c", f"exit {code}")
        self.expect(outcome, code, "exec", box.ref)

    def background(self, box):
        """A command that goes on by itself; berth ends with it, is killed before, or kills it by a timeout."""
        outcome = self.call("exec", "--timeout", "2s", box.ref, "--", "sh", "-c", "setsid sleep 0.3 & sleep 0.2")
        if outcome.killed:
            self.settle(box)
        elif outcome.code not in (0, 124):
            self.expect(outcome, 0, "exec", box.ref)
        wait_until(f"{box.ref}: its sleepers end", lambda: self.quiet(box))

    def restart(self, box):
        outcome = self.call("restart", box.ref)
        if outcome.killed:
            self.settle(box)
            if self.random.random() < 0.5 or box.network == "outbound":
                self.program.must("restart", box.ref)  # what was killed may have come no further than the first process
        else:
            self.expect(outcome, 0, "restart", box.ref)
        self.verify(box)

    def kill_fact(self, box, fact):
        value = self.info(box)["facts"].get(fact, "")
        if value.isdigit():
            self.kill(int(value))
        return value.isdigit()

    def kill(self, pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def kill_init(self, box):
        self.kill_fact(box, "first_process")
        wait_until(f"{box.ref} is stopped", lambda: self.info(box)["status"] == "stopped")
        refused = self.program.call("exec", box.ref, "--", "true")
        if refused.error != "NOT_READY":
            raise Broken(f"{box.ref}: a stopped sandbox took a command: {refused.code} {refused.err!r}")
        self.restart(box)

    def kill_bubblewrap(self, box):
        """bubblewrap's own process beside the sandbox: the sandbox lives on without it."""
        first = self.info(box)["facts"].get("first_process", "")
        try:
            with open(f"/proc/{first}/stat", encoding="utf-8", errors="replace") as file:
                parent = int(file.read().rpartition(")")[2].split()[1])
            with open(f"/proc/{parent}/comm", encoding="utf-8") as file:
                name = file.read().strip()
        except (OSError, ValueError, IndexError):
            return
        if name == "bwrap":
            self.kill(parent)
        self.verify(box)

    def kill_helper(self, box):
        if box.network == "outbound" and self.kill_fact(box, "network_helper"):
            wait_until(f"{box.ref} tells that its network is gone",
                       lambda: self.info(box)["facts"].get("network_helper", "").startswith("gone"))
            self.program.must("restart", box.ref)
            self.verify(box)

    # --------------------------------------------------------------------- variables, snapshots, logs, where offered

    def set_variable(self, box):
        name, value = f"SOAK_{self.random.randrange(5)}", str(self.random.randrange(1 << 40))
        outcome = self.call("env", "set", box.ref, f"{name}={value}")
        if not outcome.killed:
            self.expect(outcome, 0, "env set", box.ref)
        box.variables[name] = {value} | (box.variables.get(name, {None}) if outcome.killed else set())

    def snapshot(self, box):
        self.verify(box)  # so that the snapshot is of something certain
        if len(self.snapshots) >= 3:
            self.forget_snapshot(box)
        name = f"soak-{self.number}-{self.done}"
        outcome = self.call("snapshot", "create", box.ref, name)
        if outcome.killed:
            self.settle(box)
            return  # found again, and removed, at the end
        self.expect(outcome, 0, "snapshot create", box.ref)
        self.snapshots[reference(outcome)] = box.copy_state()

    def restore(self, box):
        if not self.snapshots:
            return
        snapshot = self.random.choice(sorted(self.snapshots))
        outcome = self.call("snapshot", "restore", box.ref, snapshot)
        if outcome.killed:
            self.settle(box)
            # Whatever it left: a second one is whole.
            self.program.must("snapshot", "restore", box.ref, snapshot)
        else:
            self.expect(outcome, 0, "snapshot restore", box.ref)
        files, variables = self.snapshots[snapshot]
        box.files = {path: set(may) for path, may in files.items()}
        box.variables = {name: set(may) for name, may in variables.items()}
        self.verify(box)

    def forget_snapshot(self, _):
        if self.snapshots:
            snapshot = self.random.choice(sorted(self.snapshots))
            outcome = self.call("snapshot", "rm", snapshot)
            if outcome.killed:
                outcome = self.program.call("snapshot", "rm", snapshot)
                if outcome.error in ("NOT_FOUND", "SNAPSHOT_NOT_FOUND"):
                    outcome.code = 0
            self.expect(outcome, 0, "snapshot rm", snapshot)
            self.snapshots.pop(snapshot)

    def log(self, box):
        out = self.program.must("logs", box.ref).out.decode(errors="replace")
        for mark in box.marks[-5:]:
            if mark not in out:
                raise Broken(f"{box.ref}: its log has lost {mark}")

    # --------------------------------------------------------------------------------------------------------- end

    def finish(self):
        for box in list(self.sandboxes):
            self.note(f"final verify and rm {box.id}")
            self.verify(box)
            self.remove(box)
        self.look(None)
        shutil.rmtree(self.home)

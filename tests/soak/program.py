"""The berth program as the soak uses it: one call, its output, and what it may end with. Knows no sandbox.

A call may be killed in the middle, on purpose. Every call has a deadline that no healthy one comes near.
"""
import json
import os
import random
import signal
import subprocess
import time

LONGEST_CALL = 240  # seconds; the machine may be busy, but nothing waits that long


class Broken(Exception):
    """Something is not as the model says."""


class Outcome:
    def __init__(self, code, out, err, killed):
        self.code, self.out, self.err, self.killed = code, out, err, killed

    @property
    def error(self):
        """The error's code, such as NOT_FOUND, if berth failed with one."""
        for line in self.err.decode(errors="replace").splitlines():
            if line.startswith("{"):
                try:
                    return json.loads(line).get("code", "")
                except ValueError:
                    continue
        return ""


class Program:
    def __init__(self, path, home, state):
        self.path = path
        self.home = home
        self.config = os.path.join(home, "berth.yaml")
        with open(self.config, "w", encoding="utf-8") as file:
            json.dump({"version": 1, "providers": {"local": {"plugin": "local", "config": {"state_dir": state}}}}, file)
        os.chmod(self.config, 0o600)
        self.environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": home,
                            "LANG": "C.UTF-8", "XDG_STATE_HOME": home + "/xdg/state",
                            "XDG_DATA_HOME": home + "/xdg/data", "XDG_CONFIG_HOME": home + "/xdg/config",
                            "XDG_RUNTIME_DIR": home + "/xdg/run", "TMPDIR": home + "/tmp"}
        for name in self.environment.values():
            if name.startswith(home):
                os.makedirs(name, mode=0o700, exist_ok=True)

    def call(self, *words, stdin=b"", kill_after=None):
        """Runs berth with these words; `kill_after`: SIGKILL after so many seconds, if it still runs then."""
        command = [self.path, "--config", self.config, "-o", "json", "-q", *words]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 env=self.environment, cwd=self.home, start_new_session=True)
        killed = False
        try:
            try:
                out, err = child.communicate(stdin, timeout=LONGEST_CALL if kill_after is None else kill_after)
            except subprocess.TimeoutExpired:
                child.send_signal(signal.SIGKILL)
                out, err = child.communicate(timeout=LONGEST_CALL)  # its pipes are held by nobody else, or this hangs
                if kill_after is None:
                    raise Broken(f"`{' '.join(words)}` did not end within {LONGEST_CALL} s") from None
                killed = True
        except subprocess.TimeoutExpired:
            raise Broken(f"`{' '.join(words)}` was killed, but somebody holds its output open") from None
        return Outcome(child.returncode, out, err, killed)

    def must(self, *words, stdin=b"", code=0):
        """A call that has to end with `code`."""
        outcome = self.call(*words, stdin=stdin)
        if outcome.code != code:
            raise Broken(f"`{' '.join(words)}` ended with {outcome.code}: {outcome.out[-300:]!r} {outcome.err[-800:]!r}")
        return outcome

    def answer(self, *words):
        outcome = self.must(*words)
        try:
            return json.loads(outcome.out)
        except ValueError:
            raise Broken(f"`{' '.join(words)}` answered no JSON: {outcome.out[:300]!r}") from None

    def methods(self):
        return set(self.answer("provider", "ls")[0]["methods"])

    def offers(self, *flags):
        """Whether sandboxes can be made with these flags here. Makes one to see."""
        outcome = self.call("create", *flags)
        if outcome.code == 0:
            self.must("rm", reference(outcome))
            return True
        if outcome.error == "UNSUPPORTED":
            return False
        raise Broken(f"create {' '.join(flags)} ended with {outcome.code}: {outcome.err[-800:]!r}")


def reference(outcome):
    """What `create` printed: the full name, as JSON or plain."""
    text = outcome.out.decode().strip()
    return json.loads(text)["full_name"] if text.startswith("{") else text.strip('"')


def wait_until(what, holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise Broken(f"{what}: not so after {seconds} s")
        time.sleep(random.uniform(0.01, 0.05))

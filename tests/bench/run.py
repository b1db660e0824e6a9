#!/usr/bin/env python3
"""Runs the benchmarks and writes their figures between the marks of docs/performance.md: `./dev bench` calls it.

    run.py --build build/release --document docs/performance.md [--rounds N]
    run.py --build build/release --self-test        sees that the tools run; judges no time

Figures of one table come from one run of bench_process, which interleaves the commands.
"""
import argparse
import datetime
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

BEGIN, END = "<!-- bench -->", "<!-- /bench -->"

# The namespaces and the root of a sandbox of local.so, made by bubblewrap alone.
BWRAP = shlex.split(
    "bwrap --unshare-user --unshare-pid --unshare-ipc --unshare-uts --unshare-net --unshare-cgroup --die-with-parent "
    "--ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 "
    "--proc /proc --dev /dev --tmpfs /tmp --tmpfs /workspace --chdir /workspace true")


def comparisons(berth):
    """title, commands as (name, argv), names of the columns to compare with"""
    return [
        ("The start of the program", [("true", ["true"]), ("berth --version", [berth, "--version"])], ["true"]),
        ("A whole sandbox: create, execute, destroy",
         [("true", ["true"]), ("bwrap ... true", BWRAP), ("berth run -- true", [berth, "run", "--", "true"])],
         ["true", "bwrap ... true"]),
    ]


def bench(build, commands, rounds):
    words = []
    for name, argv in commands:
        words += (["---"] if words else []) + [name] + argv
    program = Path(build) / "tests" / "bench_process"
    # A configuration and sandboxes of this user must not change what is measured.
    with tempfile.TemporaryDirectory() as home:
        environment = {"PATH": os.environ["PATH"], "HOME": home, "XDG_RUNTIME_DIR": home}
        done = subprocess.run([program, "--rounds", str(rounds), *words], stdout=subprocess.PIPE, check=True,
                              env=environment)
    return json.loads(done.stdout)


def table(title, result, compared):
    head = ["whole process", "median", "p10 to p90"] + [f"times `{name}`" for name in compared]
    lines = [f"**{title}** ({result['rounds']} rounds)", "", "| " + " | ".join(head) + " |",
             "|" + " --- |" * len(head)]
    for command in result["commands"]:
        cells = [f"`{command['name']}`", f"{command['median_us'] / 1000:.2f} ms",
                 f"{command['p10_us'] / 1000:.2f} to {command['p90_us'] / 1000:.2f} ms"]
        cells += [f"{command['ratio_to'][name]:.2f}" for name in compared]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def machine():
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    who = "root" if os.geteuid() == 0 else "an ordinary user"
    return (f"Measured on {datetime.date.today()} by `./dev bench` as {who}: {os.cpu_count()} CPUs ({model}), "
            f"Linux {platform.release()}.")


def replaced(text, figures):
    before, mark, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise SystemExit(f"the document has no {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n{figures}\n{END}{after}"


def self_test(build):
    result = bench(build, [("floor", ["true"]), ("shell", ["sh", "-c", "exit 0"])], 3)
    figures = table("Title", result, ["floor"])
    assert figures.count("\n") == 5 and "| `floor` |" in figures and "| 1.00 |" in figures, figures
    text = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert replaced(text, figures) == f"before\n{BEGIN}\n{figures}\n{END}\nafter\n"
    try:
        bench(build, [("floor", ["true"]), ("failing", ["false"])], 1)
    except subprocess.CalledProcessError:
        print("the benchmark tools run, and refuse a command that fails")
        return
    raise SystemExit("a command that fails was measured")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    parser.add_argument("--document")
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    if arguments.self_test:
        self_test(arguments.build)
        return
    berth = str(Path(arguments.build).resolve() / "bin" / "berth")
    parts = [machine()]
    for title, commands, compared in comparisons(berth):
        print(f"measuring: {title}", file=sys.stderr)
        parts.append(table(title, bench(arguments.build, commands, arguments.rounds), compared))
    figures = "\n\n".join(parts)
    print(figures)
    if arguments.document:
        document = Path(arguments.document)
        document.write_text(replaced(document.read_text(), figures))


if __name__ == "__main__":
    main()

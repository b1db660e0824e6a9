#!/usr/bin/env python3
"""Runs what a document shows: transcript_test.py DOCUMENT.md BIN_DIRECTORY [--stand-in PROVIDER PROGRAM] [NAME=VALUE...]

Every ```console block after a line `<!-- tested -->` is one session: `$ ` begins a command (`> ` goes on with it), the
lines after it are what it must print, stdout and stderr together; `...` in them stands for anything. A command must
succeed unless its last line is `exit N`. The session has an empty home and working directory, and BIN_DIRECTORY first
in its PATH. With a stand-in every `berth run` and `berth create` is given `--provider PROVIDER`, which reaches it.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

# What the documents of a provider say is in its configuration.
MORE = {"vercel": {"templates": {"node18": "node22"}}}

EXIT = re.compile(r"exit (\d+)")


def sessions(text):
    pattern = r"<!-- tested -->\n+```console\n(.*?)```"
    return [match[1].splitlines() for match in re.finditer(pattern, text, re.DOTALL)]


def steps(lines):
    """(command, expected lines, expected exit) of a session"""
    result = []
    for line in lines:
        if line.startswith("$ "):
            result.append([line[2:], []])
        elif line.startswith("> "):
            result[-1][0] += "\n" + line[2:]
        else:
            result[-1][1].append(line)
    for step in result:
        match = EXIT.fullmatch(step[1][-1]) if step[1] else None
        if match:
            step[1].pop()
        step.append(int(match[1]) if match else 0)
    return result


def script(session, folder):
    """One shell for the whole session; each step writes its output and its exit code into files of its own."""
    parts = []
    for number, (command, _, _) in enumerate(session):
        parts.append(f"{{ {command}\n}} >{folder}/{number}.out 2>&1\necho $? >{folder}/{number}.exit")
    return "\n".join(parts) + "\n"


def matches(expected, printed):
    """A line that is only `...` stands for any number of lines."""
    pattern = "".join(r"(?:.*\n)*" if line == "..." else
                      ".*".join(re.escape(part) for part in line.split("...")) + r"\n" for line in expected)
    printed = printed.rstrip("\n")
    return re.fullmatch(pattern, printed + "\n" if printed else "") is not None


def run(session, environment):
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as home:
        text = script(session, folder)
        subprocess.run(["bash", "-c", text], cwd=home, stdin=subprocess.DEVNULL, check=False,
                       env={**environment, "HOME": home, "XDG_CACHE_HOME": home + "/.cache", "XDG_STATE_HOME": home + "/.state",
                            "XDG_RUNTIME_DIR": home})
        for number, (command, expected, status) in enumerate(session):
            code = Path(folder, f"{number}.exit")
            if not code.exists():
                return f"$ {command}\nthe session ended before or in it"
            printed = Path(folder, f"{number}.out").read_text(errors="replace")
            if int(code.read_text()) != status or not matches(expected, printed):
                wanted = "\n".join(expected)
                return f"$ {command}\nexpected, with exit {status}:\n{wanted}\nfound, with exit {code.read_text()}{printed}"
    return None


class StandIn:
    """A vendor's server on loopback, ended with this, and a configuration of its provider beside `local`."""

    def __init__(self, provider, program, folder):
        self.process = subprocess.Popen([program, "--end-with-input"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        about = json.loads(self.process.stdout.readline())
        options = {name: about[name] for name in ("api_url", "team_id", "project_id") if name in about}
        secret = "api_key" if "api_key" in about else "token"
        options[secret] = "${env:STAND_IN_TOKEN}"
        options.update(MORE.get(provider, {}))
        lines = [f"      {name}: {json.dumps(value)}" for name, value in options.items()]
        configuration = Path(folder, "berth.yaml")
        configuration.write_text("\n".join(["version: 1", "providers:", "  local: { plugin: local }", f"  {provider}:",
                                            f"    plugin: {provider}", "    config:", *lines,
                                            "select: { default: local }", ""]), encoding="utf-8")
        self.environment = {"BERTH_CONFIG": str(configuration), "STAND_IN_TOKEN": about[secret]}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


def with_provider(lines, provider):
    return [re.sub(r"\bberth (run|create)\b", rf"berth \1 --provider {provider}", line)
            if line.startswith("$ ") and "--provider" not in line else line for line in lines]


def main():
    if "--stand-in" not in sys.argv:
        return run_document(sys.argv[1:], None, {})
    at = sys.argv.index("--stand-in")
    provider, program = sys.argv[at + 1:at + 3]
    with tempfile.TemporaryDirectory() as folder, StandIn(provider, program, folder) as stand_in:
        return run_document(sys.argv[1:at] + sys.argv[at + 3:], provider, stand_in.environment)


def run_document(words, provider, more):
    document, binaries = Path(words[0]), Path(words[1]).resolve()
    environment = {"PATH": f"{binaries}:/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "TERM": "dumb"}
    environment.update(word.split("=", 1) for word in words[2:])
    environment.update(more)
    found = sessions(document.read_text())
    if not found:
        raise SystemExit(f"{document} has no tested session")
    count = 0
    for lines in found:
        session = steps(with_provider(lines, provider) if provider else lines)
        count += len(session)
        if failure := run(session, environment):
            raise SystemExit(f"{document.name}:\n{failure}")
    print(f"{document.name}: {count} commands print what it says")


if __name__ == "__main__":
    main()

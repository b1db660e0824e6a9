#!/usr/bin/env python3
"""The table of docs/providers.md, from what runs of the conformance suite found: who offers what, and by which means.

    table.py --write docs/providers.md FACTS...      renews it; FACTS are what CONFORMANCE_FACTS of run_conformance wrote
    table.py --check docs/providers.md FACTS...      fails when it is not what the runs say; 77 when one has not run

What a provider offers comes from the run. Whether the backend does it or the plugin makes it of other things is known to
whoever wrote the plugin, and stands in means.json; a name there that no run offers is an error.
"""
import json
import sys
from pathlib import Path

BEGIN, END = "<!-- conformance -->", "<!-- /conformance -->"
MEANS = json.loads((Path(__file__).parent / "means.json").read_text())
PROVIDERS = ["local", "vercel", "daytona"]
METHODS = ["create", "get", "list", "destroy", "execute", "execute_stream", "upload_files", "download_files",
           "get_resource_usage", "is_ready", "restart", "create_snapshot", "restore_snapshot", "get_logs",
           "set_environment_variables", "get_environment_variables", "berth.snapshots/1"]


def cell(provider, name, offers):
    if name not in offers:
        return "refused"
    how = MEANS[provider].get(name)
    return f"emulated: {how}" if how else "native"


def table(facts):
    """`facts`: provider -> the names it offers."""
    for provider, means in MEANS.items():
        if unknown := sorted(set(means) - set(facts[provider])):
            sys.exit(f"means.json: {provider} does not offer {', '.join(unknown)}")
    # The rows of the extension are in its own; what is left are features.
    features = sorted(set().union(*facts.values()) - set(METHODS) - {"list_snapshots", "delete_snapshot"})
    lines = ["| | " + " | ".join(PROVIDERS) + " |", "| --- |" + " --- |" * len(PROVIDERS)]
    for name in METHODS + features:
        cells = " | ".join(cell(provider, name, facts[provider]) for provider in PROVIDERS)
        lines.append(f"| `{name}` | {cells} |")
    return "\n".join(lines)


def main(mode, document, *files):
    if missing := [file for file in files if not Path(file).is_file()]:
        print(f"SKIPPED: no run has written {', '.join(missing)}", file=sys.stderr)
        return 77
    runs = [json.loads(Path(file).read_text()) for file in files]
    facts = {run["provider"]: run["offers"] for run in runs}
    text = Path(document).read_text()
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    wanted = f"{head}{BEGIN}\n\n{table(facts)}\n\n{END}{tail}"
    if mode == "--write":
        Path(document).write_text(wanted)
    elif wanted != text:
        print(f"{document} is not what the runs found; renew it:\n  {sys.argv[0]} --write {document} {' '.join(files)}",
              file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

#!/usr/bin/env python3
"""The schema for editors: it accepts every example in config/ and refuses what the reader refuses, too.

Needs python3-jsonschema and python3-yaml, which stand for the editor. Usage: schema_test.py CONFIG-FOLDER
"""
import json
import sys
from pathlib import Path

import jsonschema
import yaml

# Each is refused by the reader; tests/unit/config/configuration_reader_test.cpp says with which number.
REFUSED = [
    "providers: {a: {plugin: a}}",
    "version: 2",
    "{version: 1, provider: {}}",
    "{version: 1, plugins: {pins: []}}",
    "{version: 1, plugins: {pins: {acme: abc}}}",
    "{version: 1, plugins: {policy: some}}",
    "{version: 1, plugins: {paths: /a}}",
    "{version: 1, providers: {}}",
    "{version: 1, providers: {A: {plugin: a}}}",
    "{version: 1, providers: {a: {}}}",
    "{version: 1, providers: {a: {plugin: A}}}",
    "{version: 1, providers: {a: {plugin: a, run: thread}}}",
    "{version: 1, providers: {a: {plugin: a, worker: {memory: lots}}}}",
    "{version: 1, providers: {a: {plugin: a, requires: [executeStream]}}}",
    "{version: 1, providers: {a: {plugin: a, max_streams: 0}}}",
    "{version: 1, providers: {a: {plugin: a, max_streams: '5'}}}",
    "{version: 1, providers: {a: {plugin: a, labels: {a: 5}}}}",
    "{version: 1, providers: {a: {plugin: a, deadlines: {creat: 5m}}}}",
    "{version: 1, providers: {a: {plugin: a, deadlines: {create: 5}}}}",
    "{version: 1, providers: {a: {plugin: a, config: text}}}",
    "{version: 1, select: {rules: []}}",
    "{version: 1, select: {default: 5}}",
    "{version: 1, defaults: {kill_grace: none}}",
    "{version: 1, defaults: {timeout: 5 minutes}}",
    "{version: 1, defaults: {max_output_bytes: 16MB}}",
    "{version: 1, defaults: {autostart: 'true'}}",
    "{version: 1, defaults: {on_unsupported: ignore}}",
    "{version: 1, defaults: {download: {max_files: 0}}}",
]


def main(folder):
    schema = json.loads((folder / "berth.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    failures = []
    examples = sorted(folder.glob("**/*.yaml"))
    if len(examples) < 2:
        failures.append(f"{folder}: no examples")
    for path in examples:
        text = path.read_text(encoding="utf-8")
        for error in validator.iter_errors(yaml.safe_load(text)):
            failures.append(f"{path}: {'/'.join(map(str, error.absolute_path))}: {error.message}")
        link = text.splitlines()[0].partition("$schema=")[2]
        if not link or not (path.parent / link).is_file():
            failures.append(f"{path}: its first line does not lead an editor to the schema")
    for text in REFUSED:
        if validator.is_valid(yaml.safe_load(text)):
            failures.append(f"accepted, though the reader refuses it: {text}")
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

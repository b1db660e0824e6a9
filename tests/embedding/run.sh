#!/bin/sh
# Runs the embedding program with a state directory of its own: run.sh PROGRAM PLUGIN_DIRECTORY
set -eu
state=$(mktemp -d)
# Run by root, sandboxes have accounts of their own, which must get through to their files.
chmod 711 "$state"
trap 'rm -rf "$state"' EXIT
"$1" "$2" "$state"

#!/bin/sh
# Runs the embedding program with a state directory of its own: run.sh PROGRAM PLUGIN_DIRECTORY
set -eu
state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
"$1" "$2" "$state"

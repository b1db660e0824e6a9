#!/usr/bin/env bash
# Runs a program against local.so with a state directory of its own:
#   local.sh PLUGIN_DIR PROGRAM [ARGUMENT...]   CONFIG, PROVIDER and STATE among the arguments are filled in.
set -euo pipefail
plugins=$1
shift
work=$(mktemp -d "${TMPDIR:-/tmp}/berth-conformance.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
chmod 711 "$work" # a sandbox of root runs as another user and has to pass through
cat >"$work/berth.yaml" <<YAML
version: 1
plugins: { paths: ["$plugins"] }
providers:
  local: { plugin: local, config: { state_dir: "$work/state" } }
YAML
arguments=()
for argument in "$@"; do
    case $argument in
        CONFIG) argument=$work/berth.yaml ;;
        PROVIDER) argument=local ;;
        STATE) argument=$work/state ;;
    esac
    arguments+=("$argument")
done
"${arguments[@]}"

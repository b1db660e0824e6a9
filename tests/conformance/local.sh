#!/usr/bin/env bash
# The conformance suite against local.so with a state directory of its own: local.sh RUNNER PLUGIN_DIR [ONLY]
set -euo pipefail
runner=$1 plugins=$2
shift 2
work=$(mktemp -d "${TMPDIR:-/tmp}/berth-conformance.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
chmod 711 "$work" # a sandbox of root runs as another user and has to pass through
cat >"$work/berth.yaml" <<YAML
version: 1
plugins: { paths: ["$plugins"] }
providers:
  local: { plugin: local, config: { state_dir: "$work/state" } }
YAML
"$runner" "$work/berth.yaml" local "$@"

#!/usr/bin/env bash
# Runs a program against vercel.so over a stand-in of its own:
#   vercel.sh PLUGIN_DIR STAND_IN PROGRAM [ARGUMENT...]   CONFIG and PROVIDER among the arguments are filled in.
set -euo pipefail
plugins=$1
stand_in=$2
shift 2
work=$(mktemp -d "${TMPDIR:-/tmp}/berth-vercel.XXXXXX")
# The stand-in ends with its input, and its input with this script.
mkfifo "$work/input" "$work/output"
"$stand_in" --end-with-input <"$work/input" >"$work/output" &
server=$!
exec 7>"$work/input"
trap 'exec 7>&-; wait "$server" || true; rm -rf --one-file-system "$work"' EXIT
read -r about <"$work/output"
value() { sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p" <<<"$about"; }
VERCEL_TOKEN=$(value token)
XDG_STATE_HOME=$work/state
HOME=$work
export CONFORMANCE_STRICT=1  # every skip is something the manifest does not declare
export VERCEL_TOKEN XDG_STATE_HOME HOME
cat >"$work/berth.yaml" <<YAML
version: 1
plugins: { paths: ["$plugins"] }
providers:
  vercel:
    plugin: vercel
    max_concurrency: 64
    config:
      api_url: "$(value api_url)"
      team_id: "$(value team_id)"
      project_id: "$(value project_id)"
      max_duration: 2000
      templates: { node18: node22 }
select: { default: vercel }
YAML
arguments=()
for argument in "$@"; do
    case $argument in
        CONFIG) argument=$work/berth.yaml ;;
        PROVIDER) argument=vercel ;;
    esac
    arguments+=("$argument")
done
"${arguments[@]}" 7>&-

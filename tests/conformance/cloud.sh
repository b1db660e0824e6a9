#!/usr/bin/env bash
# Runs a program against a cloud's plugin over a stand-in of its own:
#   cloud.sh VENDOR PLUGIN_DIR STAND_IN PROGRAM [ARGUMENT...]   CONFIG and PROVIDER among the arguments are filled in.
set -euo pipefail
vendor=$1
plugins=$2
stand_in=$3
shift 3
work=$(mktemp -d "${TMPDIR:-/tmp}/berth-$vendor.XXXXXX")
# The stand-in ends with its input, and its input with this script.
mkfifo "$work/input" "$work/output"
"$stand_in" --end-with-input <"$work/input" >"$work/output" &
server=$!
exec 7>"$work/input"
trap 'exec 7>&-; wait "$server" || true; rm -rf --one-file-system "$work"' EXIT
read -r about <"$work/output"
value() { sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p" <<<"$about"; }
case $vendor in
    vercel)
        export VERCEL_TOKEN
        VERCEL_TOKEN=$(value token)
        config="team_id: $(value team_id), project_id: $(value project_id), max_duration: 2000,
          templates: { node18: node22 }"
        ;;
    daytona)
        export DAYTONA_API_KEY
        DAYTONA_API_KEY=$(value api_key)
        config="auto_stop_minutes: 0"
        ;;
esac
XDG_STATE_HOME=$work/state
HOME=$work
export CONFORMANCE_STRICT=1  # every skip is something the manifest does not declare
export XDG_STATE_HOME HOME
cat >"$work/berth.yaml" <<YAML
version: 1
plugins: { paths: ["$plugins"] }
providers:
  $vendor:
    plugin: $vendor
    run: ${BERTH_TEST_RUN:-automatic}
    max_concurrency: 64
    config: { api_url: "$(value api_url)", $config }
select: { default: $vendor }
YAML
arguments=()
for argument in "$@"; do
    case $argument in
        CONFIG) argument=$work/berth.yaml ;;
        PROVIDER) argument=$vendor ;;
    esac
    arguments+=("$argument")
done
"${arguments[@]}" 7>&-

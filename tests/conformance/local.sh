#!/usr/bin/env bash
# Runs a program against local.so with a state directory of its own:
#   local.sh PLUGIN_DIR PROGRAM [ARGUMENT...]   CONFIG, PROVIDER and STATE among the arguments are filled in.
# With BERTH_TEST_TEMPLATE=TAR_FILE there is a template `debian`, if that file is there; else it answers 77 (skipped).
set -euo pipefail
plugins=$1
shift
# shellcheck source=SCRIPTDIR/../support/scratch.sh
source "$(dirname "${BASH_SOURCE[0]}")/../support/scratch.sh"
make_scratch berth-conformance
work=$scratch
# As an ordinary user an unpacked template belongs to the range.
in_range=()
[[ $(id -u) -eq 0 || -z ${BERTH_TEST_TEMPLATE:-} ]] || in_range=(unshare --map-auto --map-root-user)
trap '"${in_range[@]}" rm -rf --one-file-system "$work"' EXIT
chmod 711 "$work" # a sandbox of root runs as another user and has to pass through
templates="{}"
if [[ -n ${BERTH_TEST_TEMPLATE:-} ]]; then
    if [[ ! -s $BERTH_TEST_TEMPLATE ]]; then
        echo "local.sh: there is no $BERTH_TEST_TEMPLATE; the test local_debian_root says why" >&2
        exit 77
    fi
    templates="{ debian: { path: \"$BERTH_TEST_TEMPLATE\" } }"
fi
cat >"$work/berth.yaml" <<YAML
version: 1
plugins: { paths: ["$plugins"] }
providers:
  local: { plugin: local, run: ${BERTH_TEST_RUN:-automatic}, config: { state_dir: "$work/state", templates: $templates } }
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

#!/usr/bin/env bash
# The main job, from the outside: main_job.sh BERTH compiles a plugin inside a sandbox, loads it, and uses it.
# `./dev run` shows it to people, ctest runs it too. Everything is done by the command line alone.
set -euo pipefail

berth=$1
source_tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)

work=$(mktemp -d)
export XDG_CACHE_HOME=$work/cache
sandbox=""
clean_up() {
    local status=$?
    trap - EXIT
    [[ -z $sandbox ]] || "$berth" --config "$here" rm "$sandbox" || status=1
    rm -rf "$work"
    exit "$status"
}
trap clean_up EXIT

bold="" dim="" plain=""
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
    bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'
fi
step() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

# Shows a command as a person would type it, then runs it.
show() {
    printf '%s$ %s%s\n' "$dim" "${*//"$berth"/berth}" "$plain" >&2
    "$@"
}

# The configuration that comes with the source, as a file of our own: Berth reads none that belongs to somebody else.
here=$work/local.yaml
cp "$source_tree/config/berth.yaml" "$here"

step "1. A sandbox, made by local.so"
sandbox=$(show "$berth" --config "$here" create --name main-job)
echo "$sandbox"

step "2. The sources of a plugin go in"
show "$berth" --config "$here" cp "$source_tree/plugins/examples/minimal" "$sandbox:/workspace/minimal"
show "$berth" --config "$here" cp "$source_tree/sdk/include" "$sandbox:/workspace/include"
show "$berth" --config "$here" exec "$sandbox" -- find /workspace -name '*.cpp'

step "3. The compiler runs inside the sandbox, its output arrives as it is written"
# -v makes the compiler talk; its lines are cut, inside, to what a terminal holds.
show "$berth" --config "$here" exec "$sandbox" -- bash -o pipefail -c 'g++ -v -std=c++20 -O2 -Wall -Wextra -fPIC -shared \
    -fvisibility=hidden -Iinclude minimal/minimal.cpp -o minimal.so 2>&1 | cut -c 1-110'

step "4. The plugin comes out, into a plugin directory"
mkdir "$work/plugins"
show "$berth" --config "$here" cp "$sandbox:/workspace/minimal.so" "$work/plugins/"
ls -l "$work/plugins"

step "5. Berth reads what the file says about itself, without running it"
show "$berth" --plugin-dir "$work/plugins" plugin ls
show "$berth" --plugin-dir "$work/plugins" plugin inspect "$work/plugins/minimal.so"

step "6. A berth.yaml makes it a provider (this example keeps to the contract, but isolates nothing)"
cat >"$work/berth.yaml" <<END
version: 1
plugins:
  paths: [$work/plugins]
providers:
  mine: { plugin: minimal }
END
cat "$work/berth.yaml"
hello="hello from a plugin that was compiled in a sandbox"
said=$(show "$berth" --config "$work/berth.yaml" run -- echo "$hello")
echo "$said"
[[ $said == "$hello" ]]

step "7. The sandbox goes"
show "$berth" --config "$here" rm "$sandbox"
gone=$sandbox
sandbox=""
if "$berth" --config "$here" inspect "$gone" >/dev/null 2>&1; then
    echo "$gone is still there" >&2
    exit 1
fi
step "Done: a plugin was compiled in isolation, checked, loaded, and has worked."

#!/usr/bin/env bash
# install_test.sh CMAKE BUILD: installs BUILD into an empty prefix, moves it away (nothing may remember where it was
# built or installed), builds somebody else's project against it, and uses both, with nothing but the installation.
set -euo pipefail

cmake=$1
build=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log=$work/log

quietly() {
    "$@" >"$log" 2>&1 || {
        cat "$log"
        exit 1
    }
}

quietly "$cmake" --install "$build" --prefix "$work/first"
prefix=$work/moved
mv "$work/first" "$prefix"

echo "the program of the installation"
"$prefix/bin/berth" version
[[ -f $prefix/lib/berth/plugins/local.so ]]
[[ -f $prefix/lib/berth/services/state.so ]]
said=$("$prefix/bin/berth" run -- sh -c 'echo out; echo err >&2; exit 7' 2>"$work/err") && status=0 || status=$?
[[ $said == out && $(<"$work/err") == err && $status -eq 7 ]] || {
    echo "berth run: exit $status, wrote '$said' and '$(<"$work/err")'"
    exit 1
}

echo "somebody else's project"
cp -r "$here/project" "$work/project"
quietly "$cmake" -G Ninja -S "$work/project" -B "$work/build" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_PREFIX_PATH="$prefix" -DPLUGIN_SOURCE="$here/../../plugins/examples/minimal/minimal.cpp"
quietly "$cmake" --build "$work/build"

echo "its program embeds Berth"
[[ $("$work/build/embed" "$prefix/lib/berth/plugins") == "hello from the sandbox" ]]

echo "its long-running program takes a new plugin into use at SIGHUP, and keeps the old one when the new one is bad"
export XDG_CACHE_HOME=$work/cache XDG_STATE_HOME=$work/state
for run in in_process worker; do
    printf 'version: 1\nproviders:\n  local: { plugin: local, run: %s }\n' "$run" >"$work/berth.yaml"
    coproc SERVE { exec "$work/build/serve" "$work/berth.yaml" "$prefix/lib/berth/plugins" 2>&1; }
    answer() {
        read -r -t 60 line <&"${SERVE[0]}"
        [[ $line == $1 ]] || {
            echo "run: $run: expected '$1', found '$line'"
            exit 1
        }
    }
    echo 'echo one | tee kept' >&"${SERVE[1]}"
    answer one
    local=$prefix/lib/berth/plugins/local.so
    cp "$local" "$work/good.so"
    (cat "$work/good.so" && echo "another build") >"$work/new.so"
    mv "$work/new.so" "$local"
    kill -HUP "$SERVE_PID"
    answer 'reloaded local, version *'
    echo 'echo two; cat kept' >&"${SERVE[1]}"
    answer two
    answer one
    echo "no plugin" >"$work/new.so"
    mv "$work/new.so" "$local"
    kill -HUP "$SERVE_PID"
    answer '*the plugin "local" is not reloaded, and what was there before goes on: *'
    echo 'cat kept' >&"${SERVE[1]}"
    answer one
    mv "$work/good.so" "$local"
    eval "exec ${SERVE[1]}>&-"
    wait "$SERVE_PID"
done

echo "its plugin is seen by the installed program"
plugin=$(find "$work/build" -name 'minimal.so')
"$prefix/bin/berth" --plugin-dir "$(dirname "$plugin")" plugin inspect "$plugin"

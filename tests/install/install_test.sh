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

echo "its plugin is seen by the installed program"
plugin=$(find "$work/build" -name 'minimal.so')
"$prefix/bin/berth" --plugin-dir "$(dirname "$plugin")" plugin inspect "$plugin"

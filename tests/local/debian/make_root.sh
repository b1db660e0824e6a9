#!/usr/bin/env bash
# Makes the root of a small Debian as a tar file, once for a build tree: make_root.sh FILE
# From the mirror that this machine's own apt uses; answers 77 (skipped) where there is none, or no debootstrap, or no root.
set -euo pipefail
file=$1
skip() {
    echo "make_root: $*" >&2
    exit 77
}

[[ -s $file ]] && exit 0
command -v debootstrap >/dev/null || skip "debootstrap is not installed"
[[ $(id -u) -eq 0 ]] || skip "debootstrap needs root"
# shellcheck disable=SC1091,SC2016  # the machine's own file; apt expands these words itself
release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
# shellcheck disable=SC2016
mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' 'Component: main' |
    awk -v release="$release" '$2 == release { print $1; exit }')
[[ -n $mirror ]] || skip "apt has no index of $release; run: apt-get update"
proxy=""
eval "$(apt-config shell proxy Acquire::http::Proxy)"
[[ -z $proxy ]] || export http_proxy=$proxy

mkdir -p "$(dirname "$file")"
work=$(mktemp -d "$file.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
if ! debootstrap --variant=minbase "$release" "$work/root" "$mirror" >"$work/log" 2>&1; then
    tail -n 20 "$work/log" >&2
    skip "debootstrap could not get Debian from $mirror"
fi
tar -C "$work/root" --numeric-owner --exclude='./var/cache/apt/archives/*.deb' -cf "$work/root.tar" .
mv "$work/root.tar" "$file"

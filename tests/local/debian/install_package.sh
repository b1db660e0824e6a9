#!/usr/bin/env bash
# A real Debian as a template: a local package is installed in one sandbox with apt-get, and seen nowhere else.
#   install_package.sh BERTH TAR_FILE
set -euo pipefail
berth=$1 tar_file=$2
if [[ ! -s $tar_file ]]; then
    echo "install_package: there is no $tar_file; the test local_debian_root says why" >&2
    exit 77
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/berth-debian.XXXXXX")
chmod 711 "$work"
cat >"$work/berth.yaml" <<YAML
version: 1
providers:
  local: { plugin: local, config: { state_dir: "$work/state", templates: { debian: { path: "$tar_file" } } } }
YAML
export BERTH_CONFIG=$work/berth.yaml
sandboxes=()
# As an ordinary user the unpacked template belongs to the range.
in_range=()
[[ $(id -u) -eq 0 ]] || in_range=(unshare --map-auto --map-root-user)
clean() {
    [[ ${#sandboxes[@]} -eq 0 ]] || "$berth" rm "${sandboxes[@]}" || true
    "${in_range[@]}" rm -rf --one-file-system "$work"
}
trap clean EXIT
fail() {
    echo "FAILED: $*" >&2
    exit 1
}
same() {
    [[ $2 == "$3" ]] || fail "$1: expected '$2', found '$3'"
}

if reason=$("$berth" create --template debian 2>&1 >"$work/first"); then
    sandboxes+=("$(<"$work/first")")
elif [[ $reason == *"needs a range of ids"* ]]; then
    echo "install_package: $reason" >&2
    exit 77
else
    fail "$reason"
fi
sandboxes+=("$("$berth" create --template debian)")
one=${sandboxes[0]} two=${sandboxes[1]}

# Owners, modes, a script that runs as root, and a dependency on something that is there.
mkdir -p "$work/probe/DEBIAN" "$work/probe/usr/bin" "$work/probe/etc"
cat >"$work/probe/DEBIAN/control" <<CONTROL
Package: berth-probe
Version: 1.0
Architecture: all
Maintainer: nobody <nobody@localhost>
Depends: coreutils
Description: shows that packages can be installed
CONTROL
cat >"$work/probe/DEBIAN/postinst" <<'SCRIPT'
#!/bin/sh
set -e
chown games:mail /etc/berth-probe
chmod 2640 /etc/berth-probe
echo configured >/var/lib/berth-probe
SCRIPT
chmod 755 "$work/probe/DEBIAN/postinst"
echo setting >"$work/probe/etc/berth-probe"
printf '#!/bin/sh\necho probed\n' >"$work/probe/usr/bin/berth-probe"
chmod 755 "$work/probe/usr/bin/berth-probe"
dpkg-deb --root-owner-group --build "$work/probe" "$work/probe.deb" >/dev/null

tree=$(echo "$work"/state/local/templates/*/tree)
state_of_template() {
    "${in_range[@]}" find "$tree" -printf '%p %U %G %m %s %T@ %n\n' | sort | sha256sum
}
before=$(state_of_template)

"$berth" cp "$work/probe.deb" "$one:/tmp/probe.deb"
"$berth" exec "$one" -- apt-get install --yes /tmp/probe.deb >"$work/log" 2>&1 || fail "apt-get: $(<"$work/log")"
same "the program" probed "$("$berth" exec "$one" -- berth-probe)"
same "owner and mode" "games:mail 2640" "$("$berth" exec "$one" -- stat -c '%U:%G %a' /etc/berth-probe)"
same "owner of the program" "root:root 755" "$("$berth" exec "$one" -- stat -c '%U:%G %a' /usr/bin/berth-probe)"
same "the package's script" configured "$("$berth" exec "$one" -- cat /var/lib/berth-probe)"
# shellcheck disable=SC2016  # dpkg-query expands it
same "dpkg's view" "install ok installed" "$("$berth" exec "$one" -- dpkg-query -W -f '${Status}' berth-probe)"
same "the shadow file" "root:shadow 640" "$("$berth" exec "$one" -- stat -c '%U:%G %a' /etc/shadow)"

"$berth" restart "$one" >/dev/null
same "after a restart" probed "$("$berth" exec "$one" -- berth-probe)"
"$berth" exec "$two" -- test ! -e /usr/bin/berth-probe || fail "the other sandbox has the package, too"
same "the template" "$before" "$(state_of_template)"

# And the other way: removed with its files, reinstalled by dpkg alone.
"$berth" exec "$one" -- apt-get purge --yes berth-probe >"$work/log" 2>&1 || fail "apt-get purge: $(<"$work/log")"
"$berth" exec "$one" -- test ! -e /usr/bin/berth-probe || fail "the package's program is still there"
"$berth" exec "$one" -- dpkg -i /tmp/probe.deb >"$work/log" 2>&1 || fail "dpkg: $(<"$work/log")"
same "after dpkg -i" probed "$("$berth" exec "$one" -- berth-probe)"
# A new account, its home, and a process that is nobody but it.
"$berth" exec "$one" -- useradd --create-home guest || fail "useradd"
same "another user" guest "$("$berth" exec "$one" -- su guest -c 'id -un')"

for sandbox in "${sandboxes[@]}"; do
    "$berth" rm "$sandbox" >/dev/null
done
sandboxes=()
[[ -z $(ls -A "$work/state/local/sandboxes") ]] || fail "something is left of the sandboxes"
echo "a package was installed, kept, removed and seen nowhere else"

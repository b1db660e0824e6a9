#!/usr/bin/env bash
# Runs a test program as an ordinary user with a home of its own: as_user.sh PROGRAM ARGUMENTS...
# For root, who can become somebody else. Anybody else is an ordinary user already and ran the same program under its
# plain name, so this answers 77 (skipped). BERTH_TEST_UID chooses the uid; it needs no entry in /etc/passwd.
# BERTH_TEST_SUBIDS=FIRST gives that user a name and 65,536 subordinate ids from FIRST on, in a copy of /etc that only
# this test sees.
# shellcheck disable=SC2015,SC2317 # a failed step may well go on to the next group; finish runs as a trap
set -euo pipefail

if [[ $(id -u) -ne 0 ]]; then
    echo "as_user: not root; the plain test of this name ran as an ordinary user already" >&2
    exit 77
fi
uid=${BERTH_TEST_UID:-61234}
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)

# A checkout below a private directory (/root is 0700) is out of an ordinary user's reach. In a mount namespace of this
# test's own, that directory is covered by one that holds the checkout and nothing else.
first_private_parent() {
    local path="" part
    while IFS= read -r -d / part; do
        [[ -z $part ]] && continue
        path+="/$part"
        if (( (8#$(stat -c %a "$path") & 1) == 0 )); then
            echo "$path"
            return
        fi
    done <<<"$tree/"
}

if [[ -z ${BERTH_AS_USER_MOUNTED:-} ]]; then
    private=$(first_private_parent)
    if [[ $private == "$tree" ]]; then
        echo "as_user: an ordinary user cannot read $tree; run: chmod go+rx '$tree'" >&2
        exit 1
    fi
    if [[ -n $private ]]; then
        BERTH_AS_USER_MOUNTED=$private exec unshare --mount --propagation private "${BASH_SOURCE[0]}" "$@"
    fi
elif [[ $BERTH_AS_USER_MOUNTED != "done" ]]; then
    aside=$(mktemp -d)
    mount --bind "$tree" "$aside"
    mount -t tmpfs -o mode=755,size=1m tmpfs "$BERTH_AS_USER_MOUNTED"
    mkdir -p "$tree"
    mount --move "$aside" "$tree"
    rmdir "$aside"
    BERTH_AS_USER_MOUNTED="done"
fi

if [[ -n ${BERTH_TEST_SUBIDS:-} && -z ${BERTH_AS_USER_NAMED:-} ]]; then
    BERTH_AS_USER_NAMED=mounted exec unshare --mount --propagation private "${BASH_SOURCE[0]}" "$@"
elif [[ -n ${BERTH_TEST_SUBIDS:-} ]]; then
    changes=$(mktemp -d)
    mount -t tmpfs -o mode=755,size=4m tmpfs "$changes"
    mkdir "$changes/upper" "$changes/work"
    mount -t overlay -o "lowerdir=/etc,upperdir=$changes/upper,workdir=$changes/work" overlay /etc
    umount --lazy "$changes"
    rmdir "$changes"
    echo "berth-test:x:$uid:$uid::/nonexistent:/bin/sh" >>/etc/passwd
    echo "berth-test:$BERTH_TEST_SUBIDS:65536" | tee -a /etc/subuid >>/etc/subgid
fi

# A control group subtree of the user's own, as an administrator would delegate one, so that limits are really tested.
# Where none can be made, the tests that need one say that they skip.
delegated=() # groups, and after each the file through which we leave it
delegate() {
    local line type options target controller own group
    while IFS= read -r line; do
        read -r type _ options <<<"${line#* - }"
        read -r _ _ _ _ target _ <<<"$line"
        group=$target/berth-test-$$
        if [[ $type == cgroup && ",$options," =~ ,(memory|cpu|pids), ]]; then
            controller=${BASH_REMATCH[1]}
            own=$(sed -nE "s/^[0-9]+:([^:]*,)?$controller(,[^:]*)?://p" /proc/self/cgroup)
            mkdir "$group" && chown "$uid" "$group" "$group"/cgroup.procs || continue
        elif [[ $type == cgroup2 ]] && grep -qw memory "$target/cgroup.controllers"; then
            own=$(sed -n 's/^0:://p' /proc/self/cgroup)
            echo "+memory +cpu +pids" >"$target/cgroup.subtree_control" && mkdir "$group" "$group/own" &&
                chown "$uid" "$group" "$group"/cgroup.{procs,subtree_control} || continue
            delegated+=("$group/own" "$target$own/cgroup.procs")
        else
            continue
        fi
        delegated+=("$group" "$target$own/cgroup.procs")
        [[ ! -d $group/own ]] || group+=/own
        echo $$ >"$group/cgroup.procs" || continue
    done </proc/self/mountinfo
} 2>/dev/null
# What tests leave in it fails them, too: it cannot be removed then.
give_back() {
    local left=0 round index
    for ((index = 0; index < ${#delegated[@]}; index += 2)); do
        echo $$ >"${delegated[index + 1]}" || true
        for round in {1..100}; do
            rmdir "${delegated[index]}" 2>/dev/null && break
            [[ $round -lt 100 ]] || { left=1 && echo "as_user: left behind: $(echo "${delegated[index]}"/*/)" >&2; }
            sleep 0.05
        done
    done
    return "$left"
}

# shellcheck source=SCRIPTDIR/scratch.sh
source "$(dirname "${BASH_SOURCE[0]}")/scratch.sh"
make_scratch berth-user
home=$scratch
finish() {
    local status=$?
    rm -rf --one-file-system "$home"
    give_back || status=1
    exit "$status"
}
trap finish EXIT
delegate || true
mkdir -p "$home/run" "$home/tmp"
chown -R "$uid:$uid" "$home"
chmod 700 "$home/run"
cd "$home"

keep=(PATH=/usr/local/bin:/usr/bin:/bin LANG="${LANG:-C.UTF-8}" TERM="${TERM:-dumb}")
for name in ASAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS LSAN_OPTIONS; do
    [[ -n ${!name:-} ]] && keep+=("$name=${!name}")
done
status=0
env -i "${keep[@]}" HOME="$home" USER=berth-test LOGNAME=berth-test TMPDIR="$home/tmp" XDG_RUNTIME_DIR="$home/run" \
    XDG_CONFIG_HOME="$home/.config" XDG_DATA_HOME="$home/.local/share" XDG_STATE_HOME="$home/.local/state" \
    setpriv --reuid "$uid" --regid "$uid" --clear-groups --inh-caps=-all -- "$@" ||
    status=$?
exit "$status"

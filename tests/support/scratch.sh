# shellcheck shell=bash
# For scripts of tests: directories below /tmp that go with their script, also when that was killed.
#
#   make_scratch PREFIX    sets `scratch` to a new directory, and removes those of scripts that are dead
#
# Each is locked while its script lives, and whatever that has started and left. A sandbox whose directory goes ends by
# itself within a minute. Young ones stay, for who just makes one has no lock yet.

sweep_scratch() {
    local left lock
    for left in "${TMPDIR:-/tmp}/$1".??????; do
        [[ -d $left && ! -L $left && -O $left && -n $(find "$left" -maxdepth 0 -mmin +30) ]] || continue
        exec {lock}<"$left" || continue
        if flock --nonblock "$lock"; then
            rm -rf --one-file-system "$left" || true
        fi
        exec {lock}<&-
    done
}

make_scratch() {
    local lock
    sweep_scratch "$1"
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/$1.XXXXXX")
    exec {lock}<"$scratch" # open until we end
    flock "$lock"
}

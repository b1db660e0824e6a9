#!/usr/bin/env bash
# Runs each fuzzer of a build for a bounded time: no finding may come, and the planted fault of its twin has to be found.
# Usage: run.sh BUILD-FOLDER [SECONDS [NAME...]]; NAME is such as config. Leaves nothing behind but findings, which it names.
set -euo pipefail

build=$1
seconds=${2:-60}
names=("${@:3}")
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
if [[ ${#names[@]} -eq 0 ]]; then
    for program in "$build"/fuzz/*_fuzzer; do
        names+=("$(basename "${program%_fuzzer}")")
    done
fi

scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT

# run_fuzzer PROGRAM NAME: its output in $scratch/output; findings beside it.
run_fuzzer() {
    local options=(-max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1
        -artifact_prefix="$scratch/found-$2-")
    [[ ! -f $here/$2.dict ]] || options+=(-dict="$here/$2.dict")
    mkdir -p "$scratch/new-$(basename "$1")"
    # The standard library in other modules is not instrumented, so its containers cannot be watched across.
    ASAN_OPTIONS=detect_container_overflow=0 "$1" "${options[@]}" "$scratch/new-$(basename "$1")" "$here/corpus/$2" \
        >"$scratch/output" 2>&1
}

failed=0
for name in "${names[@]}"; do
    program=$build/fuzz/${name}_fuzzer
    if run_fuzzer "$program" "$name"; then
        runs=$(sed -n 's/^stat::number_of_executed_units: //p' "$scratch/output")
        echo "$name: no finding in $seconds s, $runs runs"
    else
        tail -n 60 "$scratch/output"
        kept=$(mktemp -d)
        mv -- "$scratch/found-$name-"* "$kept" || true
        echo "$name: FOUND something; the input is in $kept" >&2
        failed=1
    fi
    if run_fuzzer "${program}_planted" "$name"; then
        echo "$name: did NOT find the planted fault in $seconds s" >&2
        failed=1
    elif grep -q 'ERROR: AddressSanitizer' "$scratch/output"; then
        echo "$name: found the planted fault"
    else
        tail -n 20 "$scratch/output"
        echo "$name: the twin with the planted fault ended for another reason" >&2
        failed=1
    fi
    rm -f -- "$scratch/found-$name-"*
done
exit "$failed"

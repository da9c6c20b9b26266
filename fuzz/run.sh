#!/usr/bin/env bash
# Fuzzes every target in turn for MINUTES altogether, and leaves what reached new code in fuzz/corpus.
#
#   MINUTES=5 fuzz/run.sh            all targets
#   MINUTES=60 fuzz/run.sh v21 rpc   some
set -euo pipefail
cd "$(dirname "$0")/.."

targets=("$@")
if [ ${#targets[@]} = 0 ]; then targets=(frame v16 v201 v21 rpc websocket upgrade request ocsp chain import); fi
seconds=$((${MINUTES:-5} * 60 / ${#targets[@]}))
program=$(fuzz/build.sh)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Longest input: what a target reads at all, and little more.
length() {
    case $1 in
    frame) echo 256 ;;
    rpc) echo 384 ;;
    websocket) echo 512 ;;
    upgrade | import) echo 768 ;;
    request | ocsp) echo 1024 ;;
    chain) echo 2048 ;;
    v16) echo 1024 ;;
    v201 | v21) echo 2048 ;;
    esac
}

# Names and words of the messages.
words() {
    grep -oh '"[A-Za-z0-9.-]*"' "$@" | sort -u | sed 's/^"\(.*\)"$/"\\"\1\\""/'
}

crashed=0
for target in "${targets[@]}"; do
    dir=$work/$target
    mkdir -p "$dir/found" "$dir/merged" "$dir/crashes"
    cargo run --quiet -p fuzz --bin corpus -- unpack "$target" "$dir/found"
    case $target in
    request | chain) words dataplane/src/certificates/csr.rs >"$dir/words" ;;
    import) words control-api/src/routes/import/lines.rs >"$dir/words" ;;
    v16 | v201 | v21) words "ocpp/src/$target/generated"/*.rs >"$dir/words" ;;
    *) words ocpp/src/v16/generated/actions.rs ocpp/src/secrets.rs >"$dir/words" ;;
    esac
    echo "fuzz: $target for $seconds s"
    export SIGEC_FUZZ=$target
    if ! "$program" -max_total_time="$seconds" -max_len="$(length "$target")" -timeout=20 -print_final_stats=1 \
        -artifact_prefix="$dir/crashes/" -dict="$dir/words" "$dir/found" >"$dir/log" 2>&1; then
        crashed=1
        grep -a -A 3 'panicked at' "$dir/log" || tail -n 5 "$dir/log"
        echo "fuzz: $target broke a rule; its input is in the corpus now, and \`cargo test -p fuzz\` repeats it" >&2
    fi
    grep -a -E 'number_of_executed_units|new_units_added' "$dir/log" || true
    # The fewest inputs that reach the same code.
    "$program" -merge=1 "$dir/merged" "$dir/found" >/dev/null 2>&1 || cp "$dir/found"/* "$dir/merged"
    find "$dir/crashes" -type f -exec cp {} "$dir/merged" \;
    cargo run --quiet -p fuzz --bin corpus -- pack "$target" "$dir/merged"
done
exit "$crashed"

#!/usr/bin/env bash
# Builds libFuzzer's program with coverage counters in our code and its dependencies, on the stable toolchain: LLVM's
# coverage pass is reached by stable flags, only the sanitizers of memory are not. Prints where the program is.
set -euo pipefail
cd "$(dirname "$0")/.."

target_dir=${CARGO_TARGET_DIR:-target}/fuzz
triple=$(rustc -vV | sed -n 's/^host: //p')
flags=(
    -Cpasses=sancov-module
    -Cllvm-args=-sanitizer-coverage-level=4
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
    -Cllvm-args=-sanitizer-coverage-pc-table
    -Cllvm-args=-sanitizer-coverage-trace-compares
    # Branches stay branches, so that each side counts.
    -Cllvm-args=-simplifycfg-branch-fold-threshold=0
    -Ccodegen-units=1
)
# With a target named, build scripts and macros go without the counters.
RUSTFLAGS="${flags[*]}" CARGO_TARGET_DIR=$target_dir \
    cargo build --quiet -p fuzz --bin libfuzzer --features libfuzzer --target "$triple" >&2
echo "$target_dir/$triple/debug/libfuzzer"

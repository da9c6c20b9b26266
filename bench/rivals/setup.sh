#!/usr/bin/env bash
# Installs the servers that the benchmarks `engine` and `peers` compare ours with, besides those of the tests' set-up:
# Bun, ocpp-go, and echoes on other Rust runtimes. What cannot be installed is named; the results then say so.
set -uo pipefail
cd "$(dirname "$0")"

rivals=${SIGEC_RIVALS:-$HOME/.cache/sigec-rivals}
mkdir -p "$rivals"

if ! cmp -s package-lock.json "$rivals/installed-lock.json"; then
    echo "set-up: installing Bun into $rivals"
    cp package.json package-lock.json "$rivals/"
    # Its own installer would fetch what the package for this machine holds already.
    if npm ci --prefix "$rivals" --silent --no-audit --no-fund --ignore-scripts &&
        ln -sf "$(find "$rivals/node_modules/@oven" -path '*/bin/bun' -not -path '*musl*' | head -1)" "$rivals/bun" &&
        "$rivals/bun" --version >/dev/null; then
        cp package-lock.json "$rivals/installed-lock.json"
    else
        rm -f "$rivals/bun"
        echo "set-up: no Bun (needs npm): the benchmarks leave it out"
    fi
fi

if ! cat ocpp-go/main.go ocpp-go/go.sum | cmp -s - "$rivals/ocpp-go.source"; then
    echo "set-up: building a server with ocpp-go"
    if (cd ocpp-go && go build -o "$rivals/ocpp-go" .); then
        cat ocpp-go/main.go ocpp-go/go.sum >"$rivals/ocpp-go.source"
    else
        rm -f "$rivals/ocpp-go"
        echo "set-up: no ocpp-go (needs go >= 1.22): the benchmarks leave it out"
    fi
fi

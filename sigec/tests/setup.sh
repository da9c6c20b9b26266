#!/usr/bin/env bash
# Installs what the tests need besides Rust: Python and Node environments with the foreign clients, and psql.
# What cannot be installed is named; the tests that need it then print SKIPPED and why.
set -uo pipefail
cd "$(dirname "$0")"

venv=${SIGEC_VENV:-$HOME/.cache/sigec-venv}
node=${SIGEC_NODE:-$HOME/.cache/sigec-node}

apt_install() {
    local sudo=""
    if [ "$(id -u)" != 0 ]; then sudo="sudo -n"; fi
    command -v apt-get >/dev/null || return 1
    $sudo apt-get install -y -qq "$@" >/dev/null 2>&1 ||
        { $sudo apt-get update -qq >/dev/null 2>&1 && $sudo apt-get install -y -qq "$@" >/dev/null 2>&1; }
}

if ! command -v cc >/dev/null && ! apt_install gcc libc6-dev; then
    echo "set-up: no C compiler (cc), and it could not be installed: zstd, ring and mimalloc need one" >&2
    exit 1
fi

# For the optional feature `openssl`.
if ! pkg-config --exists openssl 2>/dev/null; then
    echo "set-up: installing libssl-dev"
    apt_install libssl-dev pkg-config || echo "set-up: no libssl-dev: tests of RSA key exchange will be skipped"
fi

if ! command -v psql >/dev/null; then
    echo "set-up: installing postgresql-client"
    apt_install postgresql-client || echo "set-up: no psql: its tests will be skipped"
fi

# A stamp names the requirements that the environment holds, so that a second run costs nothing.
if ! cmp -s requirements.txt "$venv/requirements.txt"; then
    echo "set-up: installing the Python clients into $venv"
    # A pip older than the wheels' tags would try to compile; what the machine has is new enough or is upgraded.
    if python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --requirement requirements.txt; then
        cp requirements.txt "$venv/requirements.txt"
    else
        echo "set-up: no Python clients (needs python3 >= 3.11 with venv): their tests will be skipped"
    fi
fi

if ! command -v npm >/dev/null; then
    echo "set-up: installing nodejs and npm"
    apt_install nodejs npm || echo "set-up: no npm"
fi
if ! cmp -s package-lock.json "$node/installed-lock.json"; then
    echo "set-up: installing the Node clients into $node"
    mkdir -p "$node"
    cp package.json package-lock.json "$node/"
    if npm ci --prefix "$node" --silent --no-audit --no-fund --ignore-scripts; then
        cp package-lock.json "$node/installed-lock.json"
    else
        echo "set-up: no Node clients (needs node >= 17.3 with npm): their tests will be skipped"
    fi
fi

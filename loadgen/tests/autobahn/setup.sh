#!/usr/bin/env bash
# Installs the Autobahn suite into SIGEC_AUTOBAHN, default $HOME/.cache/sigec-autobahn. It is written in Python 2.7: one
# that is here is used, else Debian's is unpacked beside it; nothing is installed on the machine.
#
# Leaves `wstest` there, which takes the arguments of Autobahn's own. When something is missing it says so and ends well:
# the test that needs the suite then prints SKIPPED.
set -uo pipefail
cd "$(dirname "$0")"
here=$PWD

suite=${SIGEC_AUTOBAHN:-$HOME/.cache/sigec-autobahn}
# A stamp names the requirements that the folder holds, so that a second run costs nothing.
if cmp -s requirements.txt "$suite/requirements.txt"; then exit 0; fi

skip() {
    echo "set-up: no Autobahn suite ($1): its test will be skipped"
    exit 0
}

# Exits with 0 when the command is a Python 2.7 that can install packages.
is_python() { "$@" -c 'import ctypes, ssl, sys, zlib; sys.exit(sys.version_info[:2] != (2, 7))' >/dev/null 2>&1; }

# Debian 11 is the last that has it. Its packages are taken from the machine's own mirror, with lists of their own.
unpack_python() {
    local debian=$suite/debian mirror
    command -v apt-get >/dev/null || return 1
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -m1 '/debian/$') || return 1
    mkdir -p "$debian"/{lists/partial,cache/archives/partial,root} && cd "$debian" || return 1
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bullseye main" >sources.list
    touch status
    local apt=(apt-get -qq -o Dir::Etc::SourceList="$debian/sources.list" -o Dir::Etc::SourceParts=/nonexistent
        -o Dir::State::Lists="$debian/lists" -o Dir::State::status="$debian/status" -o Dir::Cache="$debian/cache"
        -o APT::Sandbox::User=root)
    "${apt[@]}" update >/dev/null 2>&1 &&
        "${apt[@]}" download python2.7 python2.7-minimal libpython2.7-minimal libpython2.7-stdlib \
            libpython2.7 libpython2.7-dev libssl1.1 libffi7 >/dev/null 2>&1 || return 1
    local package
    for package in ./*.deb; do dpkg -x "$package" root || return 1; done
    rm -f ./*.deb
    cd "$here"
}

mkdir -p "$suite" || skip "$suite cannot be written"
python=()
for candidate in python2.7 "$HOME"/.pyenv/versions/2.7*/bin/python2.7; do
    if is_python "$candidate"; then python=("$candidate"); fi
done
if [ ${#python[@]} = 0 ]; then
    echo "set-up: unpacking Python 2.7 into $suite"
    unpack_python || skip "no Python 2.7, and Debian's cannot be had"
    root=$suite/debian/root/usr
    libraries=$(dirname "$(find "$root/lib" -name 'libssl.so.1.1' | head -1)")
    python=(env "LD_LIBRARY_PATH=$libraries" "CPATH=$root/include:$root/include/python2.7" "$root/bin/python2.7")
    is_python "${python[@]}" || skip "Debian's Python 2.7 does not start"
fi

echo "set-up: installing the Autobahn suite into $suite"
rm -rf "$suite/site" "$suite/pip"
python3 -m pip download --quiet --no-deps --dest "$suite/pip" pip==20.3.4 setuptools==44.1.1 wheel==0.37.1 ||
    skip "no pip for Python 2.7"
PYTHONPATH=$(printf '%s:' "$suite"/pip/*.whl) "${python[@]}" -m pip install --quiet --no-deps --no-cache-dir \
    --disable-pip-version-check --target "$suite/site" --no-binary txaio --requirement requirements.txt \
    >"$suite/install.log" 2>&1 || skip "pip failed, see $suite/install.log"
# A namespace package that its installer leaves without the file that makes it one.
touch "$suite/site/zope/__init__.py"
{
    echo '#!/bin/sh'
    printf 'PYTHONPATH=%q exec' "$suite/site"
    printf ' %q' "${python[@]}"
    echo ' -u -c "from autobahntestsuite.wstest import run; run()" "$@"'
} >"$suite/wstest"
chmod +x "$suite/wstest"
"$suite/wstest" --autobahnversion >/dev/null 2>&1 || skip "it does not start"
cp requirements.txt "$suite/requirements.txt"

# Finds or installs every program the tests need. Sourced by scripts/test.
#
# System packages come from apt; the Python and Node packages go, pinned, into a cache outside the
# source tree (MUSTER_TEST_CACHE, else ~/.cache/muster-test), so that a second run installs nothing.

cache="${MUSTER_TEST_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/muster-test}"

# Debian keeps servers in /usr/sbin, which an ordinary user's PATH leaves out.
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "missing: ${packages[*]}. Installing them needs root: run this once as root, or install them yourself."
    fi
}

# The folder of the newest PostgreSQL server's programs, or nothing.
postgres_programs() {
    local found
    found="$(find /usr/lib/postgresql/*/bin -name initdb 2>/dev/null | sort -V | tail -n 1)"
    [ -z "$found" ] || dirname "$found"
}

chromium_program() {
    command -v chromium || command -v chromium-browser || command -v google-chrome || true
}

# What moves the clock of one program, or nothing.
faketime_library() {
    find /usr/lib/*/faketime -name libfaketimeMT.so.1 2>/dev/null | head -n 1
}

missing_packages() {
    [ -n "$(postgres_programs)" ] || echo postgresql
    command -v bearerbox >/dev/null && command -v smsbox >/dev/null || echo kannel
    [ -n "$(chromium_program)" ] || echo chromium fonts-liberation
    command -v node >/dev/null && command -v npm >/dev/null || echo nodejs npm
    python3 -c 'import venv, ensurepip' 2>/dev/null || echo python3 python3-venv
    command -v openssl >/dev/null || echo openssl
    command -v pdftotext >/dev/null || echo poppler-utils
    command -v promtool >/dev/null || echo prometheus
    [ -n "$(faketime_library)" ] || echo libfaketime
    command -v cc >/dev/null || echo build-essential
}

install_missing_parts() {
    read -r -d '' -a packages < <(missing_packages) || true
    if [ "${#packages[@]}" -gt 0 ]; then
        install_packages
    fi
    mkdir -p "$cache"
    # Two runs at once must not fill one folder.
    exec 9>"$cache/lock"
    flock 9
    install_python_packages
    install_node_packages
    exec 9>&-
    find_programs
}

install_packages() {
    command -v apt-get >/dev/null ||
        fail "missing: ${packages[*]} (Debian's names). This script installs with apt-get only: install them yourself and try again."
    say "installing with apt-get: ${packages[*]}"
    # These servers are wanted as programs, not as services of this machine: nothing may start now,
    # nothing at the next boot, and no database cluster is made.
    as_root bash -s -- "${packages[@]}" >&2 <<'ROOT' || fail "apt-get could not install ${packages[*]}; its own words are above"
        set -euo pipefail
        policy=/usr/sbin/policy-rc.d
        cluster=/etc/postgresql-common/createcluster.d/muster-test.conf
        undo=()
        trap '[ "${#undo[@]}" = 0 ] || rm -f "${undo[@]}"' EXIT
        if [ ! -e "$policy" ]; then
            undo+=("$policy")
            printf '#!/bin/sh\nexit 101\n' > "$policy"
            chmod 755 "$policy"
        fi
        if [ ! -e "$cluster" ]; then
            undo+=("$cluster")
            mkdir -p "$(dirname "$cluster")"
            echo 'create_main_cluster = false' > "$cluster"
        fi
        export DEBIAN_FRONTEND=noninteractive
        apt-get -o DPkg::Lock::Timeout=300 update -q
        apt-get -o DPkg::Lock::Timeout=300 install -q -y --no-install-recommends "$@"
        for package in "$@"; do
            case "$package" in kannel | prometheus) update-rc.d "$package" disable ;; esac
        done
ROOT
    hash -r
    local still
    still="$(missing_packages)"
    [ -z "$still" ] || fail "apt-get ended well, but these are still missing: $still"
}

# Fills $cache/NAME-HASH once: the hash is of the files that pin its content.
# usage: cached NAME FUNCTION FILE…  ->  the folder, in $cached
cached() {
    local name="$1" fill="$2"
    shift 2
    cached="$cache/$name-$(cat "$@" | sha256sum | cut -c 1-16)"
    if [ ! -e "$cached/complete" ]; then
        rm -rf "$cached"
        say "installing $name packages into $cached"
        "$fill" "$cached" >&2 || fail "could not install the $name packages pinned in $*; the reason is above"
        touch "$cached/complete"
    fi
}

fill_python() {
    python3 -m venv "$1" &&
        "$1/bin/python" -m pip install --quiet --require-hashes --only-binary :all: \
            -r tests/support/requirements.txt
}

install_python_packages() {
    cached python fill_python tests/support/requirements.txt
    export MUSTER_TEST_PYTHON="$cached/bin/python"
}

fill_node() {
    mkdir -p "$1"
    cp tests/browser/package.json tests/browser/package-lock.json "$1/"
    npm ci --prefix "$1" --ignore-scripts --no-audit --no-fund
}

# Debian 12 ships Node 18, and the browser driver wants 20: a pinned one comes from npm.
node_version=20.20.2
fill_newer_node() {
    local architecture=x64
    [ "$(uname -m)" = x86_64 ] || architecture=arm64
    mkdir -p "$1"
    npm install --prefix "$1" --no-save --ignore-scripts --no-audit --no-fund \
        "node-linux-$architecture@$node_version"
    ln -s "node_modules/node-linux-$architecture/bin/node" "$1/node"
}

install_node_packages() {
    local major
    cached browser fill_node tests/browser/package.json tests/browser/package-lock.json
    export MUSTER_TEST_NODE_PACKAGES="$cached"
    MUSTER_TEST_NODE="$(command -v node)"
    major="$(node --version | sed 's/^v\([0-9]*\).*/\1/')"
    if [ "$major" -lt 20 ]; then
        cached newer-node fill_newer_node <(echo "$node_version")
        MUSTER_TEST_NODE="$cached/node"
    fi
    export MUSTER_TEST_NODE
}

find_programs() {
    MUSTER_TEST_BEARERBOX="$(command -v bearerbox)"
    MUSTER_TEST_SMSBOX="$(command -v smsbox)"
    MUSTER_TEST_CHROMIUM="$(chromium_program)"
    MUSTER_TEST_PROMTOOL="$(command -v promtool)"
    MUSTER_TEST_FAKETIME="$(faketime_library)"
    export MUSTER_TEST_PROMTOOL MUSTER_TEST_FAKETIME
    export MUSTER_TEST_BEARERBOX MUSTER_TEST_SMSBOX MUSTER_TEST_CHROMIUM
}

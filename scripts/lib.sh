# Shared by the scripts here; not to be run by itself.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export root
cd "$root" || exit

say() { printf '%s\n' "$*" >&2; }
die() {
    say "$(basename "$0"): $1"
    exit "${2:-1}"
}

# need_packages NAME...: installs the Debian packages that are missing.
need_packages() {
    local missing=() name
    for name in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || die "these packages are needed, and there is no apt-get: ${missing[*]}"
    local as_root=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || die "these packages are needed; install them as root: ${missing[*]}"
        as_root=(sudo)
    fi
    say "installing: ${missing[*]}"
    local install=(apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
    local log
    log=$(mktemp)
    if ! { "${as_root[@]}" "${install[@]}" update &&
        DEBIAN_FRONTEND=noninteractive "${as_root[@]}" "${install[@]}" install -y --no-install-recommends \
            "${missing[@]}"; } >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        die "the packages could not be installed: ${missing[*]}"
    fi
    rm -f "$log"
}

# What a build needs besides git and Swift.
need_build() {
    command -v swift >/dev/null || die 'Swift 6.3 is needed on the PATH (https://www.swift.org/install)'
    need_packages libpci-dev libudev-dev libyaml-dev pkg-config
}

# What the simulated node needs.
need_simulator() {
    need_packages curl gcc libc6-dev make makeself openssl util-linux
    command -v kubectl >/dev/null || need_packages kubernetes-client
}

# What the tests need further: other tools to compare with, and PyPI for NVIDIA's header.
need_tests() {
    need_packages pciutils python3 python3-pip rpm strace
}

# Prints the direct dependencies of every manifest here, a line each: URL KIND VERSION. KIND is how the version is named.
dependencies() {
    git ls-files -co --exclude-standard -- Package.swift '*/Package.swift' | sort -u | xargs cat | tr '\n' ' ' |
        grep -oE '\.package\( *url: "[^"]+", *[^"]*"[^"]*"' |
        sed -E 's/.*url: "([^"]+)", *([^"]*)"([^"]*)"/\1 \2 \3/; s/ +/ /g; s/: / /; s/^([^ ]+) ([^ ]+)$/\1 range \2/' | sort -u
}

# The build's settings, the same everywhere, so that one build serves every script.
swift_build() {
    swift build --explicit-target-dependency-import-check error "$@"
}

# Shows the progress of a build: one moving line on a terminal, errors everywhere.
progress_of_build() {
    local line
    while IFS= read -r line; do
        case $line in
        *error:*) say "$line" ;;
        '['*) [ ! -t 2 ] || printf '\r\033[K%.79s' "$line" >&2 ;;
        esac
    done
    [ ! -t 2 ] || printf '\r\033[K' >&2
}

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
    # Two scripts at once wait for each other: apt's own lock is not held from the update to the install.
    mkdir -p "$root/.build"
    local log lock
    exec {lock}>"$root/.build/packages.lock"
    flock "$lock"
    log=$(mktemp)
    if ! { "${as_root[@]}" "${install[@]}" update &&
        DEBIAN_FRONTEND=noninteractive "${as_root[@]}" "${install[@]}" install -y --no-install-recommends \
            "${missing[@]}"; } >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        die "the packages could not be installed: ${missing[*]}"
    fi
    rm -f "$log"
    exec {lock}>&-
}

# from_here PATH: the path as the caller meant it; $here is where the script was called.
from_here() {
    case $1 in
    /*) printf '%s\n' "$1" ;;
    *) printf '%s\n' "${here:?}/$1" ;;
    esac
}

# The Swift version that the project is built with.
pinned_swift() { tr -d '[:space:]' <"$root/.swift-version"; }

# swift_platform OS-RELEASE: what swift.org calls the system of that file, as in the names of its archives.
swift_platform() {
    local system
    # shellcheck disable=SC1090
    system=$(. "$1" 2>/dev/null && printf '%s' "${ID:-}${VERSION_ID:-}")
    case $system in
    debian12 | ubuntu22.04 | ubuntu24.04) printf '%s\n' "$system" ;;
    *) die "swift.org has no toolchain for '$system': install Swift $(pinned_swift) (https://www.swift.org/install), or \
run scripts/toolchain --platform with the closest system" ;;
    esac
}

# Has the pinned Swift on the PATH: another one is used when it is new enough, and with none the pinned one is installed.
need_swift() {
    local pinned least found programs
    pinned=$(pinned_swift)
    if ! command -v swift >/dev/null; then
        programs=$("$root/scripts/toolchain") || exit
        export PATH=$programs:$PATH
        return
    fi
    least=${pinned%.*}
    found=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9][0-9.]*\).*/\1/p' | head -n 1)
    [ "$found" != "$pinned" ] || return 0
    if [ -z "$found" ] || [ "$(printf '%s\n' "$least" "$found" | sort -V | head -n 1)" != "$least" ]; then
        die "Swift $least or newer is needed, and $(command -v swift) is ${found:-of no known version}"
    fi
    [ "${swift_noted:-}" = "$found" ] || say "Swift $found is on the PATH; the project is built with $pinned"
    export swift_noted=$found
}

# What a build needs besides git.
need_build() {
    need_swift
    need_packages libpci-dev libudev-dev libyaml-dev nettle-dev pkg-config
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

# What the checks need further.
need_checks() {
    need_packages curl gnupg python3 python3-venv shellcheck
    command -v kubectl >/dev/null || need_packages kubernetes-client
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

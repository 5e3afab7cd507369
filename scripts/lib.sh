# Functions for the scripts in this folder, which source this file.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export root
cd "$root" || exit

say() { printf '%s\n' "$*" >&2; }
die() {
    say "error: $1"
    exit "${2:-1}"
}

# need_packages NAME...: installs the Debian packages that are missing.
need_packages() {
    local missing=() name
    for name in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || die "cannot install ${missing[*]}: there is no apt-get on this system"
    local as_root=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || die "cannot install ${missing[*]}: this needs root or sudo"
        as_root=(sudo)
    fi
    say "installing: ${missing[*]}"
    local install=(apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
    # Only one script at a time may do this. apt-get releases its own lock between the update and the install.
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
        die "cannot install ${missing[*]}: apt-get failed"
    fi
    rm -f "$log"
    exec {lock}>&-
}

# need_files PACKAGE: unpacks a Debian package that cannot or should not be installed, for the tests that need it.
need_files() {
    local target=/usr/local/share/gpu-agent-tests/$1 as_root=() directory
    [ ! -d "$target" ] || return 0
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || die "cannot unpack $1: this needs root or sudo"
        as_root=(sudo)
    fi
    say "unpacking: $1"
    directory=$(mktemp -d)
    if ! { "${as_root[@]}" apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 update &&
        (cd "$directory" && apt-get -qq -o Acquire::Retries=3 download "$1" && dpkg-deb -x ./*.deb files) &&
        chmod 755 "$directory/files" && "${as_root[@]}" mkdir -p "${target%/*}" &&
        "${as_root[@]}" cp -R "$directory/files" "$target"; } >"$directory/log" 2>&1; then
        cat "$directory/log" >&2
        rm -rf "$directory"
        die "cannot unpack $1"
    fi
    rm -rf "$directory"
}

# need_dnf5: unpacks dnf 5 with its libraries from a newer Debian than that of the other programs. Where that is not
# possible, the tests that need it are skipped.
#
# `ld` and `lib` are its loader and its libraries: ld --library-path lib usr/bin/dnf5
need_dnf5() {
    local target=/usr/local/share/gpu-agent-tests/dnf5 suite=forky as_root=() directory apt mirror
    local key=/usr/share/keyrings/debian-archive-keyring.gpg
    [ ! -d "$target" ] || return 0
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || die 'cannot unpack dnf5: this needs root or sudo'
        as_root=(sudo)
    fi
    # The mirror of Debian that this machine uses.
    mirror=$(apt-get indextargets 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 2>/dev/null |
        sed -n 's/^Repo-URI: //p' | sort -u | sed -n 1p) || true
    if [ -z "$mirror" ] || [ ! -r "$key" ]; then
        say 'warning: this system has no mirror of Debian, so the tests with dnf 5 are skipped'
        return 0
    fi
    say 'unpacking: dnf5'
    directory=$(mktemp -d)
    # apt resolves the packages for an empty system in this directory.
    mkdir -p "$directory"/{lists,cache}/partial "$directory"/{cache/archives/partial,all,files/usr/bin,files/usr/lib}
    : >"$directory/status"
    printf 'deb [signed-by=%s] %s %s main\n' "$key" "$mirror" "$suite" >"$directory/sources.list"
    apt=(apt-get -qq -y -o Acquire::Retries=3 -o Acquire::Languages=none -o APT::Sandbox::User=root
        -o Dir::Etc::SourceList="$directory/sources.list" -o Dir::Etc::SourceParts=- -o Dir::State="$directory"
        -o Dir::State::Lists="$directory/lists" -o Dir::State::Status="$directory/status"
        -o Dir::Cache="$directory/cache" -o Debug::NoLocking=true)
    if ! { "${apt[@]}" update && "${apt[@]}" install --download-only --no-install-recommends dnf5 &&
        find "$directory/cache/archives" -name '*.deb' -exec dpkg-deb -x {} "$directory/all" \; &&
        # Without documents, Python and the like, it is much smaller.
        cp "$directory/all/usr/bin/dnf5" "$directory/files/usr/bin" &&
        cp -R "$directory/all/usr/lib/rpm" "$directory/files/usr/lib" &&
        mkdir "$directory/files/lib" && cp -P "$directory"/all/usr/lib/*-linux-gnu/*.so* "$directory/files/lib" &&
        ln -s "$(cd "$directory/files" && echo lib/ld-linux-*.so.*)" "$directory/files/ld" &&
        "$directory/files/ld" --library-path "$directory/files/lib" "$directory/files/usr/bin/dnf5" --version &&
        chmod 755 "$directory/files" && "${as_root[@]}" mkdir -p "${target%/*}" &&
        "${as_root[@]}" cp -R "$directory/files" "$target"; } >"$directory/log" 2>&1; then
        tail -n 20 "$directory/log" >&2
        say 'warning: cannot unpack dnf5, so the tests with dnf 5 are skipped'
    fi
    rm -rf "$directory"
}

# need_prometheus: unpacks Prometheus with promtool. An install would start its service. Where Debian's package cannot be
# unpacked, the checks that need it are skipped.
need_prometheus() {
    ! { command -v promtool && command -v prometheus; } >/dev/null || return 0
    (need_files prometheus) || say 'warning: without Prometheus, the alerts and the dashboard are not tested'
}

# from_here PATH: prints the absolute path. A relative path starts at $here, the caller's working directory.
from_here() {
    case $1 in
    /*) printf '%s\n' "$1" ;;
    *) printf '%s\n' "${here:?}/$1" ;;
    esac
}

pinned_swift() { tr -d '[:space:]' <"$root/.swift-version"; }

# swift_platform OS-RELEASE: reads this file, and prints the name of the system as in the archive names of swift.org.
swift_platform() {
    local system
    # shellcheck disable=SC1090
    system=$(. "$1" 2>/dev/null && printf '%s' "${ID:-}${VERSION_ID:-}")
    case $system in
    debian12 | ubuntu22.04 | ubuntu24.04) printf '%s\n' "$system" ;;
    *) die "swift.org has no toolchain for '$system'. Install Swift $(pinned_swift) (https://www.swift.org/install), \
or run scripts/toolchain --platform with the most similar system" ;;
    esac
}

# Accepts a Swift on the PATH that is new enough. When there is none on the PATH, installs the pinned version.
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
        die "Swift $least or newer is required, but the version of $(command -v swift) is ${found:-unknown}"
    fi
    [ "${swift_noted:-}" = "$found" ] || say "warning: using Swift $found from the PATH; the project pins $pinned"
    export swift_noted=$found
}

need_build() {
    need_swift
    need_packages libpci-dev libudev-dev libyaml-dev nettle-dev pkg-config
}

need_simulator() {
    need_packages curl gcc libc6-dev make makeself openssl util-linux
    command -v kubectl >/dev/null || need_packages kubernetes-client
}

# The tests compare their results with other tools, and download NVIDIA's header with pip.
need_tests() {
    need_packages createrepo-c dnf dpkg pciutils procps python3 python3-pip rpm strace zypper
    # Its package conflicts with zypper.
    need_files dnf-plugins-core
    need_dnf5
}

need_checks() {
    need_packages curl gnupg python3 python3-venv shellcheck
    command -v kubectl >/dev/null || need_packages kubernetes-client
    need_prometheus
}

# Prints the direct dependencies in all manifests, one per line: URL KIND VERSION. KIND is the kind of requirement, such
# as `exact` or `range`.
dependencies() {
    git ls-files -co --exclude-standard -- Package.swift '*/Package.swift' | sort -u | xargs cat | tr '\n' ' ' |
        grep -oE '\.package\( *url: "[^"]+", *[^"]*"[^"]*"' |
        sed -E 's/.*url: "([^"]+)", *([^"]*)"([^"]*)"/\1 \2 \3/; s/ +/ /g; s/: / /; s/^([^ ]+) ([^ ]+)$/\1 range \2/' | sort -u
}

# All scripts use the same build settings, so that they share one build.
swift_build() {
    swift build --explicit-target-dependency-import-check error "$@"
}

# Reads the output of a build. Prints the errors, and on a terminal also one line of progress.
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

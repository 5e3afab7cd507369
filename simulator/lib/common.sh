# Functions for the scripts in bin/, which source this file.
# shellcheck shell=bash

simulator=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

usage_error() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    printf "Try '%s --help'.\n" "${0##*/}" >&2
    exit 2
}

need_root() {
    [ "$(id -u)" = 0 ] || die "must be root: it makes namespaces and mounts"
}

need_commands() {
    local command missing=()
    for command; do
        command -v "$command" >/dev/null || missing+=("$command")
    done
    [ ${#missing[@]} = 0 ] || die "not installed: ${missing[*]}"
}

# Prints when process $1 was started; fails when this process has ended. A PID alone could name another process later.
start_time() {
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    read -r -a stat <<<"${stat##*) }"
    [ "${stat[0]}" != Z ] || return 1
    printf '%s\n' "${stat[19]}"
}

# Prints the directory of the scenario $1, which is a name or a directory.
scenario_directory() {
    if [ -f "$simulator/scenarios/$1/pci" ]; then
        printf '%s\n' "$simulator/scenarios/$1"
    elif [ -f "$1/pci" ]; then
        (cd "$1" && pwd)
    else
        die "no scenario '$1'; there are: $(list_scenarios | tr '\n' ' ')"
    fi
}

list_scenarios() {
    local file
    for file in "$simulator"/scenarios/*/pci; do
        file=${file%/pci}
        printf '%s\n' "${file##*/}"
    done
}

# Prints the lines of a data file without comments and blank lines.
data_lines() {
    local line
    while IFS= read -r line || [ -n "$line" ]; do
        line=${line%%#*}
        line=${line%"${line##*[![:space:]]}"}
        [ -n "$line" ] && printf '%s\n' "$line"
    done <"$1"
    return 0
}

# The file name that NVIDIA gives to version $1 of kind $2.
package_name() {
    local suffix=-$2
    [ "$2" = tesla ] && suffix=
    printf 'NVIDIA-Linux-%s-%s%s' "$(uname -m)" "$1" "$suffix"
}

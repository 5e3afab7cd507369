# The steps of the stand-in for nvidia-installer, which sources this file. A step that fails ends the program with 1.
# shellcheck shell=bash disable=SC2153,SC2154 # the command line's variables are set in nvidia-installer

# The list of what is installed, in the form that NVIDIA's installer uses: the version, a description, then one path on
# each line. A path is written before its file, so that an interrupted run can be undone.
manifest=/var/lib/nvidia/log
installed_files() { grep '^/' $manifest; }

# The directories that an install created. Each is written before it is created, and an uninstall removes it.
created_directories=/var/lib/nvidia/dirs

# Creates directory $1 and its parents.
make_directory() {
    [ ! -d "$1" ] || return 0
    make_directory "${1%/*}" && printf '%s\n' "$1" >>"$created_directories" && mkdir "$1"
}

log() { printf '%s\n' "$@" >>"$log_file"; }

say() {
    log "-> $1"
    [ -n "$silent" ] || printf '%s\n' "$1"
}

warn() {
    log "WARNING: $1"
    printf '\nWARNING: %s\n\n' "$1" >&2
}

fail() {
    log "ERROR: $1"
    printf '\nERROR: %s\n\n' "$1" >&2
    log "ERROR: Installation has failed.  Please see the file '$log_file' for details.  You may find suggestions on fixing installation problems in the README available on the Linux driver download page at www.nvidia.com."
    printf "\nERROR: Installation has failed.  Please see the file '%s' for details.\n\n" "$log_file" >&2
    exit 1
}

begin_log() {
    {
        printf "nvidia-installer log file '%s'\n" "$log_file"
        printf 'creation time: %s\ninstaller version: %s\n\nPATH: %s\n\n' "$(date)" "$VERSION" "$PATH"
        printf 'nvidia-installer command line:\n'
        printf '    %s\n' "${command_line[@]}"
        printf '\nUsing built-in stream user interface\n'
    } 2>/dev/null >"$log_file"
}

# Prints how many seconds something takes according to an option of the host.
slowness() {
    local seconds
    seconds=$(host_option "$1")
    printf '%s' "${seconds:-0}"
}

# fails_at STAGE: ends the program here when the host's option `installer-fails` wants that.
fails_at() {
    if [ "$(host_option installer-fails)" = "$1 $VERSION" ]; then
        fail "The host option installer-fails ends this installer ($1)."
    fi
}

host_option() { sed -n "s/^$1=//p" /etc/gpu-sim/host 2>/dev/null | tail -n1; }

check_host() {
    if [ -n "$nouveau_check" ] && [ -d /sys/module/nouveau ]; then
        fail "The Nouveau kernel driver is currently in use by your system.  This driver is incompatible with the NVIDIA driver, and must be disabled before proceeding.  Please consult the NVIDIA driver README and your Linux distribution's documentation for details on how to correctly disable the Nouveau kernel driver."
    fi
    [ -n "$modules" ] || return 0
    if ! unload_modules; then
        fail "An NVIDIA kernel module '$(loaded_modules | head -n1 | tr _ -)' appears to already be loaded in your kernel.  This may be because it is in use (for example, by an X server, a CUDA program, or the NVIDIA Persistence Daemon), but this may also happen if your kernel was configured without support for module unloading."
    fi
    local tool
    for tool in cc make ld; do
        if ! command -v $tool >/dev/null; then
            fail "Unable to find the development tool \`$tool\` in your path; please make sure that you have the package '${tool/cc/gcc}' installed.  If ${tool/cc/gcc} is installed on your system, then please check that \`$tool\` is in your PATH."
        fi
    done
    source_path=${source_path:-/lib/modules/$kernel/build}
    if [ ! -e "$source_path/include/generated/utsrelease.h" ]; then
        fail "Unable to find the kernel source tree for the currently running kernel.  Please make sure you have installed the kernel source files for your kernel and that they are properly configured; on Red Hat Linux systems, for example, be sure you have the 'kernel-source' or 'kernel-devel' RPM installed.  If you know the correct kernel source files are installed, you may specify the kernel source path with the '--kernel-source-path' command line option."
    fi
    say "Kernel source path: '$source_path'"
}

# Copies file $1 to $2 with mode $3, in one step.
put() {
    printf '%s\n' "$2" >>"$manifest" || fail "Unable to write to '$manifest'."
    { make_directory "${2%/*}" && install -m "$3" "$1" "$2.new" && mv "$2.new" "$2"; } 2>>"$log_file" ||
        fail "Unable to copy '$1' to '$2'; is there enough disk space?"
}

put_link() {
    printf '%s\n' "$2" >>"$manifest"
    ln -sfn "$1" "$2" 2>>"$log_file" || fail "Unable to create the symbolic link '$2'."
}

install_userspace() {
    local file name libraries=/usr/lib/$MULTIARCH
    for file in lib/*.so."$VERSION"; do
        name=${file##*/}
        put "$file" "$libraries/$name" 755
        put_link "$name" "$libraries/${name%."$VERSION"}.1"
    done
    for file in bin/*; do put "$file" "/usr/bin/${file##*/}" 755; done
    for file in nvidia-installer installer-{steps,modules}.sh package.conf; do put "$file" "/usr/lib/nvidia/installer/$file" 755; done
    put_link ../lib/nvidia/installer/nvidia-installer /usr/bin/nvidia-installer
    put uninstall /usr/bin/nvidia-uninstall 755
    if [ -d grid ]; then
        put grid/gridd.conf.template /etc/nvidia/gridd.conf.template 644
        put grid/nvidia-gridd.service /usr/lib/systemd/system/nvidia-gridd.service 644
    fi
    ldconfig 2>>"$log_file" || warn "ldconfig failed."
}

# Removes what an earlier run installed, even if that run did not reach its end.
remove_files() {
    local path version
    [ -e $manifest ] || return 0
    version=$(head -n1 $manifest)
    if command -v dkms >/dev/null && [ -d "/var/lib/dkms/nvidia/$version" ]; then
        dkms remove "nvidia/$version" --all >>"$log_file" 2>&1 || warn "DKMS cannot remove nvidia/$version."
    fi
    installed_files | sort -ru | while IFS= read -r path; do
        rm -f "$path" "$path.new"
    done
    if [ -e $created_directories ]; then
        sort -ru $created_directories | while IFS= read -r path; do
            [ ! -d "$path" ] || rmdir --ignore-fail-on-non-empty "$path"
        done
    fi
    rm -rf ${manifest%/*}
}

uninstall() {
    # this may run from a directory that it removes
    cd / || exit 1
    if [ ! -e $manifest ]; then
        say "There is no NVIDIA driver currently installed."
        return
    fi
    if [ -n "$unload" ] && ! unload_modules; then
        warn "Failed to unload the NVIDIA kernel modules: they are in use."
    fi
    sleep "$(slowness uninstall-slow)"
    remove_files
    depmod "$kernel"
    ldconfig 2>>"$log_file"
    say "Uninstallation of existing driver: NVIDIA Accelerated Graphics Driver for Linux-$(uname -m) ($VERSION) is complete."
}

driver_info() {
    [ -e $manifest ] || { echo "There is no NVIDIA driver currently installed."; return; }
    printf 'The currently installed driver is: NVIDIA Accelerated Graphics Driver for Linux-%s (version: %s).\n' \
        "$(uname -m)" "$(head -n1 $manifest)"
}

sanity() {
    local path
    [ -e $manifest ] || fail "There is no NVIDIA driver currently installed."
    while IFS= read -r path; do
        [ -e "$path" ] || fail "The file '$path' is missing."
    done < <(installed_files)
    say "Sanity check passed."
}

install_driver() {
    local slow
    slow=$(slowness installer-slow)
    say "Installing NVIDIA driver version $VERSION."
    check_host
    choose_module_type
    if [ -n "$modules" ]; then
        build_modules
        sleep "$slow"
        test_load
        fails_at build
    fi
    [ -z "$userspace" ] || { say "Searching for conflicting files:"; remove_files; }
    mkdir -p ${manifest%/*}
    [ -s $manifest ] || printf '%s\nNVIDIA Accelerated Graphics Driver for Linux-%s\n' "$VERSION" "$(uname -m)" >$manifest
    say "Installing 'NVIDIA Accelerated Graphics Driver for Linux-$(uname -m)' ($VERSION):"
    [ -z "$modules" ] || install_modules
    sleep "$slow"
    fails_at files
    [ -z "$userspace" ] || install_userspace
    [ -z "$depmod" ] || depmod "$kernel"
    say "Driver file installation is complete."
    [ -z "$modules" ] || load_modules
    [ -z "${build:-}" ] || rm -rf "$build"
    say "Running post-install sanity check:"
    sanity
    say "Installation of the NVIDIA Accelerated Graphics Driver for Linux-$(uname -m) (version: $VERSION) is now complete."
}

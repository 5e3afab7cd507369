# The steps of the stand-in for nvidia-installer, which sources this file. A step that fails ends the program with 1.
# shellcheck shell=bash disable=SC2153,SC2154 # the command line's variables are set in nvidia-installer

# The list of what is installed, in the form that NVIDIA's installer uses: the version, a description, then one path on
# each line. A path is written before its file, so that an interrupted run can be undone.
manifest=/var/lib/nvidia/log
installed_files() { grep '^/' $manifest; }

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

host_option() { sed -n "s/^$1=//p" /etc/gpu-sim/host 2>/dev/null | tail -n1; }

# Prints the kernel module types that support the GPUs of this host: open, proprietary, either or none.
supported_module_types() {
    sed -n '/^[^#].* 10de:.* 030[02] /s/.* modules=\([a-z]*\).*/\1/p' /etc/gpu-sim/pci 2>/dev/null | sort -u
}

recommended_module_type() {
    if supported_module_types | grep -x proprietary >/dev/null; then echo proprietary; else echo open; fi
}

loaded_modules() {
    local name
    for name in nvidia_peermem nvidia_drm nvidia_modeset nvidia_uvm nvidia; do
        [ ! -d /sys/module/$name ] || echo $name
    done
}

unload_modules() {
    local name
    for name in $(loaded_modules); do rmmod "$name" 2>>"$log_file" || return 1; done
}

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

choose_module_type() {
    local supported
    if [ -z "$module_type" ]; then
        module_type=$(recommended_module_type)
        return
    fi
    for supported in $(supported_module_types); do
        if [[ $supported != "$module_type" && $supported != either ]]; then
            warn "The selected kernel module type, '$module_type', is incompatible with the GPU(s) detected on this system.  They will be installed anyway, but the driver may not work."
        fi
    done
}

# A simulated node has headers without the build system.
has_real_headers() { [ -e "$source_path/scripts/Kbuild.include" ]; }
# With --dkms, NVIDIA's installer registers the sources with DKMS, which then builds and installs the modules.
dkms_builds() { [ -n "$dkms" ] && has_real_headers && command -v dkms >/dev/null; }

# Sets `build` to the directory with the sources of the modules, and builds the modules there if DKMS does not.
build_modules() {
    build=$tmpdir/nvidia-build
    rm -rf "$build"
    { mkdir -p "$build" && cp kernel/* "$build"; } || fail "Unable to create a temporary directory in $tmpdir."
    if [ "$module_type" = open ]; then
        printf 'NV_LICENSE = Dual MIT/GPL\n' >>"$build/version.mk"
    else
        printf 'NV_LICENSE = NVIDIA\n' >>"$build/version.mk"
    fi
    concurrency=${concurrency:-$(nproc)}
    ! dkms_builds || return 0
    say "Detected $(nproc) CPUs online; setting concurrency level to $concurrency."
    say "Building kernel modules"
    log "   executing: 'make -j$concurrency KERNEL_RELEASE=$kernel'..."
    make -C "$build" -j"$concurrency" KERNEL_RELEASE="$kernel" KERNEL_SOURCE="$source_path" \
        NV_EXCLUDE_DRM="$([ -n "$drm" ] || echo 1)" NV_EXCLUDE_PEERMEM="$([ -n "$peermem" ] || echo 1)" \
        >>"$log_file" 2>&1 ||
        fail "An error occurred while performing the step: \"Building kernel modules\". See $log_file for details."
    say "Kernel module compilation complete."
}

kernel_module_error() {
    log "-> Kernel module load error: $1" "-> Kernel messages:"
    dmesg | tail -n 20 >>"$log_file"
    fail "Unable to load the 'nvidia' kernel module."
}

# Loads the new module to test it, before anything on the host is replaced.
test_load() {
    local answer
    if [ -z "$load" ] || [ "$kernel" != "$(uname -r)" ] || dkms_builds; then return; fi
    say "Testing the kernel modules"
    answer=$(insmod "$build/nvidia.ko" 2>&1) || kernel_module_error "${answer##*: }"
    rmmod nvidia 2>>"$log_file" || kernel_module_error "the module is in use"
}

# Copies file $1 to $2 with mode $3, in one step.
put() {
    printf '%s\n' "$2" >>"$manifest" || fail "Unable to write to '$manifest'."
    { mkdir -p "${2%/*}" && install -m "$3" "$1" "$2.new" && mv "$2.new" "$2"; } 2>>"$log_file" ||
        fail "Unable to copy '$1' to '$2'; is there enough disk space?"
}

put_link() {
    printf '%s\n' "$2" >>"$manifest"
    ln -sfn "$1" "$2" 2>>"$log_file" || fail "Unable to create the symbolic link '$2'."
}

dkms_configuration() {
    local name index=0
    printf 'PACKAGE_NAME="nvidia"\nPACKAGE_VERSION="%s"\nAUTOINSTALL="yes"\n' "$VERSION"
    # shellcheck disable=SC2016 # the variables are for DKMS
    printf 'MAKE[0]="make -j%s KERNEL_RELEASE=${kernelver} KERNEL_SOURCE=${kernel_source_dir}' "$concurrency"
    printf ' NV_EXCLUDE_DRM=%s NV_EXCLUDE_PEERMEM=%s"\n' "$([ "$drm" ] || echo 1)" "$([ "$peermem" ] || echo 1)"
    printf 'CLEAN="make clean"\n'
    for name in nvidia nvidia-uvm nvidia-modeset ${drm:+nvidia-drm} ${peermem:+nvidia-peermem}; do
        printf 'BUILT_MODULE_NAME[%s]="%s"\nDEST_MODULE_LOCATION[%s]="/kernel/drivers/video"\n' $index "$name" $index
        index=$((index + 1))
    done
}

run_dkms() {
    log "   executing: 'dkms $*'..."
    dkms "$@" >>"$log_file" 2>&1 || fail "Failed to run \`dkms $*\`; see $log_file for details."
}

install_with_dkms() {
    local file
    # an earlier run may have ended between two of these steps
    [ ! -e "/var/lib/dkms/nvidia/$VERSION" ] || dkms remove "nvidia/$VERSION" --all >>"$log_file" 2>&1 || true
    dkms_configuration >"$build/dkms.conf"
    for file in "$build"/*; do put "$file" "/usr/src/nvidia-$VERSION/${file##*/}" 644; done
    say "Building and installing the kernel modules with DKMS."
    run_dkms add "nvidia/$VERSION"
    run_dkms build "nvidia/$VERSION" -k "$kernel"
    run_dkms install --force "nvidia/$VERSION" -k "$kernel"
}

install_modules() {
    local file directory=/lib/modules/$kernel/kernel/drivers/video
    if dkms_builds; then
        install_with_dkms
        return
    fi
    [ -z "$dkms" ] || directory=/lib/modules/$kernel/updates/dkms
    for file in "$build"/*.ko; do put "$file" "$directory/${file##*/}" 644; done
    [ -n "$dkms" ] || return 0
    for file in kernel/*; do put "$file" "/usr/src/nvidia-$VERSION/${file##*/}" 644; done
    if command -v dkms >/dev/null; then
        dkms add "nvidia/$VERSION" >>"$log_file" 2>&1 || true
        say "DKMS: the kernel modules are registered."
    else
        warn "DKMS is not installed: the kernel modules will not be rebuilt when the kernel changes."
    fi
}

install_userspace() {
    local file name libraries=/usr/lib/$MULTIARCH
    for file in lib/*.so."$VERSION"; do
        name=${file##*/}
        put "$file" "$libraries/$name" 755
        put_link "$name" "$libraries/${name%."$VERSION"}.1"
    done
    for file in bin/*; do put "$file" "/usr/bin/${file##*/}" 755; done
    for file in nvidia-installer installer-steps.sh package.conf; do put $file "/usr/lib/nvidia/installer/$file" 755; done
    put_link ../lib/nvidia/installer/nvidia-installer /usr/bin/nvidia-installer
    put uninstall /usr/bin/nvidia-uninstall 755
    if [ -d grid ]; then
        put grid/gridd.conf.template /etc/nvidia/gridd.conf.template 644
        put grid/nvidia-gridd.service /usr/lib/systemd/system/nvidia-gridd.service 644
    fi
    ldconfig 2>>"$log_file" || warn "ldconfig failed."
}

load_modules() {
    local answer name names=(nvidia)
    if [ -z "$load" ] || [ "$kernel" != "$(uname -r)" ]; then return; fi
    [ -z "$uvm" ] || names+=(nvidia-uvm)
    [ -z "$drm" ] || names+=(nvidia-drm)
    for name in "${names[@]}"; do
        if ! answer=$(modprobe "$name" 2>&1); then
            log "$answer"
            [ "$name" != nvidia ] || kernel_module_error "${answer##*: }"
            fail "Unable to load the '$name' kernel module."
        fi
    done
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
        rmdir --ignore-fail-on-non-empty "${path%/*}" 2>/dev/null
    done
    rm -f $manifest
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
    fi
    [ -z "$userspace" ] || { say "Searching for conflicting files:"; remove_files; }
    mkdir -p ${manifest%/*}
    [ -s $manifest ] || printf '%s\nNVIDIA Accelerated Graphics Driver for Linux-%s\n' "$VERSION" "$(uname -m)" >$manifest
    say "Installing 'NVIDIA Accelerated Graphics Driver for Linux-$(uname -m)' ($VERSION):"
    [ -z "$modules" ] || install_modules
    sleep "$slow"
    [ -z "$userspace" ] || install_userspace
    [ -z "$depmod" ] || depmod "$kernel"
    say "Driver file installation is complete."
    [ -z "$modules" ] || load_modules
    [ -z "${build:-}" ] || rm -rf "$build"
    say "Running post-install sanity check:"
    sanity
    say "Installation of the NVIDIA Accelerated Graphics Driver for Linux-$(uname -m) (version: $VERSION) is now complete."
}

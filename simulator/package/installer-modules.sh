# What the stand-in for nvidia-installer does with kernel modules: choose, build, test, install and load them.
# nvidia-installer sources this file after installer-steps.sh.
# shellcheck shell=bash disable=SC2153,SC2154 # the command line's variables are set in nvidia-installer

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
    log "   executing: 'make -j$concurrency KERNEL_UNAME=$kernel modules'..."
    make -C "$build" -j"$concurrency" KERNEL_UNAME="$kernel" SYSSRC="$source_path" modules \
        NV_EXCLUDE_DRM="$([ -n "$drm" ] || echo 1)" NV_EXCLUDE_PEERMEM="$([ -n "$peermem" ] || echo 1)" \
        >>"$log_file" 2>&1 ||
        fail "An error occurred while performing the step: \"Building kernel modules\". See $log_file for details."
    say "Kernel module compilation complete."
    [ -z "$signing_key$signing_certificate" ] || sign_modules
}

# Appends a real signature to each module: that of an RSA key with 2048 bits, and the words that a kernel looks for.
sign_modules() {
    local file
    if [ ! -r "$signing_key" ] || [ ! -r "$signing_certificate" ]; then
        fail "Unable to sign the kernel modules: both a secret key and a public key are needed."
    fi
    say "Signing kernel modules"
    for file in "$build"/*.ko; do
        { openssl dgst -sha256 -sign "$signing_key" "$file" && printf '~Module signature appended~\n'; } \
            >"$file.signature" 2>>"$log_file" || fail "Unable to sign the kernel module '${file##*/}'."
        cat "$file.signature" >>"$file"
        rm "$file.signature"
    done
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

dkms_configuration() {
    local name index=0
    printf 'PACKAGE_NAME="nvidia"\nPACKAGE_VERSION="%s"\nAUTOINSTALL="yes"\n' "$VERSION"
    # shellcheck disable=SC2016 # the variables are for DKMS
    printf 'MAKE[0]="make -j%s KERNEL_UNAME=${kernelver} SYSSRC=${kernel_source_dir} modules' "$concurrency"
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
    # version.mk in the build directory has the license, which depends on the kernel module type
    for file in kernel/*; do put "$build/${file##*/}" "/usr/src/nvidia-$VERSION/${file##*/}" 644; done
    [ -n "$dkms" ] || return 0
    if command -v dkms >/dev/null; then
        dkms add "nvidia/$VERSION" >>"$log_file" 2>&1 || true
        say "DKMS: the kernel modules are registered."
    else
        warn "DKMS is not installed: the kernel modules will not be rebuilt when the kernel changes."
    fi
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

# Compiles the modules of the drivers once without emulation, for the compiler cache of the machine. build.sh sources this
# file.
# shellcheck shell=bash disable=SC2034,SC2154

# compiler_cache HARDWARE: sets `cache` to a cache of ccache with what DKMS compiles on a host with this hardware.
compiler_cache() {
    local work
    work=$(mktemp -d -p "$built")
    driver_packages "$1" "$work"
    keep "compiler-cache-$1" "$host_key-$(declare -f fill_cache compile_drivers | cat - "$vm/guest/ccache.conf" "$work"/packages/* |
        checksum)" fill_cache "$work/packages"
    cache=$kept
    rm -rf "$work"
}

# fill_cache PACKAGES DIRECTORY: compiles the modules of the driver packages in a root like that of the host.
fill_cache() {
    local work status=0
    work=$(mktemp -d -p "$built")
    mkdir -p "$work"/{upper/run/vm-node/{guest,packages,compiler-cache},work,root} "$2"
    cp "$1"/*.run "$work/upper/run/vm-node/packages"
    cp "$vm/guest/ccache.conf" "$work/upper/run/vm-node/guest"
    # shellcheck disable=SC2016 # the variables are the inner shell's
    unshare --mount --pid --fork --kill-child -- bash -euc '
        mount -t overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" host "$2/root"
        mount -t proc proc "$2/root/proc"
        mount --bind "$3" "$2/root/run/vm-node/compiler-cache"
        exec chroot "$2/root" env -i LANG=C.UTF-8 PATH=/usr/local/bin:/usr/bin:/bin bash -euc "$4; compile_drivers"
    ' bash "$host_root" "$work" "$2" "$(declare -f compile_drivers)" || status=$?
    rm -rf "$work"
    return $status
}

# Runs in the root of the host. ccache compares the commands of the compiler, so they must be those of DKMS: with the same
# directory, the same variables and the license of the open modules.
compile_drivers() {
    local package kernel build
    for package in /run/vm-node/packages/*.run; do
        sh "$package" --extract-only --target /run/driver
        # shellcheck source=/dev/null
        . /run/driver/package.conf
        echo 'NV_LICENSE = Dual MIT/GPL' >>/run/driver/kernel/version.mk
        build=/var/lib/dkms/nvidia/$VERSION/build
        mkdir -p "${build%/*}"
        for kernel in /lib/modules/*; do
            kernel=${kernel##*/}
            cp -r /run/driver/kernel "$build"
            make -C "$build" -j2 KERNEL_UNAME="$kernel" SYSSRC="/lib/modules/$kernel/build" modules
            rm -r "$build"
        done
        rm -r /run/driver
    done
}

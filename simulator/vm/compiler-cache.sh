# Compiles the modules of the drivers once without emulation, for the compiler cache of the machine. build.sh sources this
# file.
# shellcheck shell=bash disable=SC2154

# build_compiler_cache PAYLOAD DIRECTORY: fills a cache of ccache with what DKMS compiles for the driver packages in this
# directory, for each kernel of the host.
#
# ccache compares the commands of the compiler, so the sources have the place where DKMS puts them.
build_compiler_cache() {
    local work
    work=$(mktemp -d -p "$built")
    mkdir -p "$work"/{upper/mnt,work,root} "$2"
    # shellcheck disable=SC2016 # the variables are the inner shell's
    unshare --mount --pid --fork --kill-child --mount-proc -- bash -euc '
        host_root=$1 work=$2 payload=$3 cache=$4
        root=$work/root
        mount -t overlay -o "lowerdir=$host_root,upperdir=$work/upper,workdir=$work/work" host "$root"
        mount -t proc proc "$root/proc"
        mkdir -p "$root"/run/vm-node/{compiler-cache,guest,packages}
        mount --bind "$cache" "$root/run/vm-node/compiler-cache"
        cp "$payload"/guest/ccache.conf "$root/run/vm-node/guest"
        sed -i /read_only/d "$root/run/vm-node/guest/ccache.conf"
        cp "$payload"/packages/*.run "$root/run/vm-node/packages"
        chroot "$root" env -u TMPDIR PATH=/usr/local/bin:/usr/bin:/bin bash -euc '"'"'
            for package in /run/vm-node/packages/*.run; do
                sh "$package" --extract-only --target /run/driver
                . /run/driver/package.conf
                printf "NV_LICENSE = Dual MIT/GPL\n" >>/run/driver/kernel/version.mk
                for kernel in /lib/modules/*; do
                    kernel=${kernel##*/}
                    build=/var/lib/dkms/nvidia/$VERSION/build
                    rm -rf "$build"
                    mkdir -p "${build%/*}"
                    cp -r /run/driver/kernel "$build"
                    cd "$build"
                    make -j"$(nproc)" KERNEL_UNAME="$kernel" SYSSRC="/lib/modules/$kernel/build" modules
                done
                rm -rf /run/driver
            done
            CCACHE_CONFIGPATH=/run/vm-node/guest/ccache.conf ccache --show-stats
        '"'"'
    ' bash "$host_root" "$work" "$1" "$2"
    rm -rf "$work"
}

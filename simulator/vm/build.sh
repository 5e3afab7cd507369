# Builds what the virtual machine boots from. scripts/vm-node sources this file after scripts/lib.sh.
#
# Each part is kept in $built under a name that contains the checksum of its inputs. So a part is built again only when
# an input has changed.
# shellcheck shell=bash disable=SC2034,SC2154

vm=$root/simulator/vm
built=$root/.build/vm

# The host: two kernels, their headers and compiler, DKMS, systemd and udev. The cloud kernel has NVMe, ext4 and the
# serial port built in, so it needs no initrd. The generic kernel is the one to which a scenario updates the node. It
# also has nouveau.
host_packages=(
    linux-image-cloud-amd64 linux-headers-cloud-amd64 linux-image-amd64 linux-headers-amd64
    dkms gcc ccache make kmod systemd systemd-sysv dbus udev
    iproute2 pciutils procps util-linux xz-utils bzip2 libyaml-0-2 zlib1g libstdc++6 curl jq
)
# The size of the host's disk.
host_size=2G
# shellcheck source=simulator/vm/image.sh
. "$vm/image.sh"
# shellcheck source=simulator/vm/compiler-cache.sh
. "$vm/compiler-cache.sh"

need_vm() {
    need_packages mmdebstrap qemu-system-x86 e2fsprogs makeself gcc libc6-dev make util-linux xz-utils
    need_image
}

checksum() { sha256sum | cut -c1-16; }
# checksum_of PATH…: the checksum of all files with their names, and with whether they are programs.
checksum_of() {
    {
        find "$@" -type f \( -perm -u+x -printf '%p x\n' -o -printf '%p\n' \) | LC_ALL=C sort
        find "$@" -type f -print0 | LC_ALL=C sort -z | xargs -0 cat
    } | checksum
}

# keep KIND KEY COMMAND…: sets `kept` to the path of this part. When the part does not exist, removes the older parts of
# this kind, and runs the command with the path that it must create.
keep() {
    local kind=$1 key=$2 started=$SECONDS
    shift 2
    kept=$built/$kind-$key
    [ ! -e "$kept" ] || return 0
    say "building: $kind"
    rm -rf "${built:?}/$kind-"*
    "$@" "$kept.new" >"$built/$kind.log" 2>&1 || {
        tail -n 30 "$built/$kind.log" >&2
        die "cannot build $kind; the log is $built/$kind.log"
    }
    mv "$kept.new" "$kept"
    say "built: $kind ($((SECONDS - started)) s)"
}

# What the machine does not need of any package. Each install reads all modules of the kernel (depmod), so fewer ones save
# time, too.
left_out=('/usr/share/'{man,doc,locale}'/*' '/lib/modules/*/kernel/*')
# The modules that it needs: those of its disks and of the pod, nouveau, and what they use.
kernel_modules=(
    '/lib/modules/*/kernel/'{lib,crypto,block,fs/autofs,fs/ext4,fs/jbd2,fs/overlayfs,drivers/nvme,drivers/acpi}'/*'
    '/lib/modules/*/kernel/'{fs/mbcache,drivers/net/veth,drivers/pci/pci-pf-stub,drivers/i2c/algos/i2c-algo-bit}.ko
    '/lib/modules/*/kernel/drivers/gpu/drm/'{drm,drm_kms_helper,drm_ttm_helper}.ko
    '/lib/modules/*/kernel/drivers/gpu/drm/'{nouveau,display,ttm}'/*'
    '/lib/modules/*/kernel/drivers/media/'{cec/core,rc}'/*' '/lib/modules/*/kernel/drivers/platform/x86/*wmi.ko'
)

# bootstrap DIRECTORY PACKAGE…: a Debian root without documentation, from the archive that this machine uses when it is
# a Debian 12, and else from Debian's own. `variant` is that of mmdebstrap.
bootstrap() {
    local directory=$1 packages sources=()
    shift
    packages=$(IFS=,; printf '%s' "$*")
    if grep -q '^VERSION_CODENAME=bookworm' /etc/os-release && [ -f /etc/apt/sources.list.d/debian.sources ]; then
        sources=(/etc/apt/sources.list.d/debian.sources)
    fi
    mmdebstrap --quiet --mode=root --variant="${variant:-apt}" --format=directory --include="$packages" \
        --aptopt='APT::Install-Recommends "false"' --dpkgopt='force-unsafe-io' \
        "${left_out[@]/#/--dpkgopt=path-exclude=}" "${kernel_modules[@]/#/--dpkgopt=path-include=}" \
        "${hooks[@]}" \
        bookworm "$directory" "${sources[@]}"
}

# file_system DIRECTORY SIZE FILE
file_system() {
    truncate -s "$2" "$3"
    mke2fs -q -t ext4 -m 0 -E lazy_itable_init=1,lazy_journal_init=1,root_owner=0:0 -d "$1" "$3"
}

# The initrd of the generic kernel has only the modules that mount the root.
small_initrd() {
    mkdir -p "$1"/usr/share/initramfs-tools/modules.d "$1"/etc/initramfs-tools/conf.d
    printf 'nvme\next4\n' >"$1/usr/share/initramfs-tools/modules.d/vm-node.conf"
    printf 'MODULES=list\nCOMPRESS=gzip\n' >"$1/etc/initramfs-tools/conf.d/vm-node"
}

# Units and generators of systemd that no test needs.
masked_units=(
    dev-{hugepages,mqueue}.mount sys-kernel-{debug,tracing}.mount proc-sys-fs-binfmt_misc.automount
    kmod-static-nodes.service systemd-{random-seed,remount-fs,sysusers,update-utmp,journal-flush}.service
    systemd-ask-password-{console,wall}.path
)
masked_generators=(cryptsetup debug fstab getty gpt-auto hibernate-resume integritysetup rc-local run system-update
    sysv veritysetup)

# mask_units ROOT
mask_units() {
    local name
    mkdir -p "$1"/etc/systemd/system{,-generators}
    for name in "${masked_units[@]}"; do ln -s /dev/null "$1/etc/systemd/system/$name"; done
    for name in "${masked_generators[@]}"; do ln -s /dev/null "$1/etc/systemd/system-generators/systemd-$name-generator"; done
}

build_host_root() {
    local hooks=("--essential-hook=$(declare -f small_initrd); small_initrd \"\$1\"")
    bootstrap "$1" "${host_packages[@]}"
    rm -f "$1"/boot/initrd*-cloud-* "$1"/initrd* "$1"/vmlinuz*
    : >"$1/etc/machine-id"
    echo gpu-node >"$1/etc/hostname"
    install -m 755 "$vm/guest/vm-node-start" "$1/usr/sbin/"
    install -m 644 "$vm/guest/vm-node.service" "$1/etc/systemd/system/"
    install -D -m 644 "$vm/guest/coldplug.conf" "$1/etc/systemd/system/systemd-udev-trigger.service.d/vm-node.conf"
    mask_units "$1"
    install -m 755 "$vm/guest/cached-compiler" "$1/usr/local/bin/gcc-12"
}

# unpack_kernel VMLINUZ FILE: writes the kernel that is packed with xz in this file. An emulated processor needs four seconds
# to unpack it. The header says where it is: https://docs.kernel.org/arch/x86/boot.html.
unpack_kernel() {
    local sectors offset length
    sectors=$(number_at 0x1f1 1 "$1")
    offset=$(number_at 0x248 4 "$1")
    length=$(number_at 0x24c 4 "$1")
    # The last four bytes are the size of the kernel.
    dd if="$1" status=none iflag=skip_bytes,count_bytes skip=$(((sectors + 1) * 512 + offset)) count=$((length - 4)) |
        xz -dc >"$2"
}
# number_at OFFSET BYTES FILE
number_at() { od -An -j$(($1)) -N"$2" -tu"$2" "$3" | tr -d ' '; }

# Builds a kernel module for each kernel of the host's root, with its compiler and headers: DIRECTORY/RELEASE.ko.
# build_module SOURCES ROOT DIRECTORY
build_module() {
    local work release
    mkdir -p "$3"
    for release in "$2"/lib/modules/*; do
        release=${release##*/}
        work=$(mktemp -d -p "$built")
        cp "$1"/* "$work"
        # shellcheck disable=SC2016 # the variables are the inner shell's
        unshare --mount --pid --fork -- sh -ec '
            mount -t proc proc "$1/proc"
            mount --bind "$2" "$1/mnt"
            exec chroot "$1" env -u TMPDIR make -C "/lib/modules/$3/build" M=/mnt modules
        ' sh "$2" "$work" "$release"
        mv "$work"/*.ko "$3/$release.ko"
        rm -rf "$work"
    done
}

# build_vm: sets `host_root`, `host_image`, `cloud_kernel`, `generic_kernel`, `generic_initrd` and `bus` to the paths of
# what a machine boots from, `host_key` to the checksum of what the host is built from, and `pod_base` to the base of the
# pod's image.
build_vm() {
    mkdir -p "$built"
    rm -rf "$built"/tmp.*
    host_key=$({
        printf '%s\n' "${host_packages[@]}" "${left_out[@]}" "${kernel_modules[@]}" "${masked_units[@]}" "${masked_generators[@]}"
        declare -f bootstrap file_system small_initrd mask_units build_host_root unpack_kernel number_at build_module
        cat "$vm"/guest/{vm-node{.service,-start},coldplug.conf,cached-compiler}
    } | checksum)
    keep host-root "$host_key" build_host_root
    host_root=$kept
    keep pod-base "$({
        printf '%s\n' "${left_out[@]}" "${kernel_modules[@]}"
        declare -f bootstrap build_base
    } | checksum)" build_base
    pod_base=$kept
    keep bus "$host_key-$(checksum_of "$vm/bus")" build_module "$vm/bus" "$host_root"
    bus=$kept
    keep host-image "$host_key-$host_size" file_system "$host_root" $host_size
    host_image=$kept
    cloud_kernel=$(echo "$host_root"/boot/vmlinuz-*-cloud-*)
    generic_initrd=$(echo "$host_root"/boot/initrd.img-*)
    keep generic-kernel "$host_key" unpack_kernel "${generic_initrd/initrd.img/vmlinuz}"
    generic_kernel=$kept
}

# The programs under test, stripped. They need no Swift library on the host. `agent` names another agent. Also builds the
# image of the pod, and sets `pod_image`.
build_programs() {
    local product path products=(gpu-agent gpu-sim)
    [ -z "$agent" ] || products=(gpu-sim)
    say "building ${products[*]} (release)"
    for product in "${products[@]}"; do
        swift_build -c release --static-swift-stdlib --product "$product" 2>&1 | progress_of_build
    done
    path=$(swift build -c release --show-bin-path)
    for product in "${products[@]}"; do
        if [ "$path/$product" -nt "$built/$product" ]; then strip -o "$built/$product" "$path/$product"; fi
    done
    program=$built/gpu-agent
    if [ -n "$agent" ]; then
        program=$built/other-agent
        strip -o "$program" "$agent"
    fi
    keep pod-image "$({
        checksum_of "$root"/{Dockerfile,scripts/image,catalog} "$program"
        declare -f build_image import_base file_system with_storage
        printf '%s' "$pod_base"
    } | checksum)" build_image "$pod_base"
    pod_image=$kept
}

# driver_packages HARDWARE DIRECTORY: creates the driver packages of a simulated node's scenario, and their catalog.
driver_packages() {
    "$root/simulator/bin/catalog" --dir "$2" --scenario "$1" --server http://127.0.0.1:8080 \
        --size 1 --effort 0 >/dev/null
}

# build_payload HARDWARE SCENARIO FILE SEED: the archive from which a machine runs. HARDWARE is a simulated node's
# scenario.
build_payload() {
    local work hardware=$root/simulator/scenarios/$1
    work=$(mktemp -d -p "$built")
    cp -r "$vm/guest" "$hardware" "$work"
    mv "$work/$1" "$work/hardware"
    cp "$2" "$work/scenario"
    printf '%s\n' "$4" >"$work/seed"
    cp -r "$bus" "$work/bus"
    mkdir -p "$work/simulator/bin"
    cp -r "$root"/simulator/{lib,scenarios} "$work/simulator"
    cp "$root/simulator/bin/pci-tree" "$work/simulator/bin"
    cp "$built/gpu-sim" "$work"
    driver_packages "$1" "$work"
    compiler_cache "$1"
    cp -r "$cache" "$work/compiler-cache"
    cluster_files "$work"
    cp "$pod_image/entrypoint" "$work"
    tar -C "$work" --owner=0 --group=0 -cf "$3" .
    # QEMU rounds the size of a disk down
    truncate -s %1M "$3"
    rm -rf "$work"
}

# What the simulated host's kernel does with a module: sourced by kernel and kmod.
# The truth about the hardware is /etc/gpu-sim/pci, a copy of the scenario's file.
# shellcheck shell=bash

host_option() { sed -n "s/^$1=//p" /etc/gpu-sim/host | tail -n1; }

# Prints the values of field $2 in the .modinfo section of file $1.
modinfo_field() { tr '\0' '\n' <"$1" | sed -n "s/^$2=//p"; }

# kernel_says LINE…: one message. As in dmesg, only its first line has the time.
kernel_says() {
    local uptime time line
    read -r uptime _ </proc/uptime
    printf -v time '[%12s]' "${uptime}0000"
    for line; do
        printf '%s %s\n' "$time" "$line"
        time=${time//?/ }
    done >>/var/log/kern.log
}

# The functions that nvidia.ko has in its table: class 0300 and 0302 of vendor 10de.
# Prints ADDRESS IDS KEY=VALUE… of each.
gpu_functions() {
    local address ids class options
    while read -r address ids _ class _ options; do
        if [[ $address != '#'* && $ids = 10de:* && $class =~ ^030[02]$ && -e /sys/bus/pci/devices/$address ]]; then
            printf '%s %s %s\n' "$address" "$ids" "$options"
        fi
    done </etc/gpu-sim/pci
}

# Why a module of this version, kernel module type and kind refuses the function; says it in the kernel's log and fails.
# The words are those of NVIDIA's driver, also in simulator/package/kernel/nv-pci.c.
probe() {
    local address=$1 ids=$2 options=" $3 " modules=either is_vgpu='' branch=${version%%.*} first=0 last=0
    local subject="NVRM: The NVIDIA GPU $1 (PCI ID: $2)" why
    [[ $options =~ \ modules=([a-z]+)\  ]] && modules=${BASH_REMATCH[1]}
    [[ $options =~ \ branches=([0-9]*)-([0-9]*)\  ]] && first=${BASH_REMATCH[1]:-0} last=${BASH_REMATCH[2]:-0}
    [[ $options = *' vgpu='* || $options = *' vgpu '* ]] && is_vgpu=1
    if [ "$last" != 0 ] && [ "$branch" -gt "$last" ]; then
        subject='NVRM: The NVIDIA Graphics Device GPU installed in this system is'
        why=("NVRM:  supported through the NVIDIA $last.xx Legacy drivers. Please"
            "NVRM:  visit http://www.nvidia.com/object/unix.html for more"
            "NVRM:  information.  The $version NVIDIA driver will ignore"
            "NVRM:  this GPU.  Continuing probe...")
    elif [ "$modules" = none ] || [ "$branch" -lt "$first" ] ||
        [[ $module_type = proprietary && $modules != open && -n $is_vgpu && $kind != grid ]]; then
        why=("NVRM: installed in this system is not supported by the"
            "NVRM: NVIDIA $version driver release."
            "NVRM: Please see 'Appendix A - Supported NVIDIA GPU Products'"
            "NVRM: in this release's README, available on the operating system"
            "NVRM: specific graphics driver download page at www.nvidia.com.")
    elif [[ $module_type = proprietary && $modules = open ]]; then
        why=("NVRM: installed in this system requires use of the NVIDIA open kernel modules.")
    elif [[ $module_type = open && -n $is_vgpu && ($modules = proprietary || $kind != grid) ]]; then
        subject="NVRM: The NVIDIA vGPU $address (PCI ID: $ids)"
        why=("NVRM: installed in this system is not supported by open"
            "NVRM: nvidia.ko."
            "NVRM: Please see the 'Open Linux Kernel Modules' and 'GSP"
            "NVRM: Firmware' sections in the NVIDIA Virtual GPU (vGPU)"
            "NVRM: Software documentation, available at docs.nvidia.com.")
    elif [[ $module_type = open && $modules = proprietary ]]; then
        why=("NVRM: installed in this system is not supported by open"
            "NVRM: nvidia.ko because it does not include the required GPU"
            "NVRM: System Processor (GSP)."
            "NVRM: Please see the 'Open Linux Kernel Modules' and 'GSP"
            "NVRM: Firmware' sections in the driver README, available on"
            "NVRM: the Linux graphics driver download page at"
            "NVRM: www.nvidia.com.")
    else
        return 0
    fi
    kernel_says "$subject" "${why[@]}"
    kernel_says "nvidia: probe of $address failed with error -1"
    return 1
}

# Prints the value of key $2 of GPU $1 in the libraries' data file.
hardware_value() { sed -nE "/^gpu $1 /{s/.* $2=(\"([^\"]*)\"|([^ ]*)).*/\2\3/p}" /etc/gpu-sim/hardware; }

# Prints the text that names a running driver.
banner() {
    if [ "$module_type" = open ]; then
        printf 'NVIDIA UNIX Open Kernel Module for %s  %s  Release Build  (gpu-sim@builder)  %s' "$(uname -m)" "$version" "$built"
    else
        printf 'NVIDIA UNIX %s Kernel Module  %s  %s' "$(uname -m)" "$version" "$built"
    fi
}

# What every module shows.
show_module() {
    local name=$1 file=$2 directory=/sys/module/$1 dependency
    mkdir -p "$directory/holders" "$directory/parameters" "$directory/drivers"
    printf '%s\n' "$version" >"$directory/version"
    modinfo_field "$file" srcversion >"$directory/srcversion"
    stat -c %s "$file" >"$directory/coresize"
    printf '0\n' >"$directory/refcnt"
    if [ "$module_type" = open ]; then echo OE; else echo POE; fi >"$directory/taint"
    modinfo_field "$file" depends | tr ',' '\n' | tr - _ >"$directory/.depends"
    while read -r dependency; do
        [ -n "$dependency" ] || continue
        ln -s "../../../module/$name" "/sys/module/$dependency/holders/$name"
        echo $(($(<"/sys/module/$dependency/refcnt") + 1)) >"/sys/module/$dependency/refcnt"
    done <"$directory/.depends"
    shift 2
    for dependency; do
        [[ $dependency = *=* ]] && printf '%s\n' "${dependency#*=}" >"$directory/parameters/${dependency%%=*}"
    done
    printf 'live\n' >"$directory/initstate"
    list_modules
}

# Writes what follows from the loaded modules: /proc/devices and /proc/modules. Both are bind mounts, so each file is
# written in place. /proc/modules is there only on a machine whose own kernel has modules.
list_modules() {
    local directory modules='' majors=()
    for directory in /sys/module/*; do
        [ -e "$directory/coresize" ] || continue
        modules+="${directory##*/} $(<"$directory/coresize") $(<"$directory/refcnt") - Live 0x0000000000000000"$'\n'
        case ${directory##*/} in
        nvidia) majors+=('195 nvidia' '195 nvidiactl' '237 nvidia-caps') ;;
        nvidia_modeset) majors+=('195 nvidia-modeset') ;;
        nvidia_uvm) majors+=('511 nvidia-uvm') ;;
        esac
    done
    # By major number, and then by the first minor number, which is also the order of these names.
    mapfile -t majors < <(printf '%s\n' "${majors[@]}" | grep . | sort -k1,1n -k2,2)
    printf '%s' "$modules" >/run/gpu-sim/modules
    # The majors are the last character devices, before the empty line.
    printf '%s\n' "$(sed '/^$/,$d' /run/gpu-sim/devices.own)" "${majors[@]}" "$(sed -n '/^$/,$p' /run/gpu-sim/devices.own)" \
        >/run/gpu-sim/devices
}

# Answers init_module as the kernel does: returns 0, or prints the text of the error and returns 1.
kernel_inserts() {
    local name=$1 file=$2 version module_type=proprietary kind built
    version=$(modinfo_field "$file" version)
    kind=$(modinfo_field "$file" standin_kind)
    built=$(modinfo_field "$file" standin_built)
    [[ $(modinfo_field "$file" license) = Dual* ]] && module_type=open
    shift 2
    has_symbols || return 1
    case $name in
    nvidia) insert_nvidia "$file" "$@" || return 1 ;;
    nvidia_uvm)
        show_module "$name" "$file" "$@"
        kernel_says "nvidia-uvm: Loaded the UVM driver, major device number 511."
        ;;
    nvidia_modeset)
        show_module "$name" "$file" "$@"
        kernel_says "nvidia-modeset: Loading NVIDIA Kernel Mode Setting Driver for UNIX platforms  $version"
        ;;
    nvidia_peermem)
        # It needs the peer memory functions of ib_core, and does not say that they are missing.
        if [[ " $* " != *' peer_memory=1 '* ]]; then
            echo 'Invalid argument'
            return 1
        fi
        show_module "$name" "$file" "$@"
        ;;
    *) show_module "$name" "$file" "$@" ;;
    esac
}

# Whether the modules that this one depends on are loaded, and of its version.
has_symbols() {
    local dependency symbol
    for dependency in $(modinfo_field "$file" depends | tr ',-' ' _'); do
        symbol=nvidia_get_rm_ops
        [ "$dependency" != nvidia_modeset ] || symbol=nvkms_get_rm_ops
        if [ ! -e "/sys/module/$dependency" ]; then
            kernel_says "$name: Unknown symbol $symbol (err -2)"
            echo 'Unknown symbol'
            return 1
        fi
        if [ "$(<"/sys/module/$dependency/version")" != "$version" ]; then
            kernel_says "$name: disagrees about version of symbol $symbol"
            kernel_says "$name: Unknown symbol $symbol (err -22)"
            echo 'Invalid argument'
            return 1
        fi
    done
}

insert_nvidia() {
    local file=$1 address ids options found=0 claimed=0 accepted=() minor=0
    shift
    [ -s /var/log/kern.log ] || kernel_says "nvidia: loading out-of-tree module taints kernel."
    kernel_says "nvidia-nvlink: Nvlink Core is being initialized, major device number 236"
    while read -r address ids options; do
        found=$((found + 1))
        if [ -e "/sys/bus/pci/devices/$address/driver" ]; then
            claimed=$((claimed + 1))
        elif probe "$address" "$ids" "$options"; then
            accepted+=("$address")
        fi
    done < <(gpu_functions)
    if [ ${#accepted[@]} = 0 ]; then
        if [ $found = 0 ]; then
            kernel_says "NVRM: No NVIDIA GPU found."
        elif [ $claimed = $found ]; then
            kernel_says "NVRM: The NVIDIA probe routine was not called for $claimed device(s)." \
                "NVRM: This can occur when a driver such as:" \
                "NVRM: nouveau, rivafb, nvidiafb or rivatv" \
                "NVRM: was loaded and obtained ownership of the NVIDIA device(s)." \
                "NVRM: No NVIDIA devices probed."
        else
            kernel_says "NVRM: The NVIDIA probe routine failed for $((found - claimed)) device(s)." \
                "NVRM: None of the NVIDIA devices were initialized."
        fi
        kernel_says "nvidia-nvlink: Unregistered Nvlink Core, major device number 236"
        echo 'No such device'
        return 1
    fi
    kernel_says "NVRM: loading $(banner)"
    show_module nvidia "$file" "$@"
    mkdir -p /proc/driver/nvidia/gpus /proc/driver/nvidia/capabilities /sys/bus/pci/drivers/nvidia
    ln -s ../../../bus/pci/drivers/nvidia /sys/module/nvidia/drivers/pci:nvidia
    ln -s ../../../../module/nvidia /sys/bus/pci/drivers/nvidia/module
    printf 'NVRM version: %s\nGCC version:  %s\n' "$(banner)" "$(modinfo_field "$file" standin_compiler)" >/proc/driver/nvidia/version
    show_parameters "$@" >/proc/driver/nvidia/params
    for address in "${accepted[@]}"; do
        bind_function "$address" "$minor"
        minor=$((minor + 1))
    done
    make_capabilities
}

bind_function() {
    local address=$1 minor=$2 device=/sys/bus/pci/devices/$1 directory=/proc/driver/nvidia/gpus/$1
    ln -s ../../../bus/pci/drivers/nvidia "$device/driver"
    ln -s "../../../../devices/pci${address%:*}/$address" "/sys/bus/pci/drivers/nvidia/$address"
    printf '1\n' >"$device/enable"
    mkdir -p "$directory"
    {
        printf 'Model: \t\t %s\n' "$(hardware_value "$minor" name)"
        printf 'IRQ:   \t\t %s\n' "$(<"$device/irq")"
        printf 'GPU UUID: \t %s\n' "$(hardware_value "$minor" uuid)"
        printf 'Video BIOS: \t ??.??.??.??.??\n'
        printf 'Bus Type: \t PCIe\nDMA Size: \t 52 bits\nDMA Mask: \t 0xfffffffffffff\n'
        printf 'Bus Location: \t %s\n' "$address"
        printf 'Device Minor: \t %s\n' "$minor"
        printf 'GPU Firmware: \t %s\nGPU Excluded:\t No\n' "$version"
    } >"$directory/information"
}

# show_parameters NAME=VALUE…: what /proc/driver/nvidia/params shows, for a few of the parameters.
show_parameters() {
    local option
    local -A values=([EnableMSI]=1 [ModifyDeviceFiles]=1 [DeviceFileMode]=438 [EnablePCIERelaxedOrderingMode]=0)
    for option; do
        [[ $option = NVreg_*=* ]] || continue
        option=${option#NVreg_}
        values[${option%%=*}]=${option#*=}
    done
    for option in "${!values[@]}"; do printf '%s: %s\n' "$option" "${values[$option]}"; done | LC_ALL=C sort
}

# MIG instances show as capabilities: a file that names the minor number of a device node.
make_capabilities() {
    local gpu gi ci line
    make_capability mig/config 1
    make_capability mig/monitor 2
    while read -r line; do
        [[ $line =~ ^mig\ ([0-9]+)\ .*gi=([0-9]+) ]] || continue
        gpu=${BASH_REMATCH[1]} gi=${BASH_REMATCH[2]} ci=0
        [[ $line =~ \ ci=([0-9]+) ]] && ci=${BASH_REMATCH[1]}
        # 15 GPU instances for each GPU, and 8 compute instances for each GPU instance
        make_capability "gpu$gpu/mig/gi$gi/access" $((3 + gpu * 135 + gi * 9))
        make_capability "gpu$gpu/mig/gi$gi/ci$ci/access" $((4 + gpu * 135 + gi * 9 + ci))
    done </etc/gpu-sim/hardware
}

make_capability() {
    local file=/proc/driver/nvidia/capabilities/$1
    mkdir -p "${file%/*}"
    printf 'DeviceFileMinor: %s\nDeviceFileMode: 292\nDeviceFileModify: 1\n' "$2" >"$file"
}

# The device nodes stay, because nvidia-modprobe made them.
kernel_removes() {
    local name=$1 dependency link
    while read -r dependency; do
        [ -n "$dependency" ] || continue
        rm -f "/sys/module/$dependency/holders/$name"
        echo $(($(<"/sys/module/$dependency/refcnt") - 1)) >"/sys/module/$dependency/refcnt"
    done < <(cat "/sys/module/$name/.depends" 2>/dev/null)
    rm -rf "/sys/module/$name"
    case $name in
    nvidia | nouveau)
        for link in /sys/bus/pci/devices/*/driver; do
            if [ "$(basename "$(readlink "$link")")" = "$name" ]; then rm "$link"; fi
        done
        rm -rf "/sys/bus/pci/drivers/$name"
        # The GPU instances end with the driver.
        [ "$name" = nouveau ] || rm -rf /proc/driver/nvidia /etc/gpu-sim/mig-layout
        ;;
    esac
    list_modules
}

# The functions for scenarios. guest/main sources this file. docs/testing.md explains how to write a scenario.
# shellcheck shell=bash disable=SC2034,SC2154

# A boot_N may take this many units; a unit is twice the time that the boot took. A scenario can set another number
# before boot_1.
units_allowed=40

report() {
    printf '%s\n' "$*" >/dev/ttyS1
    printf '== [%s] %s\n' "$(cut -d' ' -f1 /proc/uptime)" "$*"
}

# broken TEXT: ends the machine without a result, which is a failure of every scenario.
broken() {
    report "info $1"
    sync
    systemctl --force --force poweroff
    sleep infinity
}

# check TEXT COMMAND…: checks that the command succeeds. Its output appears on the console.
check() {
    local text=$1
    shift
    if "$@"; then report "pass $text"; else report "fail $text"; fi
}

# fails_today TEXT REASON COMMAND…: a check that fails, because the agent or the machine cannot do this yet. When the
# command succeeds, the scenario fails: then use `check`.
fails_today() {
    local text=$1 reason=$2
    shift 2
    if "$@"; then report "fail $text: passes, but is marked: $reason"; else report "xfail $text: $reason"; fi
}

# within UNITS COMMAND…: waits until the command succeeds, but not longer than that many units.
within() {
    local end=$((SECONDS + $1 * unit_seconds))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || return
        sleep 0.2
    done
}

# await UNITS TEXT COMMAND…: checks that the command succeeds within that many units.
await() {
    local units=$1 text=$2
    shift 2
    if within "$units" "$@"; then
        report "pass $text"
    else
        report "fail $text: not within $((units * unit_seconds)) s"
        return 1
    fi
}

# reboot_node [KERNEL]: the scenario goes on with the next boot_N after a reboot, with the same kernel or this one:
# `cloud` or `generic`.
reboot_node() { end="reboot${1:+ $1}"; }

# Creates the files from which the stand-ins of the driver read the hardware, as on the simulated node.
prepare_host() {
    mkdir -p /etc/gpu-sim
    cp hardware/pci hardware/hardware hardware/host /etc/gpu-sim/
    modprobe overlay
    mkdir -p image
    mount -o ro /dev/disk/by-id/nvme-QEMU_NVMe_Ctrl_image image
}

# A scenario whose subject is the build compiles without the cache, until the next boot.
use_real_compiler() { rm -r compiler-cache; }

plug() { printf '%s' "$1" >/sys/module/gpu_bus/parameters/plug; }
unplug() { printf '%s' "$1" >/sys/module/gpu_bus/parameters/unplug; }

lose() { printf '%s' "$1" >/sys/module/gpu_bus/parameters/lose; }
hold() { printf '%s' "$1" >/sys/module/gpu_bus/parameters/hold; }
xid() { printf '%s' "$*" >/sys/module/gpu_bus/parameters/xid; }

# plug_gpus FILE: the functions of a file `pci`. Bus 00 of domain 0 is QEMU's.
plug_gpus() {
    local line
    insmod "bus/$(uname -r).ko"
    while IFS= read -r line; do
        case $line in
        '' | '#'* | 0000:00:*) ;;
        *) plug "$line" || broken "the bus does not take the function $line" ;;
        esac
    done <"$1"
    udevadm settle
}

# Creates the pod's own network, and serves the packages in it.
pod_network() {
    ip netns add pod
    ip -n pod link set lo up
    nsenter --net=/run/netns/pod ./gpu-sim download-server packages --port 8080 --log requests.log &
}

# pod COMMAND…: runs a command in the operator's container, as `kubectl exec` does. The first command starts it.
pod() {
    local guest=/run/vm-node/guest name container='' environment end=$((SECONDS + 120))
    mapfile -t environment <$guest/environment
    name=/run/vm-node/operator${POD_CHANGES:+-$(cksum <<<"$POD_CHANGES" | cut -d' ' -f1)}
    [ ! -e "$name" ] || container=$(<"$name")
    # A container ends with its pod.
    if ! kill -0 "$container" 2>/dev/null; then
        # In a shell with job control, setsid would fork, and this process would end.
        (
            setsid $guest/pod sleep infinity >"$name.log" 2>&1 &
            echo $! >"$name"
        )
        container=$(<"$name")
        # guest/pod replaces itself, so the container is ready when the process has the name of its command.
        until [ "$(cat "/proc/$container/comm" 2>/dev/null)" = sleep ]; do
            if ! kill -0 "$container" || [ $SECONDS -ge $end ]; then cat "$name.log"; return 1; fi
            sleep 0.05
        done
    fi
    (
        echo $BASHPID >/sys/fs/cgroup/pod/cgroup.procs
        exec nsenter --target "$container" --mount --uts --ipc --net --cgroup --root --wd -- \
            env -i "${environment[@]}" "$@"
    )
}
install_driver() { pod gpu-agent install; }
verdict() { pod gpu-agent status --fresh -o json | sed -n 's/^  "verdict" *: *"\([a-z-]*\)".*/\1/p' | head -n 1; }
# has_status VERDICT REASON
has_status() {
    local status
    status=$(pod gpu-agent status --fresh -o json)
    [[ $status = *$'\n  "verdict" : "'"$1"'"'* && $status = *$'\n  "reason" : "'"$2"'"'* ]] && return
    pod gpu-agent status --fresh
    false
}
has_verdict() { [ "$(verdict)" = "$1" ] || { pod gpu-agent status --fresh; false; }; }

# wishes FILTER: prints a part of what the agent would write to its Node, sorted. The filter is one of jq.
wishes() { pod gpu-agent labels -o json | jq -r "$1" | sort; }
# wants_node VERDICT TAINT: the agent would give its Node this verdict, and the startup taint is `present` or `absent`.
wants_node() {
    diff <(printf '%s\n' "$1" "$2" | sort) <(wishes '.labels["gpu-agent.dev/verdict"], .taint')
}
# The agent would give its Node exactly the labels of the hardware, and no startup taint.
wants_ready_node() {
    diff <({ cat hardware/labels && echo 'taint: absent'; } | sort) \
        <(wishes '(.labels | to_entries[] | "\(.key)=\(.value)"), "taint: \(.taint)"') && return
    pod gpu-agent validate
    false
}

# Runs all checks for a node on which the driver works.
check_ready() {
    local version
    version=$(cat /sys/module/nvidia/version 2>/dev/null)
    check 'the agent wants the verdict ready, the labels of the hardware, and no startup taint' wants_ready_node
    check 'the running module is the installed one' [ "${version:-none}" = "$(modinfo -F version nvidia)" ]
    check 'every GPU has the driver nvidia' gpus_are_bound
    check 'the device nodes are character devices' test -c /dev/nvidiactl -a -c /dev/nvidia0 -a -c /dev/nvidia-uvm
    check 'the journal says that the driver is installed' \
        grep -qE '"state" *: *"installed"' /var/lib/gpu-agent/journal.json
    check 'no job is left, and no unit of one' eval 'no_jobs && lacks_unit'
}

gpus_are_bound() {
    local address ids class
    while read -r address ids _ class _; do
        [[ $address != 0000:00:* && $ids = 10de:* && $class = 030[02] ]] || continue
        [ "$(basename "$(readlink "/sys/bus/pci/devices/$address/driver")")" = nvidia ] || return 1
    done <hardware/pci
}

no_jobs() { [ -z "$(ls /var/lib/gpu-agent/jobs 2>/dev/null)" ]; }

# list_files FILE: writes a line for each file of the host's disk, with all that a change would change. Leaves out what a
# boot and the tests write.
list_files() {
    local directory pruned=()
    for directory in "$state" /etc/gpu-sim /var/lib/systemd /var/log/{journal,wtmp} /proc /sys /dev /run; do
        pruned+=(-path "$directory" -o)
    done
    find / -xdev \( "${pruned[@]}" -false \) -prune -o \
        -type d -printf '%p\t%m %U:%G\n' -o -printf '%p\t%y %m %U:%G %s %T@ %l\n' | sort >"$1"
}

# only_expected_changes BEFORE: checks that no file changed since that list, except where guest/expected-changes allows it.
only_expected_changes() {
    local now changed
    now=$(mktemp -p /run/vm-node)
    list_files "$now"
    changed=$(diff "$1" "$now" | sed -n 's/^[<>] //p' | cut -f1 | sort -u | grep -vEf guest/expected-changes)
    [ -z "$changed" ] || { printf 'changed: %s\n' "${changed//$'\n'/ }"; return 1; }
}

# no_changes BEFORE: checks that no file changed since that list.
no_changes() {
    list_files /run/vm-node/now
    diff "$1" /run/vm-node/now
}

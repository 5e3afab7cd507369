#!/bin/bash
# Runs on a simulated host whose driver is installed. Kills modprobe with its process group at many points while it
# loads and unloads the modules. After each kill, the host must be as it is between two system calls.
#
# Usage: kill_modprobe.sh COUNT. Prints a line `killed: MODULES` for each kill that found modprobe running, and a line
# for each thing that is wrong.
set -uo pipefail
count=$1 states=/run/states
mkdir -p $states

# All that a loaded module shows.
snapshot() {
    find /sys/module /sys/bus/pci /proc/driver /dev -path '/dev/[ps]*' -prune -o -printf '%y %m %p %l\n' | sort
    find /sys/module /proc/driver -type f -exec grep -H '' {} + | sort
    cat /proc/devices /run/gpu-sim/modules
}

loaded() { (cd /sys/module && printf '%s,' *); }
shopt -s nullglob
record() { snapshot >"$states/$(loaded)"; }

load=(modprobe -a nvidia-drm nvidia-uvm)
unload=(modprobe -r nvidia-drm nvidia-uvm)

# The states between two system calls, without a kill.
record_states() {
    local module
    "${unload[@]}"
    record
    for module in nvidia nvidia-modeset nvidia-drm nvidia-uvm; do modprobe $module && record; done
    for module in nvidia_drm nvidia_modeset nvidia_uvm; do rmmod $module && record; done
    rmmod nvidia
}

# Sets `took` to the microseconds that the command takes.
measure() {
    local start=${EPOCHREALTIME/./}
    "$@"
    took=$((${EPOCHREALTIME/./} - start))
}

# kill_after MICROSECONDS COMMAND...: kills the command, then ends the work with a second run of it.
kill_after() {
    local delay=$1 process state
    shift
    setsid "$@" &
    process=$!
    sleep "$(printf '%d.%06d' $((delay / 1000000)) $((delay % 1000000)))"
    kill -KILL -- -$process 2>/dev/null || kill -KILL $process 2>/dev/null
    wait $process 2>/dev/null && process=''
    # The system call that was begun has the lock until its end.
    flock /run/gpu-sim/modules.lock true
    state=$(loaded)
    [ -z "$process" ] || printf 'killed: %s\n' "$state"
    if [ -e "$states/$state" ]; then
        diff "$states/$state" <(snapshot) | sed -n "s/^[<>]/wrong after '$*': &/p"
    else
        echo "wrong after '$*': only $state is loaded"
    fi
    "$@" || echo "wrong: '$*' fails after a kill"
}

record_states
measure "${load[@]}"
load_took=$took
measure "${unload[@]}"
unload_took=$took
for ((kill = 0; kill < count; kill++)); do
    kill_after $((kill * load_took / count)) "${load[@]}"
    kill_after $((kill * unload_took / count)) "${unload[@]}"
done 2>&1

# Runs the machines of a scenario, and prints its result. scripts/vm-node sources this file after build.sh, and sets
# `hardware`, `seed` and the other options of its command line.
# shellcheck shell=bash disable=SC2034,SC2154

# setting NAME VARIABLE: prints the value of a variable that the scenario sets outside of its functions.
setting() { bash -c '. "$1"; printf "%s" "${!2:-}"' bash "$vm/scenarios/$1" "$2"; }

# machine_options DIRECTORY: sets `machine` to the command line of QEMU for the disk and the payload in this directory.
# The firmware shows the vendor and the product of the scenario's machine.
machine_options() {
    local key value system='' board='' chassis='' append
    while IFS='=' read -r key value; do
        value=${value//,/,,}
        case $key in
        sys_vendor) system+=",manufacturer=$value" ;;
        product_name) system+=",product=$value" ;;
        product_version) system+=",version=$value" ;;
        board_vendor) board+=",manufacturer=$value" ;;
        board_name) board+=",product=$value" ;;
        chassis_vendor) chassis+=",manufacturer=$value" ;;
        chassis_asset_tag) chassis+=",asset=$value" ;;
        esac
    done <"$root/simulator/scenarios/$hardware/dmi"
    # A panic or an oops ends the machine (-no-reboot) without a result. With this log level, the console shows when the
    # kernel has mounted the disk. Without random addresses (norandmaps), QEMU
    # translates the code of a program once, and not for each process: a build then takes a fifth less processor time.
    append='root=/dev/nvme0n1 rw console=ttyS0 panic=-1 oops=panic loglevel=7 mitigations=off random.trust_cpu=on'
    append+=' tsc=reliable no_timer_check norandmaps systemd.unit=vm-node.service systemd.show_status=0'
    append+=' systemd.log_level=warning'
    # shellcheck disable=SC2054 # the options of QEMU contain commas
    machine=(
        qemu-system-x86_64 -M 'q35,usb=off,vmport=off' -accel 'tcg,thread=multi,tb-size=512' -cpu Nehalem -smp 2 -m 1536
        -nodefaults -no-user-config -display none -no-reboot -append "$append"
        -smbios "type=1$system" -smbios "type=2$board" -smbios "type=3$chassis"
        -drive "file=$1/disk,format=raw,if=none,id=root,cache=unsafe" -device nvme,serial=root,drive=root
        -drive "file=$1/payload,format=raw,if=none,id=payload,readonly=on" -device nvme,serial=payload,drive=payload
        -drive "file=$pod_image/disk,format=raw,if=none,id=image,readonly=on" -device nvme,serial=image,drive=image
    )
}

# boot_options KERNEL: sets `boot` to the options of QEMU for this kernel, `cloud` or `generic`.
boot_options() {
    case $1 in
    cloud) boot=(-kernel "$cloud_kernel") ;;
    generic) boot=(-kernel "$generic_kernel" -initrd "$generic_initrd") ;;
    *) die "there is no kernel '$1'" ;;
    esac
}

# prepare DIRECTORY SCENARIO-FILE [DISK]: creates the disk, by default that of a fresh host, and the payload of a run.
prepare() {
    rm -rf "$1"
    mkdir -p "$1"
    cp --sparse=always "${3:-$host_image}" "$1/disk"
    build_payload "$hardware" "$2" "$1/payload" "$seed"
    machine_options "$1"
}

# last_of KEY FILE: prints what follows the key in its last line. A line that the machine still writes does not count.
last_of() {
    local line found=''
    while IFS= read -r line; do [[ $line != "$1 "* ]] || found=${line#"$1 "}; done <"$2"
    printf '%s' "$found"
}

qemu=''
stop_machine() {
    [ -z "$qemu" ] || kill -KILL "$qemu" 2>/dev/null || true
    [ -z "$qemu" ] || wait "$qemu" 2>/dev/null || true
    qemu=''
}

# What the kernel says about an error of its own, and when it hangs.
kernel_errors='Kernel panic|BUG: |kernel BUG at|Oops: |general protection fault|WARNING: CPU'
kernel_errors+='|self-detected stall|detected (expedited )?stalls|blocked for more than'

# kernel_is_well NUMBER CONSOLE: the kernel of this boot reported no error of its own.
kernel_is_well() {
    ! grep -aqE "$kernel_errors" "$2" || { say "boot $1: the kernel failed"; return 1; }
}

# How many seconds a machine may take until it reports its boot. This limit is for a machine that hangs: a boot takes
# less than 10 seconds. All other limits are multiples of the measured boot.
boot_limit=300
# How many seconds a machine may take until its kernel has mounted the disk, which takes about two.
mount_limit=60

# is_mounted CONSOLE: the kernel has mounted the disk, itself or from its initramfs.
is_mounted() { grep -aqE 'Mounted root|EXT4-fs \(nvme0n1\): mounted' "$1" 2>/dev/null; }

# boot_once DIRECTORY NUMBER: boots the machine, and waits for its end. Fails, and says why, without a complete result.
#
# Rarely, an emulated processor hangs early in the boot of its kernel. Nothing on the disk can be the cause of a hang before
# the disk is mounted, so this boot begins again, once.
boot_once() {
    local result=$1/result-$2 console=$1/console-$2.log limit end=$((SECONDS + boot_limit)) booted='' cut
    local mounted='' mount_end=$((SECONDS + mount_limit))
    : >"$result"
    : >"$console"
    "${machine[@]}" "${boot[@]}" -serial "file:$console" -serial "file:$result" </dev/null >"$1/qemu.log" 2>&1 &
    qemu=$!
    while kill -0 "$qemu" 2>/dev/null; do
        if [ -z "$booted" ] && limit=$(last_of deadline "$result") && [ -n "$limit" ]; then
            booted=yes
            end=$((SECONDS + limit))
        fi
        if [ -z "$mounted" ] && { [ -n "$booted" ] || is_mounted "$console"; }; then mounted=yes; fi
        if [ -z "$mounted" ] && [ $SECONDS -ge $mount_end ]; then
            stop_machine
            if [ -n "${3:-}" ]; then say "boot $2: the kernel hung before it mounted the disk"; return 1; fi
            say "boot $2: the kernel hung before it mounted the disk, so the boot begins again"
            mv "$console" "$1/console-$2-hung.txt"
            boot_once "$1" "$2" again
            return
        fi
        cut=$(last_of cut "$result")
        if [ -n "$cut" ]; then
            sleep "$((cut / 1000)).$(printf '%03d' $((cut % 1000)))"
            kill -0 "$qemu" 2>/dev/null || { say "boot $2: the machine ended before it lost its power"; return 1; }
            stop_machine
            say "boot $2: lost its power after $cut ms"
            kernel_is_well "$2" "$console" || return 1
            echo 'end reboot' >>"$result"
            return 0
        fi
        if [ $SECONDS -ge $end ]; then
            stop_machine
            say "boot $2: the deadline passed"
            return 1
        fi
        sleep 0.2
    done
    wait "$qemu" || { say "boot $2: QEMU failed: $(cat "$1/qemu.log")"; qemu=''; return 1; }
    qemu=''
    kernel_is_well "$2" "$console" || return 1
    [ -n "$(last_of end "$result")" ] || { say "boot $2: the machine ended without a result"; return 1; }
}

# installed_disk: sets `disk` to the disk of a host with this hardware on which the agent under test has installed the
# driver. Many scenarios need such a host, and the install takes longer than all else.
installed_disk() {
    local directory=$built/runs/installed boot=() key started=$SECONDS
    key=$({
        printf '%s\n' "$host_image" "$bus" "$pod_image"
        declare -f build_payload driver_packages compile_drivers cluster_files
        checksum_of "$built/gpu-sim" "$vm"/{installed,guest} simulator/{bin,driver,lib,package} daemonset/base \
            "simulator/scenarios/$hardware"
        declare -f machine_options boot_options
    } | checksum)
    disk=$built/installed-$hardware-$key
    [ ! -e "$disk" ] || return 0
    say "building: the disk with an installed driver, for $hardware"
    rm -f "$built/installed-$hardware-"*
    prepare "$directory" "$vm/installed"
    boot_options cloud
    boot_once "$directory" 1 && ! grep '^fail ' "$directory/result-1" && mv "$directory/disk" "$disk" || return
    say "built: the disk with an installed driver ($((SECONDS - started)) s)"
}

# phases DIRECTORY: prints how many seconds passed between each check and the one before, from the times on the consoles.
phases() {
    local console
    for console in "$1"/console-*.log; do
        tr -d '\r' <"$console" | sed -nE 's/^.*== \[([0-9.]+)\] (.*)/\1 \2/p' |
            awk '{ time = $1; sub(/^[^ ]+ /, ""); printf "      %6.1f s  %s\n", time - last, $0; last = time }'
    done
}

# used_seconds: prints how much processor time the programs took that have ended. Unlike the elapsed time, it hardly
# depends on what else the computer does.
used_seconds() { awk -v ticks="$(getconf CLK_TCK)" '{ print int(($16 + $17) / ticks) }' /proc/$$/stat; }

# run_scenario NAME: runs all boots of a scenario. Prints its checks that failed. A scenario that is expected to fail
# must fail in a check: a machine that ends without a result is a failure of every scenario.
run_scenario() {
    local name=$1 directory=$built/runs/$1 started boot=() hardware=$hardware own
    local number=0 outcome=ok random='' failed passed end next expected used disk='' word=failed kept_at=$directory
    own=$(setting "$name" hardware)
    hardware=${own:-$hardware}
    expected=$(setting "$name" expected_to_fail)
    next=$(setting "$name" first_kernel)
    if [ "$(setting "$name" disk)" = installed ] && ! installed_disk; then
        printf 'FAIL  %-18s the install failed; see %s\n' "$name" "$built/runs/installed"
        return 1
    fi
    compiler_cache "$hardware"
    started=$SECONDS
    used=$(used_seconds)
    prepare "$directory" "$vm/scenarios/$name" "$disk"
    while :; do
        number=$((number + 1))
        boot_options "${next:-cloud}"
        boot_once "$directory" $number || { outcome=FAIL; break; }
        end=$(last_of end "$directory/result-$number")
        [ "${end%% *}" = reboot ] || break
        [ "$end" = reboot ] || next=${end#* }
    done
    failed=$(cat "$directory"/result-* | grep -c '^fail ' || true)
    passed=$(cat "$directory"/result-* | grep -c '^pass ' || true)
    if [ $outcome != ok ]; then
        :
    elif [ "$failed" -gt 0 ]; then
        outcome=${expected:+xfail}
    elif ! grep -q '^pass ' "$directory/result-$number" || [ -n "$expected" ]; then
        outcome=FAIL
    fi
    ! grep -q '^cut ' "$directory"/result-* || random=", seed: $seed"
    printf '%-5s %-18s %s checks, boots: %s, boot: %s s, %s s, CPU: %s s%s\n' "${outcome:=FAIL}" "$name" \
        $((passed + failed)) $number "$(sed -n 's/^boot 1 //p' "$directory/result-1")" $((SECONDS - started)) \
        $(($(used_seconds) - used)) "$random"
    [ -z "$expected" ] || printf '      expected to fail: %s\n' "$expected"
    [ -z "$expected" ] || [ "$failed" != 0 ] || printf '      but it passed: remove the mark expected_to_fail\n'
    [ "$outcome" != xfail ] || word='failed as expected'
    cat "$directory"/result-* | sed -n "s/^fail /      $word: /p; s/^xfail /      failed as expected: /p; s/^info /      info: /p"
    [ -z "$show_phases" ] || phases "$directory"
    if [ "$outcome" = FAIL ]; then
        # The next run of the scenario removes the directory.
        [ "$times" = 1 ] || kept_at=$directory-$seed
        printf '      see %s\n' "$kept_at"
        tail -n 25 "$directory/console-$number.log" | tr -d '\r' | sed 's/^/    | /'
    fi
    [ -n "$keep_disk" ] || rm -f "$directory/disk"
    rm -f "$directory/payload"
    [ "$kept_at" = "$directory" ] || { rm -rf "$kept_at" && mv "$directory" "$kept_at"; }
    [ "$outcome" != FAIL ]
}

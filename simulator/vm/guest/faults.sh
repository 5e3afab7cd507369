# Words for the scenarios in which something goes wrong, or changes from outside. Sourced by guest/main, after
# guest/lib.sh; docs/testing.md explains them.
# shellcheck shell=bash disable=SC2154

fails() { ! "$@"; }

# lose_power UNITS: the machine loses its power at a random moment within that many units of the deadlines. Returns
# immediately. The scenario goes on with the next boot_N.
lose_power() {
    RANDOM=$(cat seed)
    report "cut $(((RANDOM << 15 | RANDOM) % ($1 * unit_seconds * 1000)))"
}

# report_cut: prints with the result where the journal ends after a power cut.
report_cut() {
    report "info the journal ends with: $(jq -r '(.uninstall.step // .steps[-1]) | "\(.step // .id) \(.state)"' \
        /var/lib/gpu-agent/journal.json 2>/dev/null || echo nothing)"
}

lose_power_now() {
    report 'cut 0'
    sleep infinity
}

# configure LINE: adds a line to the configuration of the agent. It counts for the next command.
configure() { printf '%s\n' "$1" >>configmap/config.yaml; }

# has_finding CODE STATE
has_finding() { pod gpu-agent status --fresh -o json | tr -d '\n' | grep "\"code\" *: *\"$1\"[^{}]*\"state\" *: *\"$2\"" >/dev/null; }

loaded_version() { cat /sys/module/nvidia/version; }
journal_says_installed() { grep -qE '"state" *: *"installed"' /var/lib/gpu-agent/journal.json; }
dkms_compiles() { pgrep -f 'dkms build' >/dev/null && pgrep -x cc1 >/dev/null; }
# When the last run of the installer began.
installer_began() { grep 'creation time' /var/log/gpu-agent/nvidia-installer.log; }
# installer_ran_once TIME: no run of the installer began after the one that began then.
installer_ran_once() { [ "${1:-none}" = "$(installer_began)" ]; }
# has_unit: the install runs in a transient unit of the host.
has_unit() { systemctl is-active --quiet 'gpu-agent-install-*.scope'; }
lacks_unit() { [ -z "$(systemctl list-units --all --plain --no-legend 'gpu-agent-*')" ]; }
# Changes the expected labels: the other driver has another version, and another version of CUDA.
labels_of_580() {
    sed -i -E 's/595\.91\.07/580.105.08/; s/=595$/=580/; s/(driver-version\.minor)=.*/\1=105/
        s/(driver-version\.revision)=.*/\1=08/; s/(runtime-version\.(full=13\.|minor=))2$/\10/' hardware/labels
}
# same_driver_files BEFORE: the files of the driver are those in the list.
same_driver_files() {
    local parts='^/(usr/(lib|src|bin)|var/lib/(dkms|nvidia))/'
    list_files /run/vm-node/now
    diff <(grep -E "$parts" "$1") <(grep -E "$parts" /run/vm-node/now)
}
nothing_was_installed() { same_driver_files "$1" && [ ! -s requests.log ]; }

# check_refused CODE: the node is not ready for this reason, and an install fails and leaves the host as it is.
check_refused() {
    check "the verdict is not-ready, because of $1" has_status not-ready "$1"
    check 'the agent wants the startup taint' wants_node not-ready present
    list_files /run/vm-node/refused
    check 'the install fails' fails install_driver
    check 'it changed nothing on the host' no_changes /run/vm-node/refused
}

# The checks of a host on which an install was interrupted and then completed.
check_complete() {
    check 'no file of the build is left' [ ! -e /var/lib/gpu-agent/work ]
    check 'no package is left, apart from that of the driver' only_own_package
    check 'every file of the driver is whole' no_torn_files
    check 'DKMS has one driver, and it is installed' one_dkms_driver
    check 'the installer finds all of its files' nvidia-installer --sanity --silent
    check 'nvidia-smi works' nvidia-smi -L
}

# check_recovery BEFORE: the checks after an install that lost its power. The file lists the host before that install.
check_recovery() {
    check 'an install succeeds, the third one at the latest' installs_at_last
    check_ready
    check_complete
    check 'nothing else changed on the host' only_expected_changes "$1"
}

installs_at_last() {
    local try
    for try in 1 2 3; do
        if install_driver; then
            report "info installs after the power cut: $try"
            return
        fi
    done
    false
}

# The agent keeps the package of the installed driver when there is room on the disk.
only_own_package() {
    [ -z "$(find /var/lib/gpu-agent/packages -mindepth 1 ! -name "*-$(loaded_version)*.run")" ]
}

has_empty_module() { find /usr/lib/modules/*/updates -name '*.ko' -size 0 | grep . >/dev/null; }

# A file whose data was not on the disk when the power failed is empty.
no_torn_files() {
    local torn
    torn=$(find /usr/lib/modules/*/updates /usr/src/nvidia-* /usr/bin/nvidia-* /var/lib/{dkms,nvidia} \
        /usr/lib/x86_64-linux-gnu/lib{nvidia,cuda}* -type f \( -size 0 -o -name '*.new' \))
    [ -z "$torn" ] || { printf 'torn: %s\n' "${torn//$'\n'/ }"; return 1; }
}

one_dkms_driver() {
    local status
    status=$(dkms status)
    printf '%s\n' "$status"
    [ "$(grep -c . <<<"$status")" = 1 ] && [[ $status = "nvidia/$(loaded_version), $(uname -r),"*": installed"* ]]
}

runs_generic() { [[ $(uname -r) != *-cloud-* ]]; }
# The release of the kernel that does not run.
other_kernel() { find /lib/modules -mindepth 1 -maxdepth 1 -printf '%f\n' | grep -vxF "$(uname -r)"; }

# install_kernel RELEASE: runs what the packages of a kernel run on the host when they are installed.
install_kernel() {
    DEB_MAINT_PARAMS=configure run-parts --exit-on-error --arg="$1" /etc/kernel/header_postinst.d
}

# installer_fails STAGE: the installer of driver 580 fails from here on: at `build` before it removes the old driver, at
# `files` after that. Without a stage, it works.
installer_fails() { echo "installer-fails=${1:+$1 580.105.08}" >>/etc/gpu-sim/host; }

# reports_both: an install fails, and says that the agent went back to the old driver.
reports_both() {
    local output
    output=$(pod gpu-agent install 2>&1) && return 1
    [[ $output = *installer-failed:* && $output = *'driver-rolled-back: The agent went back to driver 595.91.07'* ]] ||
        { printf '%s\n' "$output"; false; }
}

check_went_back() {
    check 'the old driver is loaded' [ "$(loaded_version)" = 595.91.07 ]
    check_ready
    check 'the status says that the new driver failed' has_finding driver-rolled-back notice
    check 'the agent would not try it again' has_no_steps
    check_complete
}

has_no_steps() { pod gpu-agent plan -o json | tr -d ' \n' | grep '"steps":\[\]' >/dev/null; }

has_nothing_to_uninstall() { pod gpu-agent uninstall | grep '^nothing to uninstall: ' >/dev/null; }

check_uninstalled() {
    check 'no kernel module of the driver is loaded' [ -z "$(find /sys/module -maxdepth 1 -name 'nvidia*')" ]
    check 'no device node of the driver is left' [ -z "$(find /dev -maxdepth 1 -name 'nvidia*')" ]
    check 'the verdict is not-ready, because of the uninstall' has_status not-ready driver-uninstalled
}

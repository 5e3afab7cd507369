package import NodeModel

/// tdnf of Azure Linux 3 and of its predecessor.
///
/// On Azure Linux 4, `tdnf` is dnf.
package struct Tdnf: PackageInstaller {
    package init() {}

    package var program: String { "tdnf" }
    /// Here gcc does not depend on the packages without which it compiles nothing.
    package var compiler: [String] { ["gcc", "binutils", "glibc-devel", "kernel-headers"] }

    package func isUsed(on system: OSRelease) -> Bool {
        system.id == "mariner" || system.id == "azurelinux" && (system.majorVersion ?? 0) < 4
    }

    package func headers(of kernel: String, on system: OSRelease) -> String { "kernel-devel-\(kernel)" }

    package var downloads: String { HostLayout.packages }

    package var functions: String { [RPMFunctions.script, Self.script].joined(separator: "\n\n") }

    private static let script = #"""
        program=tdnf
        locks='/run/.tdnf-instance-lockfile /var/lib/rpm/.rpm.lock /usr/lib/sysimage/rpm/.rpm.lock'
        pid_files=
        lock_message='waiting for tdnf_instance lock|failed to acquire lock on'
        is_kernel() { case $1 in kernel | kernel-hwe | kernel-64k | kernel-mshv) ;; *) false ;; esac; }

        # tdnf waits for its lock without end. So only one that was ended met the lock, and its message may be lost.
        met_lock() {
            case $status in
            124 | 137) [ -n "$gave_up" ] || grep -qE "$lock_message" "$work/output" || holder >/dev/null ;;
            *) false ;;
            esac
        }
        # tdnf buffers its table and not its errors. In one file, an error would cut through a row of the table.
        apart() {
            "$@" 2>"$work/errors"
            ended=$?
            cat "$work/errors"
            return "$ended"
        }
        # Whether this process only waits for a lock. Either the kernel lists it as a waiter, or it still says every second
        # that it tries again, while another process has the lock.
        only_waits() {
            before=$heard heard=$said said=$(grep -cE "$lock_message" "$work/errors")
            for file in $locks; do
                inode=$(stat -L -c %i "$file" 2>/dev/null) || continue
                ! grep -qE "^[0-9]+: +-> .* $1 [0-9a-f]+:[0-9a-f]+:$inode " /proc/locks || return 0
            done
            [ "$said" -gt "$before" ] && who=$(holder) || return 1
            case $who in "process $1 "*) false ;; esac
        }
        # Ends a program that has only waited for ten seconds: it has changed nothing yet. One that installs is not ended.
        gave_up=
        patiently() {
            gave_up='' waited=0 heard=0 said=0
            "$@" &
            child=$!
            while [ -e "/proc/$child/exe" ] && [ "$waited" -lt 10 ]; do
                sleep 1
                if only_waits "$child"; then waited=$((waited + 1)); else waited=0; fi
            done
            [ "$waited" -lt 10 ] || kill "$child" 2>/dev/null
            # rpm puts the signal off until the end of a transaction that has begun in this moment.
            wait "$child" 2>/dev/null
            ended=$?
            [ "$waited" -lt 10 ] || [ "$ended" = 0 ] || gave_up=1 ended=124
            return "$ended"
        }

        is_installed() { rpm -q --quiet "$1" 2>/dev/null; }
        is_there() { is_installed "$1"; }
        # Headers have their version in the record, and other packages only their name.
        name_of() { case $1 in kernel*-devel-[0-9]*) echo "${1%-*-*}" ;; *) echo "$1" ;; esac; }
        # tdnf does not change a package whose name is in a file of this directory. Such a lock of a compiler would keep
        # the libraries of the compiler back, so only the headers are held, and what must have exactly the version of the
        # driver.
        held=/etc/tdnf/locks.d/gpu-agent.conf
        holds() {
            case $1 in
            "$headers") ;;
            nvidia-*) [ -n "${GPU_AGENT_PINS:-}" ] || return ;;
            *) return 1 ;;
            esac
            ! grep -qsxF "$(name_of "$1")" /etc/tdnf/locks.d/*.conf
        }
        hold() {
            ! grep -qsxF "$(name_of "$1")" "$held" || return 0
            mkdir -p "${held%/*}" && { cat "$held" 2>/dev/null; name_of "$1"; } >"$held.new" &&
                mv "$held.new" "$held" || fail 80 "The agent cannot write $held."
        }
        release() {
            rm -f "$held.new"
            [ -e "$held" ] || return 0
            grep -vxF "$(name_of "$1")" "$held" >"$held.new"
            if [ -s "$held.new" ]; then
                mv "$held.new" "$held"
            else
                rm -f "$held" "$held.new"
                rpm -qf "${held%/*}" >/dev/null 2>&1 || rmdir "${held%/*}" 2>/dev/null
            fi
        }
        is_headers() { [ "${1%-*-*}" = "${headers%-*-*}" ]; }
        # A lock is for all versions of a package.
        hides() { is_headers "$1"; }
        is_used() { false; }
        heal() { :; }
        # On a node without a network, the packages of this directory are the only ones. tdnf reads locks and the like from
        # the directory of its configuration, so those of the host come along.
        sources=
        use_bundle() {
            for directory in locks.d minversions.d; do
                [ ! -d "/etc/tdnf/$directory" ] || cp -R "/etc/tdnf/$directory" "$work" ||
                    fail 80 "The agent cannot copy /etc/tdnf/$directory."
            done
            {
                printf '%s\n' '[main]' "repodir=$1" "cachedir=$work/cache" gpgcheck=0
                grep -E '^(installonlypkgs|installonly_limit|excludepkgs|clean_requirements_on_remove)[ =]' \
                    /etc/tdnf/tdnf.conf 2>/dev/null
            } >"$work/tdnf.conf"
            sources="-c $work/tdnf.conf"
        }

        # The packages, those with a version in GPU_AGENT_PINS as NAME=VERSION.
        pinned() {
            for package; do
                for pin in ${GPU_AGENT_PINS:-}; do
                    case $pin in "$package="*) package=$pin ;; esac
                done
                echo "$package"
            done
        }

        # What is downloaded ahead is in a directory of the agent, which the next install empties. tdnf has verified the files,
        # and installs them with no repository at all. The last file says for which packages they are.
        downloads=${record%/*}/packages/${record##*/}
        complete=$downloads/complete
        is_downloaded() {
            [ -n "${GPU_AGENT_DOWNLOADED:-}" ] && [ "$(cat "$complete" 2>/dev/null)" = "$(pinned $wanted)" ]
        }
        targets() { if is_downloaded; then echo "$downloads"/*.rpm; else pinned $wanted; fi; }
        open_downloads() {
            mkdir -p "$work/repos.d"
            use_bundle "$work/repos.d"
            sources="$sources --nogpgcheck"
        }
        download() {
            rm -rf "$downloads" && mkdir -p -m 700 "$downloads" || fail 80 "The agent cannot write $downloads."
            locked apart tdnf $sources -y --downloadonly --downloaddir="$downloads" install $(pinned $wanted) || return
            ls "$downloads"/*.rpm >/dev/null 2>&1 || fail 80 "tdnf downloaded nothing: $(complaint)"
            pinned $wanted >"$complete" && sync "$downloads"/* || fail 80 "The agent cannot write $downloads."
        }

        # tdnf leaves out a repository that does not answer, removes its index, and exits with 0.
        refresh() {
            open_bundle
            locked apart limited $refresh_limit tdnf $sources --refresh makecache || return
            ! grep -qE '^(Disabling Repo:|Error: Failed to synchronize)' "$work/output"
        }

        # Whether this agent installed other headers of this name. tdnf cannot have two versions of them, and a kernel that does
        # not run any more needs none.
        replaces_own() {
            [ -z "${GPU_AGENT_AHEAD:-}" ] && [ "$(exact "$1")" != "$1" ] && noted add | grep -q "^$1-[0-9]"
        }

        # A heading, a row for each package (its name, architecture and version), and an empty line.
        preview() {
            if is_downloaded; then open_downloads; fi
            quietly apart limited 10 tdnf $sources --assumeno install $(targets)
            absent=$(sed -n 's/^\([^ ]*\) package not found or not installed.*/\1/p' "$work/output")
            section=
            while read -r name architecture _; do
                case $name/$architecture in
                Installing:/) section=add ;;
                Upgrading:/ | Downgrading:/ | Reinstalling:/) section=upgrade ;;
                Removing:/ | Obsoleting:/) section=remove ;;
                /) section= ;;
                */x86_64 | */aarch64 | */noarch)
                    case $section in
                    add) added="$added $(exact "$name")" ;;
                    upgrade)
                        if replaces_own "$name"; then
                            added="$added $(exact "$name")"
                        else
                            upgraded="$upgraded $name"
                        fi
                        ;;
                    remove) removed="$removed $name" ;;
                    esac
                    ;;
                esac
            done <"$work/output"
            [ -n "$absent$added$upgraded$removed" ] || fail 80 "tdnf cannot install $(listed $wanted): $(complaint)"
        }

        transact() {
            locked apart patiently tdnf $sources -y install $(targets)
            result=$?
            # After a failure, the next attempt downloads again.
            rm -rf "$downloads"
            return "$result"
        }
        """#
}

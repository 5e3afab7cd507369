package import NodeModel

/// tdnf of Azure Linux.
package struct Tdnf: PackageInstaller {
    package init() {}

    package var program: String { "tdnf" }
    /// Here gcc does not depend on the packages without which it compiles nothing.
    package var compiler: [String] { ["gcc", "binutils", "glibc-devel", "kernel-headers"] }

    package func isUsed(on system: OSRelease) -> Bool { ["azurelinux", "mariner"].contains(system.id) }

    package func headers(of kernel: String, on system: OSRelease) -> String { "kernel-devel-\(kernel)" }

    package var functions: String { [RPMFunctions.script, Self.script].joined(separator: "\n\n") }

    private static let script = #"""
        program=tdnf
        locks='/run/.tdnf-instance-lockfile /var/lib/rpm/.rpm.lock /usr/lib/sysimage/rpm/.rpm.lock'
        pid_files=
        lock_message='tdnf_instance lock|transaction lock'
        is_kernel() { case $1 in kernel | kernel-hwe | kernel-64k | kernel-mshv) ;; *) false ;; esac; }

        is_installed() { rpm -q --quiet "$1" 2>/dev/null; }
        is_there() { is_installed "$1"; }
        # tdnf does not change a package whose name is in a file of this directory. Such a lock of a compiler would keep
        # the libraries of the compiler back, so only the headers are held.
        held=/etc/tdnf/locks.d/gpu-agent.conf
        holds() { [ "$1" = "$headers" ] && ! grep -qsxF "${1%-*-*}" /etc/tdnf/locks.d/*.conf; }
        hold() {
            ! grep -qsxF "${1%-*-*}" "$held" || return 0
            mkdir -p "${held%/*}" && { cat "$held" 2>/dev/null; echo "${1%-*-*}"; } >"$held.new" &&
                mv "$held.new" "$held" || fail 80 "The agent cannot write $held."
        }
        release() {
            [ -e "$held" ] || return 0
            grep -vxF "${1%-*-*}" "$held" >"$held.new"
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
        # On a node without a network, the packages of this directory are the only ones.
        sources=
        use_bundle() {
            printf '%s\n' '[main]' "repodir=$1" "cachedir=$work/cache" gpgcheck=0 >"$work/tdnf.conf"
            sources="-c $work/tdnf.conf"
        }
        refresh() {
            open_bundle
            locked limited $refresh_limit tdnf $sources --refresh makecache
        }

        # A heading, a line for each package that begins with its name, and an empty line.
        preview() {
            quietly limited 10 tdnf $sources --assumeno install $wanted
            absent=$(sed -n 's/^\([^ ]*\) package not found or not installed.*/\1/p' "$work/output")
            section=
            while IFS= read -r line; do
                case $line in
                Installing:) section=add ;;
                Upgrading: | Downgrading: | Reinstalling:) section=upgrade ;;
                Removing: | Obsoleting:) section=remove ;;
                '' | *:*) section= ;;
                *)
                    case $section in
                    add) added="$added $(exact "${line%% *}")" ;;
                    upgrade) upgraded="$upgraded ${line%% *}" ;;
                    remove) removed="$removed ${line%% *}" ;;
                    esac
                    ;;
                esac
            done <"$work/output"
            [ -n "$absent$added" ] || fail 80 "tdnf cannot install $(listed $wanted): $(complaint)"
        }

        transact() { locked tdnf $sources -y install $wanted; }
        """#
}

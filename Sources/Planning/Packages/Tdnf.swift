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

    package var downloadsAhead: Bool { false }

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
            124 | 137) grep -qE "$lock_message" "$work/output" || holder >/dev/null ;;
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
            rm -f "$held.new"
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
            quietly apart limited 10 tdnf $sources --assumeno install $wanted
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

        transact() { locked apart tdnf $sources -y install $wanted; }
        """#
}

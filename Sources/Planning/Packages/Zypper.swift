package import NodeModel

/// zypper of SUSE Linux Enterprise Server and openSUSE.
package struct Zypper: PackageInstaller {
    package init() {}

    package var program: String { "zypper" }
    package var compiler: [String] { ["gcc"] }

    package func isUsed(on system: OSRelease) -> Bool {
        ["sles", "sled", "opensuse-leap", "opensuse-tumbleweed"].contains(system.id)
    }

    /// The package with the headers of exactly this kernel, such as `kernel-default-devel=6.4.0-150600.23.25`.
    ///
    /// The release of the kernel ends with its variant. The version of the package has one more number, so the script
    /// takes the package whose version begins with this one.
    package func headers(of kernel: String, on system: OSRelease) -> String {
        guard let dash = kernel.lastIndex(of: "-") else { return "kernel-default-devel=\(kernel)" }
        return "kernel-\(kernel[kernel.index(after: dash)...])-devel=\(kernel[..<dash])"
    }

    package func defaultCompiler(of system: OSRelease) -> Int? {
        system.versionID?.hasPrefix("15") == true ? 7 : nil
    }

    package func compiler(_ major: Int, on system: OSRelease) -> NamedCompiler? {
        NamedCompiler(package: "gcc\(major)", program: "gcc-\(major)")
    }

    package var functions: String { [RPMFunctions.script, Self.script].joined(separator: "\n\n") }

    private static let script = #"""
        program=zypper
        locks='/var/lib/rpm/.rpm.lock /usr/lib/sysimage/rpm/.rpm.lock'
        pid_files='/run/zypp.pid'
        lock_message='System management is locked by'
        is_kernel() { case $1 in kernel-default | kernel-azure | kernel-rt | kernel-64kb) ;; *) false ;; esac; }

        # On a node without a network, the packages of this directory are the only ones.
        sources='' cache=/var/cache/zypp
        use_bundle() { cache=$work/cache sources="--no-gpg-checks --reposd-dir $1 --cache-dir $work/cache"; }

        zypp() { zypper --non-interactive $sources --no-refresh "$@"; }

        # The installed package of a name, or of NAME=VERSION. The kernel's release lacks the last part of the version,
        # which counts the builds of the package.
        package_of() {
            rpm -q --quiet "${1%%=*}" 2>/dev/null &&
                rpm -q --queryformat '%{NAME}-%{VERSION}-%{RELEASE}\n' "${1%%=*}" 2>/dev/null | of_version "$1"
        }
        of_version() {
            case $1 in *=*) ;; *) sed -n 1p; return ;; esac
            while read -r found; do
                case $found in *"${1#*=}" | *"${1#*=}".[0-9]*) echo "$found"; return ;; esac
            done
        }
        is_installed() { [ -n "$(package_of "$1")" ]; }
        is_there() { rpm -q --quiet "$1" 2>/dev/null; }
        # A compiler that stays behind is a conflict for "zypper patch", so only the headers are held, and what must have
        # exactly the version of the driver.
        holds() {
            case $1 in
            "$headers") true ;;
            nvidia-*) [ -n "${GPU_AGENT_PINS:-}" ] && ! is_locked "$1 " ;;
            *) false ;;
            esac
        }
        is_locked() { zypp locks 2>/dev/null | grep -qF "| $1"; }
        is_headers() { [ "${1%%=*}" = "${headers%%=*}" ]; }
        # A lock is for one version.
        hides() { false; }
        is_used() { false; }
        heal() { :; }
        refresh() {
            open_bundle
            locked limited $refresh_limit zypper --non-interactive $sources refresh
        }

        # zypper asks a repository without an index on the host, also with --no-refresh. So it uses the others when there
        # is such a repository.
        repositories=
        choose_repositories() {
            indexed='' lacks_index=
            quietly zypp --xmlout repos
            for alias in $(sed -n 's/^<repo alias="\([^" ]*\)".* enabled="1".*/\1/p' "$work/output"); do
                if [ -e "$cache/solv/$alias/solv" ]; then
                    indexed="$indexed --repo $alias"
                else
                    lacks_index=1
                fi
            done
            repositories=${lacks_index:+$indexed}
        }

        # A package with its version in GPU_AGENT_PINS as NAME=VERSION.
        pinned() {
            for pin in ${GPU_AGENT_PINS:-}; do
                case $pin in "$1="*) echo "$pin"; return ;; esac
            done
            echo "$1"
        }

        # The version of a driver must be exactly this one. That of a file in a bundle has no epoch.
        offered() {
            case " ${GPU_AGENT_PINS:-} " in
            *" $1 "*)
                while read -r found; do
                    case $found in "${1#*=}" | [0-9]*:"${1#*=}") echo "$found"; return ;; esac
                done
                ;;
            *) of_version "$1" ;;
            esac
        }

        preview() {
            choose_repositories
            if [ -n "$lacks_index" ] && [ -z "$repositories" ]; then
                absent=$wanted
                return
            fi
            chosen=
            for package in $wanted; do
                package=$(pinned "$package")
                quietly zypp --quiet search $repositories --details --type package --match-exact \
                    --not-installed-only "${package%%=*}"
                found=$(sed -n "s/^[^|]*| *${package%%=*} *| *package *| *\([^ |]*\) .*/\1/p" "$work/output" |
                    offered "$package")
                case $found in
                '') absent="$absent $package" ;;
                *)
                    case $package in
                    *=*) chosen="$chosen ${package%%=*}=$found" ;;
                    *) chosen="$chosen $package" ;;
                    esac
                    ;;
                esac
            done
            [ -z "$absent" ] || return 0
            quietly zypp --xmlout install $repositories --dry-run --no-recommends $chosen ||
                fail 80 "zypper cannot install $(listed $wanted): $(complaint)"
            section=
            while IFS= read -r line; do
                case $line in
                '<to-'*) section=${line%>} section=${section#<to-} ;;
                '<solvable type="package" '*)
                    name=${line#*name=\"} name=${name%%\"*}
                    edition=${line#*edition=\"} edition=${edition%%\"*}
                    case $section in
                    install)
                        case $name in
                        kernel-*devel) added="$added $name-$edition" ;;
                        *) added="$added $name" ;;
                        esac
                        ;;
                    remove) removed="$removed $name" ;;
                    *) upgraded="$upgraded $name" ;;
                    esac
                    ;;
                esac
            done <"$work/output"
            [ -n "$added" ] || fail 80 "zypper cannot install $(listed $wanted): $(complaint)"
        }

        download() { locked zypp install $repositories --no-recommends --download-only $chosen; }
        transact() { locked zypp install $repositories --no-recommends $chosen; }
        entry() { package=$(package_of "$1"); echo "${1%%=*}=${package#"${1%%=*}-"}"; }
        locks_file() { echo /etc/zypp/locks; }
        hold() {
            entry=$(entry "$1")
            is_locked "${entry%%=*} == ${entry#*=} " || locked zypp addlock "$entry" ||
                fail 80 "zypper cannot hold $1: $(complaint)"
        }
        # The record has the version of headers. Of other packages, the agent locks only one that had no lock.
        release() {
            zypp locks 2>/dev/null | sed -n 's/^[0-9]* *| *\([^ ]*\) == \([^ ]*\) .*/\1=\2/p' | while read -r entry; do
                case $1 in *=*) name=$1 ;; *) name=$1=${entry#*=} ;; esac
                case $entry in "$name" | "$name".[0-9]*) locked zypp removelock "$entry" ;; esac
            done
        }
        """#
}

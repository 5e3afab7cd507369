package import NodeModel

/// apt-get of Debian and Ubuntu.
package struct AptGet: PackageInstaller {
    package init() {}

    package var program: String { "apt-get" }
    package var compiler: [String] { ["gcc"] }

    package func isUsed(on system: OSRelease) -> Bool { ["debian", "ubuntu"].contains(system.id) }

    package func headers(of kernel: String, on system: OSRelease) -> String { "linux-headers-\(kernel)" }

    package func defaultCompiler(of system: OSRelease) -> Int? {
        Self.defaults["\(system.id) \(system.versionID ?? "")"]
    }

    package func compiler(_ major: Int, on system: OSRelease) -> NamedCompiler? {
        NamedCompiler(package: "gcc-\(major)", program: "gcc-\(major)")
    }

    /// The versions on which the package `gcc` depends.
    private static let defaults = [
        "ubuntu 22.04": 11, "ubuntu 24.04": 13, "ubuntu 26.04": 15, "debian 12": 12, "debian 13": 14,
    ]

    package var keepsFiles: Bool { true }
    package var functions: String { Self.script }

    private static let script = #"""
        export DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 APT_LISTCHANGES_FRONTEND=none
        # needrestart of Ubuntu would restart services of the node.
        export NEEDRESTART_SUSPEND=1 NEEDRESTART_MODE=l
        program=apt-get
        locks='/var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock /var/cache/apt/archives/lock'
        pid_files=
        lock_message='Could not get lock|Unable to lock|Unable to acquire|is locked by another process'
        is_kernel() { case $1 in linux-image-*) ;; *) false ;; esac; }

        state() { dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | sed -n 1p; }
        is_installed() { [ "$(state "$1")" = installed ]; }
        is_there() { case $(state "$1") in '' | not-installed) false ;; esac; }
        is_held() { [ "$(dpkg-query -W -f '${db:Status-Want}\n' "$1" 2>/dev/null | sed -n 1p)" = hold ]; }
        holds() { ! is_held "$1"; }
        held_by_others() { is_held "$1" && ! noted hold | grep -qxF "$1"; }
        is_headers() { case $1 in linux-headers-*) ;; *) false ;; esac; }
        # The name of each package has the release of its kernel.
        hides() { false; }

        # Completes what an interrupted dpkg left, once.
        heal() {
            [ -n "$(ls /var/lib/dpkg/updates 2>/dev/null)" ] || [ -n "$(dpkg --audit 2>/dev/null)" ] || return 0
            echo 'dpkg was interrupted: running dpkg --configure -a'
            locked timeout 600 dpkg --force-confdef --force-confold --configure -a ||
                echo "dpkg --configure -a failed: $(complaint)"
            # apt-get takes a package whose unpacking was interrupted for an installed one. What the agent began comes again.
            for package in $(noted add); do
                [ "$(state "$package")" = half-installed ] || continue
                locked dpkg --force-remove-reinstreq --purge "$package" ||
                    echo "dpkg --purge $package failed: $(complaint)"
            done
        }

        # On a node without a network, the packages of this directory are the only ones, and apt has lists of its own.
        sources=
        open_bundle() {
            bundle=${GPU_AGENT_BUNDLE:-${GPU_AGENT_FILES:-}}
            [ -n "$bundle" ] && [ -z "$sources" ] || return 0
            mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/none"
            for file in "$bundle"/*.deb; do
                dpkg-deb -f "$file" >>"$work/Packages" 2>"$work/output" ||
                    fail 80 "dpkg-deb cannot read ${file##*/}: $(complaint)"
                printf '%s\n' "Filename: ./${file##*/}" "Size: $(stat -c %s "$file")" \
                    "SHA256: $(sha256sum "$file" | cut -d ' ' -f 1)" '' >>"$work/Packages"
            done
            gzip <"$work/Packages" >"$bundle/Packages.gz" || fail 80 "The agent cannot write $bundle/Packages.gz."
            echo "deb [trusted=yes] file:$bundle ./" >"$work/sources.list"
            sources="-o Dir::Etc::SourceList=$work/sources.list -o Dir::Etc::SourceParts=$work/none
                -o Dir::Etc::PreferencesParts=$work/none -o Dir::State::Lists=$work/lists
                -o Dir::Cache::Archives=$work/archives -o Dir::Cache::PkgCache= -o Dir::Cache::SrcPkgCache=
                -o APT::Sandbox::User=root"
        }

        refresh() {
            open_bundle
            locked limited $refresh_limit apt-get -q $sources -o APT::Update::Error-Mode=any -o Acquire::Retries=1 \
                -o Acquire::http::Timeout=15 -o Acquire::https::Timeout=15 update
        }

        has_index() { ls /var/lib/apt/lists | grep -q Packages; }

        # Without the last option, apt-get also upgrades the packages that have their source in common with a new one.
        options='--no-install-recommends --no-upgrade -o APT::Get::Upgrade-By-Source-Package=false'
        only_adds=--no-remove
        if [ -n "$replaced" ]; then
            options='--no-install-recommends --purge --allow-downgrades --allow-change-held-packages
                -o APT::Get::Upgrade-By-Source-Package=false'
            only_adds=
        fi
        version_there() { dpkg-query -W -f '${Version}\n' "$1" 2>/dev/null | sed -n 1p; }

        # The packages, those with a version in GPU_AGENT_PINS as NAME=VERSION. NAME- gives way.
        asked() { pinned $wanted; for package in $gone; do echo "$package-"; done; }
        pinned() {
            for package; do
                for pin in ${GPU_AGENT_PINS:-}; do
                    case $pin in "$package="*) package=$pin ;; esac
                done
                echo "$package"
            done
        }

        apt_install() {
            apt-get -y -q $sources $options $only_adds "$@" \
                -o APT::Keep-Downloaded-Packages=false -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=10 \
                -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold -o Acquire::Retries=3 \
                -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30 install $(asked)
        }

        # Whether a repository has the version of a package; without a version, any is good.
        is_offered() {
            case $1 in *=*) ;; *) return 0 ;; esac
            apt-cache $sources madison "${1%%=*}" 2>/dev/null |
                sed -n 's/^[^|]*| *\([^ |]*\) *|.* Packages$/\1/p' | grep -qxF "${1#*=}"
        }

        preview() {
            for package in $(pinned $wanted); do
                name=${package%%=*}
                # apt-get takes a name that it does not know for a pattern, and could find another kernel's headers.
                apt-cache $sources policy "$name" >"$work/output" 2>&1
                if [ "$(sed -n 1p "$work/output")" != "$name:" ] ||
                    grep -q '^  Candidate: (none)' "$work/output" || ! is_offered "$package"; then
                    absent="$absent $package"
                fi
            done
            [ -z "$absent" ] || return 0
            apt-get -s -q $sources $options install $(asked) >"$work/output" 2>&1 ||
                fail 80 "apt-get cannot install $(listed $wanted): $(complaint)"
            added=$(sed -n 's/^Inst \([^ ]*\) (.*/\1/p' "$work/output")
            upgraded=$(sed -n 's/^Inst \([^ ]*\) \[.*/\1/p' "$work/output")
            removed=$(sed -n 's/^\(Remv\|Purg\) \([^ ]*\) .*/\2/p' "$work/output")
            chosen=$(sed -n 's/^Inst \([^ ]*\) \(\[[^]]*\] \)\{0,1\}(\([^ ]*\) .*/\1=\3/p' "$work/output")
        }

        download() {
            if [ -z "${GPU_AGENT_KEPT:-}" ]; then
                locked apt_install --download-only
                return
            fi
            prepare "$GPU_AGENT_KEPT" && files_of "$GPU_AGENT_KEPT" $chosen && seal "$GPU_AGENT_KEPT"
        }
        download_former() { files_of "$1" "$2=$3"; }
        # has_file DIRECTORY NAME VERSION
        has_file() {
            for file in "$1"/*.deb; do
                [ "$(dpkg-deb -f "$file" Package 2>/dev/null)=$(dpkg-deb -f "$file" Version 2>/dev/null)" != "$2=$3" ] ||
                    return 0
            done
            return 1
        }
        # Brings the files of packages to a directory: files_of DIRECTORY NAME=VERSION...
        files_of() {
            cd "$1" || return
            shift
            missing=
            for entry; do has_file . "${entry%%=*}" "${entry#*=}" || missing="$missing $entry"; done
            [ -z "$missing" ] || locked apt-get -q $sources -o Acquire::Retries=3 -o Acquire::http::Timeout=30 \
                -o Acquire::https::Timeout=30 download $missing
        }
        transact() { locked apt_install; }
        # As apt-mark does, but also when a list of repositories has a mistake.
        mark() { echo "$1 $2" | dpkg --set-selections; }
        hold() { is_held "$1" || locked mark "$1" hold || fail 80 "dpkg cannot hold $1: $(complaint)"; }
        release() { if is_held "$1"; then locked mark "$1" install; fi; }
        is_used() { false; }
        # dpkg removes what it can, and nothing that another package needs.
        remove() { locked dpkg --force-remove-reinstreq --purge "$@"; }
        """#
}

package import NodeModel

/// dnf of Red Hat Enterprise Linux and its kin, Fedora, Amazon Linux 2023 and Azure Linux 4.
package struct Dnf: PackageInstaller {
    package init() {}

    package var program: String { "dnf" }
    package var compiler: [String] { ["gcc"] }

    /// Whether the agent uses dnf on an operating system; older versions of these distributions have yum.
    package func isUsed(on system: OSRelease) -> Bool {
        let major = system.majorVersion ?? 0
        switch system.id {
        case "rhel", "centos", "rocky", "almalinux", "ol": return major >= 8
        case "amzn": return major >= 2023
        case "azurelinux": return major >= 4
        case "fedora": return true
        default: return false
        }
    }

    /// The package with the headers of exactly this kernel.
    ///
    /// A release such as `5.14.0-503.el9.aarch64+64k` is that of a variant of the kernel. Oracle's own kernel has
    /// `uek` in its release. Amazon Linux names the packages of kernels after 6.1 by their series.
    package func headers(of kernel: String, on system: OSRelease) -> String {
        let parts = kernel.split(separator: "+", maxSplits: 1)
        if parts.count == 2 { return "kernel-\(parts[1])-devel-\(parts[0])" }
        if system.id == "ol", kernel.contains("uek") { return "kernel-uek-devel-\(kernel)" }
        let series = kernel.split(separator: ".").prefix(2).joined(separator: ".")
        if system.id == "amzn", series != "6.1" { return "kernel\(series)-devel-\(kernel)" }
        return "kernel-devel-\(kernel)"
    }

    package func defaultCompiler(of system: OSRelease) -> Int? { system.id == "amzn" ? 11 : nil }

    /// The package with another version of gcc, which only Amazon Linux has outside of `/opt`.
    package func compiler(_ major: Int, on system: OSRelease) -> NamedCompiler? {
        system.id == "amzn" ? NamedCompiler(package: "gcc\(major)", program: "gcc\(major)-gcc") : nil
    }

    package var functions: String { [RPMFunctions.script, Self.script].joined(separator: "\n\n") }

    private static let script = #"""
        program=dnf
        locks='/var/lib/rpm/.rpm.lock /usr/lib/sysimage/rpm/.rpm.lock /usr/share/rpm/.rpm.lock'
        pid_files='/var/lib/dnf/rpmdb_lock.pid /var/cache/dnf/metadata_lock.pid /var/cache/dnf/download_lock.pid'
        lock_message='Failed to obtain .* lock|already locked by'
        is_kernel() {
            case $1 in
            *-devel | *-devel-* | *-headers) false ;;
            kernel | kernel-core | kernel-*-core | kernel[0-9]*) ;;
            *) false ;;
            esac
        }

        is_installed() { rpm -q --quiet "$1" 2>/dev/null; }
        is_there() { is_installed "$1"; }
        is_dnf4() { dnf --version 2>/dev/null | sed -n 1p | grep -q '^4\.'; }
        # A repository without a cache, as on a node without a network, must not matter.
        versionlock() { dnf -q -C --setopt='*.skip_if_unavailable=True' versionlock "$@"; }
        can_hold() { versionlock list >/dev/null 2>&1; }
        # A compiler that stays behind makes every "dnf upgrade" fail, so only the headers are held. The packages of a driver
        # need each other in one version, so all of them are held.
        holds() {
            case $1 in
            "$headers") ;;
            nvidia-* | libnvidia-* | kmod-*nvidia*) [ -n "${GPU_AGENT_PINS:-}" ] || return ;;
            *) return 1 ;;
            esac
            { can_hold || [ -n "$plugin" ]; } && [ -z "$(entries "$1")" ]
        }
        also_held() { [ -z "${GPU_AGENT_PINS:-}" ] || echo $added; }
        is_headers() { [ "${1%-*-*}" = "${headers%-*-*}" ]; }
        # A lock on one version hides all other versions of the package.
        hides() { is_headers "$1"; }
        heal() { :; }

        options='--setopt=install_weak_deps=False --setopt=best=False --setopt=obsoletes=False
            --setopt=exit_on_lock=True --setopt=*.skip_if_unavailable=True --setopt=*.timeout=15 --setopt=*.retries=2'

        # On a node without a network, the packages of this directory are the only ones.
        sources=
        use_bundle() { sources="--setopt=reposdir=$1 --setopt=cachedir=$work/cache"; }

        refresh() {
            open_bundle
            # dnf asks a repository four times before it goes on with the next one.
            locked limited $refresh_limit dnf -y $sources $options --setopt=*.timeout=8 makecache --refresh || return
            ! grep -qE '^(Error|Ignoring repositories|Errors during)' "$work/output"
        }

        has_index() { ls /var/cache/dnf/*/repodata/repomd.xml /var/cache/libdnf5/*/repodata/repomd.xml 2>/dev/null | grep -q .; }

        # The excluded packages cannot change. The headers of several kernels can be installed at the same time.
        dnf_install() {
            others=$(rpm -qa --queryformat '%{NAME}\n' | grep -v -e '^kernel.*-devel$' -e '^gpg-pubkey$' |
                sort -u | tr '\n' ',')
            dnf "$@" $sources $options --setopt=metadata_expire=never --exclude="$others" install $(pinned $wanted) $plugin
        }

        # The packages, those with a version in GPU_AGENT_PINS as NAME-VERSION.
        pinned() {
            for package; do
                for pin in ${GPU_AGENT_PINS:-}; do
                    case $pin in "$package="*) package=${pin%%=*}-${pin#*=} ;; esac
                done
                echo "$package"
            done
        }

        # dnf 4 holds packages with a plugin that is a package of its own. dnf 5 needs none.
        plugin=
        choose_plugin() {
            [ -n "${GPU_AGENT_PINS:-}" ] || case " $wanted " in *" ${headers:-/} "*) ;; *) return ;; esac
            if ! can_hold && is_dnf4; then plugin=python3-dnf-plugin-versionlock; fi
        }

        preview() {
            choose_plugin
            # With -C, a repository whose refresh failed is not asked once more.
            quietly dnf_install -C --assumeno
            if [ -n "$plugin" ] && ! grep -q "^ $plugin " "$work/output"; then
                echo "${headers:-The driver} will not be held, because dnf cannot install $plugin."
                plugin=
                quietly dnf_install -C --assumeno
            fi
            absent=$(sed -n 's/^No match for argument: //p; s/^All matches were filtered out by .* for argument: //p' \
                "$work/output" | grep -vxF "${plugin:-/}")
            section='' streams=
            while IFS= read -r line; do
                case $line in
                ' '[!\ ]*)
                    name=${line# } name=${name%% *}
                    case $section in
                    Installing*) added="$added $(exact "$name")" ;;
                    Upgrading* | Downgrading* | Reinstalling*) upgraded="$upgraded $name" ;;
                    Removing*) removed="$removed $name" ;;
                    'Enabling module streams'*)
                        rest=${line#*"$name"}
                        streams="$streams $name:$(echo $rest)"
                        ;;
                    esac
                    ;;
                *:) section=$line ;;
                esac
            done <"$work/output"
            [ -n "$absent$added" ] || fail 80 "dnf cannot install $(listed $wanted): $(complaint)"
            # Which stream of NVIDIA's module a node has is the choice of its operator.
            [ -z "$streams" ] || [ -z "${GPU_AGENT_PINS:-}" ] ||
                fail 83 "The install would enable the module stream $(listed $streams)."
        }

        download() { locked dnf_install -y --downloadonly; }
        transact() { locked dnf_install -y; }
        # Without its plugin, a lock of somebody else would have no effect.
        is_used() {
            [ "$1" = python3-dnf-plugin-versionlock ] && [ -n "$(versionlock list 2>/dev/null)" ] &&
                echo "$1 stays, because there are locks of others."
        }

        # Headers have their version in the record, and other packages only their name.
        name_of() { case $1 in kernel*-devel-[0-9]*) echo "${1%-*-*}" ;; *) echo "$1" ;; esac; }
        # VERSION-RELEASE; empty when it is not known.
        version_of() {
            case $1 in
            kernel*-devel-[0-9]*)
                found=${1#"${1%-*-*}"-}
                echo "${found%.*}"
                ;;
            *) if is_installed "$1"; then rpm -q --queryformat '%{VERSION}-%{RELEASE}\n' "$1" | sed -n 1p; fi ;;
            esac
        }

        # The locks of a package; when it is not installed, those of its name. The plugin of dnf 4 prints one in a line, with
        # the epoch before the version and any architecture behind it. dnf 5 prints the conditions below the name, and its
        # locks are those of the name.
        entries() {
            name=$(name_of "$1")
            if is_dnf4; then
                lock=$(version_of "$1")
                versionlock list 2>/dev/null | while read -r entry; do
                    case $(echo "$entry" | sed 's/-[0-9]*:/-/') in
                    "$name-${lock:-/}.*") echo "$entry" ;;
                    "$name"-[0-9]*) [ -n "$lock" ] || echo "$entry" ;;
                    esac
                done
            else
                versionlock list 2>/dev/null | grep -A 2 -xF "Package name: $name" | grep -v '^$'
            fi
        }
        hold() {
            [ -n "$(entries "$1")" ] || versionlock add "$1" || fail 80 "dnf versionlock cannot hold $1."
        }
        release() {
            if is_dnf4; then
                for entry in $(entries "$1"); do versionlock delete "$entry"; done
                return
            fi
            # dnf 5 deletes all locks of a name, so there must be no other one.
            name=$(name_of "$1") version=$(version_of "$1")
            found=$(entries "$1" | sed 's/^evr = [0-9]*:/evr = /')
            case $found in
            '') ;;
            "Package name: $name
        evr = $version") versionlock delete "$name" ;;
            *) echo "The locks of $name stay, because not all of them are from this agent." ;;
            esac
        }
        """#
}

/// The shell functions that dnf, tdnf and zypper share.
enum RPMFunctions {
    static let script = #"""
        # Makes a repository of the packages of a bundle: its files are in one directory. `use_bundle` tells the program the
        # directory of the only repository file.
        open_bundle() {
            bundle=${GPU_AGENT_BUNDLE:-}
            [ -n "$bundle" ] && [ -z "$sources" ] || return 0
            if [ -e "$bundle/repomd.xml" ]; then
                mkdir -p "$bundle/repodata" && mv "$bundle"/*.xml "$bundle"/*.xml.gz "$bundle/repodata" ||
                    fail 80 "The agent cannot write to $bundle."
            fi
            mkdir -p "$work/repos.d"
            printf '%s\n' '[gpu-agent]' 'name=gpu-agent' "baseurl=file://$bundle" enabled=1 gpgcheck=0 repo_gpgcheck=0 \
                >"$work/repos.d/gpu-agent.repo"
            use_bundle "$work/repos.d"
        }

        # The headers with their version, because those of other kernels have the same name.
        exact() { case $headers in "$1"-[0-9]*) echo "$headers" ;; *) echo "$1" ;; esac; }

        remove() {
            locked rpm -e "$@" && return
            # Together is not possible: one after the other, as long as one of them goes.
            while :; do
                gone=
                for package; do if is_there "$package" && rpm -e "$package" 2>>"$work/output"; then gone=1; fi; done
                [ -n "$gone" ] || return
            done
        }
        """#
}

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

    package var keepsFiles: Bool { true }
    package var functions: String {
        [RPMFunctions.script, Self.script, Self.files, Self.holds].joined(separator: "\n\n")
    }

    private static let script = #"""
        program=dnf
        # The locks of rpm, and those of dnf 5, where distributions have them.
        locks='/var/lib/rpm/.rpm.lock /usr/lib/sysimage/rpm/.rpm.lock /usr/share/rpm/.rpm.lock
            /usr/lib/sysimage/libdnf5/system-repo.lock /var/lib/dnf/system-repo.lock /var/lib/libdnf5/system-repo.lock
            /run/dnf/rpmtransaction.lock'
        pid_files='/var/lib/dnf/rpmdb_lock.pid /var/cache/dnf/metadata_lock.pid /var/cache/dnf/download_lock.pid'
        lock_message='Failed to obtain .* lock|already locked by|Waiting for a lock on the system repository'
        # dnf 5 has these words before an error.
        more_complaints='|>>> |Failed to download|Transaction failed|OpenPGP check'
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
        # With -q, dnf 5 would not say that it waits for a lock.
        change_locks() { locked not_waiting dnf -C --setopt='*.skip_if_unavailable=True' versionlock "$@"; }
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
            --setopt=exit_on_lock=True'
        # With such options, dnf 5 wants a repository.
        [ -n "${GPU_AGENT_FILES:-}" ] ||
            options="$options --setopt=*.skip_if_unavailable=True --setopt=*.timeout=15 --setopt=*.retries=2"

        # On a node without a network, the packages of this directory are the only ones.
        sources=
        use_bundle() { sources="--setopt=reposdir=$1 --setopt=cachedir=$work/cache"; }

        refresh() {
            [ -z "${GPU_AGENT_FILES:-}" ] || return 0
            open_bundle
            # dnf asks a repository four times before it goes on with the next one.
            locked limited $refresh_limit dnf -y $sources $options --setopt=*.timeout=8 makecache --refresh || return
            ! grep -qE '^(Error|Ignoring repositories|Errors during)' "$work/output" && all_answered
        }
        # dnf 5 leaves out a repository that does not answer, and exits with 0. What it says about a mirror ends with an
        # address, and what it says about the repository does not.
        all_answered() { ! grep '^>>> ' "$work/output" | grep -qvE ' - [a-z]+://[^ ]*$'; }

        has_index() { ls /var/cache/dnf/*/repodata/repomd.xml /var/cache/libdnf5/*/repodata/repomd.xml 2>/dev/null | grep -q .; }

        # The excluded packages cannot change. The headers of several kernels can be installed at the same time.
        dnf_install() {
            { [ -z "$replaced" ] || noted add; } >"$work/own"
            others=$(rpm -qa --queryformat '%{NAME}\n' | grep -v -e '^kernel.*-devel$' -e '^gpg-pubkey$' |
                grep -vxF -f "$work/own" | sort -u | tr '\n' ',')
            # dnf 5 knows --downloadonly and --allowerasing only behind the command.
            not_waiting dnf $sources $options --setopt=metadata_expire=never --exclude="$others" install "$@" \
                ${replaced:+--allowerasing} ${files:-$(pinned $wanted) $plugin}
        }

        # dnf 5 waits for the lock of another process without end, whatever exit_on_lock says. So it is ended while it waits:
        # `quietly` names the process, and tries again.
        not_waiting() {
            "$@" &
            while kill -0 $! 2>/dev/null; do
                case $(tail -n 1 "$work/output") in *'option to bypass the lock.') kill $! ;; esac
                sleep 0.1
            done
            wait $!
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
            choose_files
            [ -z "$absent" ] || return 0
            # A lock on the old version hides the new one, also in a file.
            release_replaced
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
                # An excluded package goes all the same when a new one obsoletes it. It is below the new one, by dnf 4 with its
                # architecture.
                '  '*' replacing '*)
                    name=$(echo ${line#*replacing }) name=${name%% *}
                    case $name in *.noarch | *.x86_64 | *.aarch64 | *.i686) name=${name%.*} ;; esac
                    case $section in Installing*) removed="$removed $name" ;; esac
                    ;;
                *:) section=$line ;;
                esac
            done <"$work/output"
            [ -n "$absent$added$upgraded" ] || fail 80 "dnf cannot install $(listed $wanted): $(complaint)"
            # Which stream of NVIDIA's module a node has is the choice of its operator.
            [ -z "$streams" ] || [ -z "${GPU_AGENT_PINS:-}" ] ||
                fail 83 "The install would enable the module stream $(listed $streams)."
            [ -z "$gone" ] || quietly rpm -e --test $gone ||
                fail 83 "The install would remove $(listed $gone), and other packages need it: $(complaint)"
        }

        transact() {
            [ -z "$gone" ] || locked rpm -e $gone || return
            locked dnf_install -y
        }
        # Without its plugin, a lock of somebody else would have no effect.
        is_used() {
            [ "$1" = python3-dnf-plugin-versionlock ] && [ -n "$(versionlock list 2>/dev/null)" ] &&
                echo "$1 stays, because there are locks of others."
        }
        """#
}

package import NodeModel

/// The script that downloads the packages for the build of kernel modules, for nodes without a network.
///
/// It runs on a machine with the distribution of these nodes. It installs nothing, and downloads into a new directory
/// below `/var/tmp`, which the caller removes. Everything that it prints is a line `KIND VALUE…`.
package enum MirrorScript {
    /// The command that downloads the packages for a kernel.
    ///
    /// - Parameters:
    ///   - kernel: The release of the kernel of the nodes.
    ///   - fabric: The version of the driver whose fabric manager and IMEX are downloaded, too; nil for none.
    ///   - system: The system of the machine that downloads.
    /// - Returns: Nil when the agent cannot do this with the package manager of the system.
    package static func command(
        kernel: String,
        fabric: DriverVersion? = nil,
        on system: OSRelease
    ) -> [String]? {
        guard BuildPackages.isName(kernel), let installer = PackageInstallers.used(on: system) else { return nil }
        guard let apt = installer as? AptGet else {
            return RPMMirrorScript.command(kernel: kernel, fabric: fabric, installer, on: system)
        }
        let compiler = apt.defaultCompiler(of: system).map(String.init) ?? ""
        let base = ["sh", "-c", script, "gpu-agent-mirror", kernel, compiler, apt.headers(of: kernel, on: system)]
        guard let fabric else { return base }
        return base + [fabric.description] + names(of: fabric) + others
    }

    /// The names that the packages of the fabric manager and of IMEX of a driver can have, the most specific first.
    static func names(of fabric: DriverVersion) -> [String] {
        [DriverService.Program.fabricManager, .imex].map { program in
            FabricPackages.names(of: program, branch: fabric.branch).joined(separator: " ")
        }
    }

    /// The packages for NVLink that have versions of their own.
    static let others = [FabricPackages.subnetManager, FabricPackages.diagnostics]

    private static let script = #"""
        set -u
        export LC_ALL=C
        kernel=$1 default=$2 headers=$3
        shift 3
        fabric=${1:-}
        [ $# = 0 ] || shift
        wanted=$(printf '%s\n' "$@")
        fail() { echo "ERROR: $1" >&2; exit 1; }
        work=$(mktemp -d /var/tmp/gpu-agent-mirror.XXXXXX) || fail 'mktemp cannot create a directory in /var/tmp.'
        complete=
        trap '[ -n "$complete" ] || rm -rf "$work"' EXIT
        cd "$work" || exit

        # The last errors of a program, or else its last line, in one line.
        complaint() {
            lines=$(grep '^E: ' output | tail -n 3)
            echo ${lines:-$(tail -n 1 output)} | cut -c 1-600
        }
        offers() {
            # A package that is only installed here cannot be downloaded.
            apt-cache -o Dir::State::status="$work/status" policy "$1" >output 2>&1 &&
                [ "$(sed -n 1p output)" = "$1:" ] && ! grep -q '^  Candidate: (none)' output
        }
        # The packages that an install on an empty system would add, as NAME=VERSION.
        closure() {
            apt-get -q -o Dir::State::status="$work/status" -o Dir::State::extended_states="$work/states" \
                -o Debug::NoLocking=1 --no-install-recommends -s install "$@" >output 2>&1 || return
            sed -n 's/^Inst \([^ ]*\) (\([^ ]*\) .*/\1=\2/p' output | sort -u
        }
        # apt-get checks the packages against the signed index.
        download() {
            timeout 1800 apt-get -q -o APT::Sandbox::User=root -o Acquire::Retries=3 -o Acquire::http::Timeout=30 \
                -o Acquire::https::Timeout=30 download "$@" >output 2>&1
        }

        : >status
        : >states
        timeout 300 apt-get -q -o Acquire::Retries=3 -o APT::Update::Error-Mode=any update >output 2>&1 ||
            fail "apt-get update failed: $(complaint)"
        offers "$headers" || fail "No repository has $headers."
        download "$headers" || fail "apt-get cannot download $headers: $(complaint)"

        # The configuration of the kernel names its compiler: 120200 is gcc 12.2.0.
        major=$(for file in *.deb; do
            dpkg-deb --fsys-tarfile "$file" | tar -xO --wildcards '*/.config' 2>/dev/null
        done | sed -n 's/^CONFIG_GCC_VERSION=\([0-9]*\)[0-9][0-9][0-9][0-9]$/\1/p' | sed -n 1p)
        set -- "$headers" gcc make
        if [ -n "$major" ] && [ -n "$default" ] && [ "$major" -gt "$default" ]; then set -- "$@" "gcc-$major"; fi

        # The version of a package that belongs to a driver, as the package manager writes it.
        of_driver() {
            apt-cache madison "$1" 2>/dev/null | sed -n 's/^[^|]*| *\([^ |]*\) *|.* Packages$/\1/p' |
                while read -r version; do
                    case ${version#*:} in "$fabric"-*) echo "$version" && break ;; esac
                done
        }
        # The first two lines are the names that the packages of the fabric manager and of IMEX can have.
        if [ -n "$fabric" ]; then
            found=
            for name in $(echo "$wanted" | sed -n 1p) , $(echo "$wanted" | sed -n 2p); do
                if [ "$name" = , ]; then found=; continue; fi
                version=
                [ -n "$found" ] || version=$(of_driver "$name")
                if [ -n "$version" ]; then found=1 any=1; set -- "$@" "$name=$version"; fi
            done
            [ -n "${any:-}" ] || fail "No repository has a fabric manager or IMEX of the version $fabric."
            for name in $(echo "$wanted" | sed 1,2d); do
                if offers "$name"; then set -- "$@" "$name"; fi
            done
        fi

        closure "$@" >all || fail "apt-get cannot resolve $*: $(complaint)"
        # What runs apt-get has these packages, in versions of its own.
        : >base
        for package in apt dpkg "linux-image-$kernel"; do
            if offers "$package"; then closure "$package" >>base || fail "apt-get cannot resolve $package: $(complaint)"; fi
        done
        sort -u base | comm -23 all - >needed
        download $(cat needed) || fail "apt-get cannot download the packages: $(complaint)"

        . /etc/os-release
        echo "directory $work"
        echo "system $ID ${VERSION_ID:-}"
        echo "architecture $(dpkg --print-architecture)"
        for package; do echo "name ${package%%=*}"; done
        for file in *.deb; do
            # A name with the epoch of the version is quoted, which no URI may have.
            plain=$(echo "$file" | sed 's/%3a/-/g')
            [ "$file" = "$plain" ] || mv "$file" "$plain"
            echo "file $plain $(sha256sum <"$plain" | cut -d ' ' -f 1) $(stat -c %s "$plain")"
        done
        complete=yes
        """#
}

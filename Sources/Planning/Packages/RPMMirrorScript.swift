import NodeModel

/// The script that downloads the packages for the build on a machine with dnf, tdnf or zypper.
///
/// The program resolves them for an empty system below a directory of its own, and checks their signatures. `createrepo_c`
/// makes the metadata, because dnf and its kin take packages only from a repository, and it is not on every node.
enum RPMMirrorScript {
    /// - Parameters:
    ///   - kernel: The release of the kernel of the nodes.
    ///   - fabric: The version of the driver whose fabric manager and IMEX are downloaded, too; nil for none.
    ///   - installer: The package manager of the machine.
    ///   - system: The system of the machine.
    /// - Returns: Nil for a package manager without such a script.
    static func command(
        kernel: String,
        fabric: DriverVersion?,
        _ installer: any PackageInstaller,
        on system: OSRelease
    ) -> [String]? {
        guard let functions = functions[installer.program] else { return nil }
        let script = [prologue, functions, body, bundle].joined(separator: "\n\n")
        let compiler = installer.defaultCompiler(of: system).map(String.init) ?? ""
        let headers = installer.headers(of: kernel, on: system)
        let names = fabric.map(MirrorScript.names) ?? ["", ""]
        return ["sh", "-c", script, "gpu-agent-mirror", compiler, fabric?.description ?? ""] + names
            + [MirrorScript.others.joined(separator: " "), headers] + installer.compiler + ["make"]
    }

    private static let prologue = #"""
        set -u
        export LC_ALL=C HOME=/root
        default=$1 fabric=$2 managers=$3 daemons=$4 others=$5
        shift 5
        fail() { echo "ERROR: $1" >&2; exit 1; }
        command -v createrepo_c >/dev/null || fail 'This machine lacks createrepo_c. Install the package createrepo_c.'
        work=$(mktemp -d /var/tmp/gpu-agent-mirror.XXXXXX) || fail 'mktemp cannot create a directory in /var/tmp.'
        complete=
        trap '[ -n "$complete" ] || rm -rf "$work"' EXIT
        cd "$work" || exit

        # The last errors of a program, or else its last line, in one line.
        complaint() {
            lines=$(grep -E '^(Error|error: |Problem|No provider|No match)' output | tail -n 3)
            echo ${lines:-$(tail -n 1 output)} | cut -c 1-600
        }
        """#

    /// How each program downloads packages with everything that they need.
    ///
    /// The function is `fetch DIRECTORY NAME…`. `absent` prints the first package that no repository has, from the output of
    /// `fetch`. `offers NAME…` prints a line `NAME VERSION` for each package that the repositories offer, and `exactly NAME
    /// VERSION` what `fetch` takes for one of them.
    private static let functions = ["dnf": dnf, "tdnf": tdnf, "zypper": zypper]

    private static let dnf = #"""
        program=dnf
        # dnf cannot find it out for an empty system.
        version=$(rpm -q --provides --whatprovides system-release 2>/dev/null |
            sed -n 's/^system-release(releasever) = //p' | sed -n 1p)
        [ -n "$version" ] || version=$(rpm -q --queryformat '%{VERSION}\n' --whatprovides system-release 2>/dev/null |
            grep -v ' ' | sed -n 1p)
        fetch() {
            place=$1
            shift
            timeout 1800 dnf -y --installroot="$work/root" $host ${version:+--releasever="$version"} \
                --setopt=destdir="$work/$place" --setopt=cachedir="$work/cache" --setopt=install_weak_deps=False \
                --setopt=exit_on_lock=True --setopt='*.timeout=30' --setopt='*.retries=3' install --downloadonly "$@" \
                >output 2>&1
        }
        is_dnf4() { dnf --version 2>/dev/null | sed -n 1p | grep -q '^4\.'; }
        # dnf 5 has no repositories in an empty system.
        host=
        is_dnf4 || host=--use-host-config
        absent() { sed -n 's/^No match for argument: //p' output | sed -n 1p; }
        # dnf 5 needs the newline, and dnf 4 adds another one.
        offers() {
            timeout 300 dnf -q ${version:+--releasever="$version"} --setopt=cachedir="$work/cache" \
                --setopt=exit_on_lock=True --setopt='*.timeout=30' --setopt='*.retries=3' repoquery --available \
                --arch "$(uname -m),noarch" --queryformat '%{name} %{evr}\n' "$@" >rows 2>output || return
            grep . rows || :
        }
        exactly() { echo "$1-$2"; }
        # Without the plugin of dnf 4, the nodes cannot hold the headers.
        optional() { if is_dnf4; then echo python3-dnf-plugin-versionlock; fi; }
        """#

    private static let tdnf = #"""
        program=tdnf
        fetch() {
            place=$1
            shift
            mkdir -p "$work/$place"
            timeout 1800 tdnf -y --downloadonly --alldeps --downloaddir="$work/$place" install "$@" >output 2>&1
        }
        absent() { sed -n 's/^\([^ ]*\) package not found or not installed.*/\1/p' output | sed -n 1p; }
        # A row has the name with the architecture, the version and the repository. tdnf exits with 243 when it finds nothing.
        offers() {
            for package; do
                timeout 300 tdnf list available "$package" >rows 2>output
                case $? in 0) ;; 243) continue ;; *) return 1 ;; esac
                sed -n "s/^\([^ ]*\)\.\($(uname -m)\|noarch\) *\([^ ]*\) .*/\1 \3/p" rows
            done
        }
        exactly() { echo "$1=$2"; }
        optional() { :; }
        """#

    private static let zypper = #"""
        program=zypper
        mkdir root
        timeout -k 5 300 zypper --non-interactive refresh >output 2>&1 || fail "zypper refresh failed: $(complaint)"
        # The version of the headers has one more number than the release of the kernel.
        chosen() {
            for package; do
                case $package in
                *=*)
                    name=${package%%=*}
                    zypper --quiet --non-interactive --no-refresh search --details --type package --match-exact "$name" |
                        sed -n "s/^[^|]*| *$name *| *package *| *\([^ |]*\) .*/\1/p" >versions
                    found=$(while read -r edition; do
                        case $edition in "${package#*=}" | "${package#*=}".[0-9]*) echo "$edition"; break ;; esac
                    done <versions)
                    echo "$name=${found:-${package#*=}}"
                    ;;
                *) echo "$package" ;;
                esac
            done
        }
        fetch() {
            place=$1
            shift
            rm -rf "$work/cache" "$work/$place"
            timeout -k 5 1800 zypper --non-interactive --installroot "$work/root" --pkg-cache-dir "$work/cache" install \
                --download-only --no-recommends $(chosen "$@") >output 2>&1 || return
            mkdir -p "$work/$place" && find "$work/cache" -name '*.rpm' -exec mv {} "$work/$place" \;
        }
        absent() {
            sed -n "s/^No provider of '\(.*\)' found\.$/\1/p; s/^Package '\(.*\)' not found\.$/\1/p" output |
                sed 's/ = /=/' | sed -n 1p
        }
        # zypper exits with 104 when it finds nothing.
        offers() {
            timeout -k 5 300 zypper --non-interactive --no-refresh --xmlout search --details --type package --match-exact "$@" \
                >output 2>&1
            case $? in 0 | 104) ;; *) return 1 ;; esac
            sed -n '/ repository="(System /d; s/^<solvable .* name="\([^"]*\)" .* edition="\([^"]*\)" .*/\1 \2/p' output
        }
        exactly() { echo "$1=$2"; }
        optional() { :; }
        """#

    private static let body = #"""
        fetch_all() {
            if ! fetch all "$@"; then
                missing=$(absent)
                [ -z "$missing" ] || fail "No repository has $missing."
                fail "$program cannot download $*: $(complaint)"
            fi
        }

        # The packages for NVLink: the first name with the version of the driver, and the others in their newest version.
        asked=$* any=
        of_driver() {
            sed -n "s/^$1 //p" offered | while read -r edition; do
                case ${edition#*:} in "$fabric"-*) echo "$edition" && break ;; esac
            done
        }
        if [ -n "$fabric" ]; then
            offers $managers $daemons $others >offered || fail "$program cannot list the packages for NVLink: $(complaint)"
            for names in "$managers" "$daemons"; do
                for name in $names; do
                    found=$(of_driver "$name")
                    [ -n "$found" ] || continue
                    set -- "$@" "$(exactly "$name" "$found")"
                    asked="$asked $name" any=1
                    break
                done
            done
            [ -n "$any" ] || fail "No repository has a fabric manager or IMEX of the version $fabric."
            for name in $others; do
                if grep -q "^$name " offered; then set -- "$@" "$name" && asked="$asked $name"; fi
            done
        fi
        fetch_all "$@"

        # The configuration of the kernel names its compiler: 120200 is gcc 12.2.0.
        configuration() {
            if command -v cpio >/dev/null; then
                rpm2cpio "$1" | cpio --quiet -i --to-stdout '*/.config' 2>/dev/null
            else
                rpm2archive - <"$1" | tar -xzO --wildcards '*/.config' 2>/dev/null
            fi
        }
        if [ -n "$default" ]; then
            command -v cpio >/dev/null || command -v rpm2archive >/dev/null ||
                fail 'This machine lacks cpio. Install the package cpio.'
            major=$(for file in all/kernel*devel*.rpm; do configuration "$file"; done | sed -n 's/^CONFIG_GCC_VERSION=\([0-9]*\)[0-9][0-9][0-9][0-9]$/\1/p' | sed -n 1p)
            if [ -n "$major" ] && [ "$major" -gt "$default" ]; then
                set -- "$@" "gcc$major"
                asked="$asked gcc$major"
                fetch_all "$@"
            fi
        fi
        for package in $(optional); do
            if fetch more "$package"; then
                mv more/*.rpm all
                asked="$asked $package"
            fi
        done
        """#

    /// Makes the repository, and prints what it has.
    private static let bundle = #"""

        # What runs the program has these packages, in versions of its own. Without this list, there are only more files.
        if fetch base "$program" rpm; then
            for file in base/*.rpm; do rm -f "all/${file##*/}"; done
        fi
        createrepo_c --quiet --no-database --simple-md-filenames --general-compress-type=gz all >output 2>&1 ||
            fail "createrepo_c failed: $(complaint)"
        mv all/*.rpm all/repodata/repomd.xml all/repodata/primary.xml.gz all/repodata/filelists.xml.gz \
            all/repodata/other.xml.gz . || fail 'createrepo_c made other files.'
        rm -rf all base more cache root versions rows offered output

        . /etc/os-release
        echo "directory $work"
        echo "system $ID ${VERSION_ID:-}"
        echo "architecture $(uname -m)"
        for package in $asked; do echo "name $package"; done
        for file in *.rpm *.xml *.gz; do
            echo "file $file $(sha256sum <"$file" | cut -d ' ' -f 1) $(stat -c %s "$file")"
        done
        complete=yes
        """#
}

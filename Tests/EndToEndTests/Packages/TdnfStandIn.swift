/// A program in the place of tdnf, which Debian does not have.
///
/// It prints what the recordings in `Transcripts` have, takes the packages of a repository by their files, and installs them
/// with the real rpm.
enum TdnfStandIn {
    /// Puts the program on a simulated host.
    static func install(on node: SimulatedNode) async throws {
        let write = "printf '%s\\n' \"$1\" >/usr/bin/tdnf; chmod 755 /usr/bin/tdnf"
        try await node.run(["sh", "-ec", write, "sh", script])
    }

    private static let script = #"""
        #!/bin/bash
        assume='' names=() repository=/repo download='' only='' command=''
        while [ $# -gt 0 ]; do
            case $1 in
            --assumeno | -y) assume=$1 ;;
            --refresh | -C | --nogpgcheck | --alldeps) ;;
            --downloadonly) only=1 ;;
            --downloaddir=*) download=${1#*=} ;;
            -c)
                shift
                directory=$(sed -n 's/^repodir=//p' "$1")
                repository=$(sed -n 's,^baseurl=file://,,p' "$directory"/*.repo 2>/dev/null)
                ;;
            makecache | install | list) command=$1 ;;
            available) ;;
            *) names+=("$1") ;;
            esac
            shift
        done
        echo 'Loaded plugin: tdnfrepogpgcheck'
        # The files of the packages that a pattern matches, the newest last.
        found() { [ -z "$repository" ] || ls "$repository"/$1.rpm "$repository"/*/$1.rpm 2>/dev/null | sort -V; }
        case $command in
        makecache)
            echo "Refreshing metadata for: 'test'"
            echo 'Metadata cache created.'
            exit
            ;;
        list)
            if ! ls "$repository"/repodata >/dev/null 2>&1; then
                echo 'Error(1034) : cache only is set, but no repo data found' >&2
                echo "Disabling Repo: 'test'"
            fi
            files=$(found "${names[0]}-[0-9]*")
            if [ -z "$files" ]; then
                echo 'Error(1011) : No matching packages' >&2
                exit 243
            fi
            rpm -qp --queryformat '%{NAME}.%{ARCH}          %{EVR}          test\n' $files
            exit
            ;;
        esac
        files=()
        for name in "${names[@]}"; do
            case $name in
            /*.rpm) file=$(ls "$name" 2>/dev/null) ;;
            *=*) file=$(found "${name%%=*}-${name#*=}.*" | tail -n 1) ;;
            *) file=$(found "$name-[0-9]*" | tail -n 1) ;;
            esac
            [ -n "$file" ] || file=$(found "$name.*" | tail -n 1)
            if [ -z "$file" ]; then
                echo "$name package not found or not installed" >&2
                echo 'Error(1011) : No matching packages' >&2
                exit 243
            fi
            files+=("$file")
        done
        case " ${names[*]} " in *' t-new '*) files+=(/repo/noarch/t-libc-1-125.noarch.rpm) ;; esac
        added=() replaced=()
        for file in "${files[@]}"; do
            name=$(rpm -qp --queryformat '%{NAME}' "$file")
            if ! rpm -q --quiet "$name"; then
                added+=("$file")
                continue
            fi
            replaced+=("$file")
            if grep -qsxF "$name" /etc/tdnf/locks.d/*.conf; then
                echo "1. package $name is locked" >&2
                echo 'Found 1 problem(s) while resolving' >&2
                echo 'Error(1301) : Solv general runtime error' >&2
                exit 21
            fi
        done
        # table HEADING FILE...
        table() {
            [ $# -gt 1 ] || return
            printf '\n%s:\n' "$1"
            shift
            rpm -qp --queryformat '%{NAME}    %{ARCH}    %{EVR}    test    6.01k    5.50k\n' "$@"
            printf '\nTotal installed size:  12.02k\nTotal download size:  11.00k\n'
        }
        table Installing "${added[@]}"
        table Upgrading "${replaced[@]}"
        [ -z "$only" ] || echo 'tdnf will only download packages needed for the transaction'
        if [ "$assume" != -y ]; then
            echo 'Error(1032) : Operation aborted.' >&2
            exit 8
        fi
        if [ -n "$only" ]; then
            printf '\nDownloading:\n'
            cp "${files[@]}" "$download" || exit 1
            printf '\nComplete!\n%s\n' "Packages have been downloaded to $download."
            exit
        fi
        printf '%s\n' 'Testing transaction' 'Running transaction'
        rpm -U --nodeps --oldpackage "${files[@]}"
        """#
}

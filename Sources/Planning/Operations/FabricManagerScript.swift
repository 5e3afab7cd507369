/// The scripts that install the fabric manager from NVIDIA's archive, and that remove it.
///
/// A line that begins with `ERROR:` describes a problem.
enum FabricManagerScript {
    /// How the line begins that lists the files which a removal leaves.
    static let stay = "These files stay, because somebody has changed them:"

    /// The exit status of these scripts for every problem.
    static let failed = 80

    /// Finds what would make `install` fail with the archive `$1` and the record `$2`, and changes nothing.
    ///
    /// It lists the archive, and unpacks only the files whose places are taken.
    static let check = [common, places, checking].joined(separator: "\n\n")

    /// Installs from the archive `$1`, and records the files in `$2` under the version `$3`.
    ///
    /// The archive has one directory with `bin`, `etc`, `lib`, `share/nvidia/nvswitch` and `systemd`. NVIDIA's packages put
    /// the configuration beside the topologies, and the library into a package for developers. Sources: the archive's
    /// recipes in nixpkgs and Yocto, and NVIDIA's `yum-packaging-fabric-manager`.
    static let install = [common, places, body].joined(separator: "\n\n")

    /// Removes the files that the record `$1` lists.
    static let remove = [common, removal].joined(separator: "\n\n")

    private static let common = #"""
        set -u
        export LC_ALL=C
        fail() { echo "ERROR: $1"; exit 80; }

        # Whether a file is still the one that a record has: owned RECORD PATH.
        owned() {
            [ -f "$2" ] && [ ! -L "$2" ] || return 1
            found=$(sha256sum <"$2")
            grep -qxF "${found%% *}  $2" "$1" 2>/dev/null
        }
        # The paths in a record, behind its first line.
        paths() { sed -n 's/^[0-9a-f]\{64\}  //p' "$1" 2>/dev/null; }
        reload() { [ ! -d /run/systemd/system ] || systemctl daemon-reload; }
        """#

    private static let places = #"""
        for tool in tar xz; do
            command -v "$tool" >/dev/null || fail "The host has no program $tool, which unpacks the archive."
        done
        # Reads the names of files in the archive, and adds the place and the mode of each that belongs on the host.
        place() {
            nvswitch=/usr/share/nvidia/nvswitch
            while read -r file; do
                case $file in
                bin/*/* | etc/*/* | share/nvidia/nvswitch/*/* | *[[:space:]]* | */) ;;
                bin/*) echo "$file /usr/bin/${file##*/} 755" ;;
                share/nvidia/nvswitch/* | etc/*.cfg) echo "$file $nvswitch/${file##*/} 644" ;;
                systemd/nvidia-fabricmanager.service) echo "$file /usr/lib/systemd/system/${file##*/} 644" ;;
                esac
            done
        }
        # Whether an archive has what a fabric manager needs: complete LINES-OF-PLACE ARCHIVE.
        complete() {
            for file in bin/nv-fabricmanager etc/fabricmanager.cfg systemd/nvidia-fabricmanager.service; do
                echo "$1" | grep -q "^$file " || fail "$2 has no file $file."
            done
        }
        # Whether the agent wrote this configuration and somebody has changed it: changed RECORD PATH.
        changed() {
            case $2 in *.cfg) ;; *) return 1 ;; esac
            [ -f "$2" ] && [ ! -L "$2" ] && paths "$1" | grep -qxF "$2" && ! owned "$1" "$2"
        }
        # Whether a file with a checksum may come to a path: may_write RECORD CHECKSUM PATH.
        may_write() {
            [ -e "$3" ] || [ -L "$3" ] || return 0
            ! owned "$1" "$3" && ! changed "$1" "$3" || return 0
            found=$(sha256sum <"$3" 2>/dev/null) && [ "${found%% *}" = "$2" ] && [ ! -L "$3" ]
        }
        foreign() { fail "$1 is there already, and the agent did not write it."; }
        """#

    private static let checking = #"""
        archive=$1 record=$2
        said=$(tar -tJf "$archive" 2>&1 >/dev/null) || fail "tar cannot read $archive: $(echo $said | cut -c 1-300)"
        # Only plain files. The last word of a line is the name.
        names=$(tar -tvJf "$archive" 2>/dev/null | sed -n 's,^-.* ,,p')
        top=$(echo "$names" | sed -n '1s,/.*,,p')
        list=$(echo "$names" | while read -r name; do echo "${name#"$top"/}"; done | place)
        complete "$list" "$archive"
        while read -r file path mode; do
            [ -e "$path" ] || [ -L "$path" ] || continue
            sum=$(tar -xJOf "$archive" "$top/$file" | sha256sum)
            may_write "$record" "${sum%% *}" "$path" || foreign "$path"
        done <<LIST
        $list
        LIST
        """#

    private static let body = #"""
        archive=$1 record=$2 version=$3
        work=$(mktemp -d) || fail "mktemp cannot create a directory in ${TMPDIR:-/tmp}."
        trap 'rm -rf "$work"' EXIT
        mkdir "$work/files"
        said=$(tar -xJf "$archive" -C "$work/files" --no-same-owner 2>&1) || fail "tar cannot unpack $archive: $(echo $said | cut -c 1-300)"
        source=$work/files/$(ls "$work/files")
        (cd "$source" && find . -type f) | sed -n 's,^\./,,p' | place >"$work/list"
        complete "$(cat "$work/list")" "$archive"
        while read -r file path mode; do
            sum=$(sha256sum <"$source/$file")
            may_write "$record" "${sum%% *}" "$path" || foreign "$path"
            # The line of the record stays, so that a removal finds that somebody has changed the file.
            if changed "$record" "$path" && ! echo "${sum%% *}  $path" | sha256sum --check --status 2>/dev/null; then
                echo "$path stays, because somebody has changed it."
                grep "^[0-9a-f]*  $path$" "$record" >>"$work/new"
            else
                echo "${sum%% *}  $path" >>"$work/new"
                echo "$file $path $mode" >>"$work/write"
            fi
        done <"$work/list"

        # Both the former files and the new ones are the agent's until the end: note VERSION FILE...
        note() {
            { echo "# fabricmanager $1"; shift; cat "$@" 2>/dev/null | grep -v '^#' | sort -u; } >"$record.new" &&
                sync "$record.new" && mv "$record.new" "$record" && sync "$record"
        }
        note incomplete "$record" "$work/new" || fail "The agent cannot write $record."
        while read -r file path mode; do
            mkdir -p "${path%/*}" && cp "$source/$file" "$path.gpu-agent" && chmod "$mode" "$path.gpu-agent" &&
                mv "$path.gpu-agent" "$path" || fail "The agent cannot write $path."
        done <"$work/write"
        for path in $(paths "$record"); do
            grep -q "  $path$" "$work/new" || ! owned "$record" "$path" || rm -f "$path"
        done
        note "$version" "$work/new" || fail "The agent cannot write $record."
        reload
        """#

    private static let removal = #"""
        record=$1
        [ -e "$record" ] || exit 0
        left=
        for path in $(paths "$record"); do
            rm -f "$path.gpu-agent"
            if owned "$record" "$path"; then
                rm -f "$path" || fail "The agent cannot remove $path."
            elif [ -e "$path" ]; then
                left="$left $path"
            fi
        done
        for directory in /usr/share/nvidia/nvswitch /usr/share/nvidia; do
            [ ! -d "$directory" ] || [ -n "$(ls -A "$directory")" ] || rmdir "$directory"
        done
        [ -z "$left" ] || echo "These files stay, because somebody has changed them:$left"
        rm -f "$record"
        reload
        """#
}

/// The scripts that install the fabric manager from NVIDIA's archive, and that remove it.
///
/// A line that begins with `ERROR:` describes a problem.
enum FabricManagerScript {
    /// How the line begins that lists the files which a removal leaves.
    static let stay = "These files stay, because somebody has changed them:"

    /// The exit status of both scripts for every problem.
    static let failed = 80

    /// Installs from the archive `$1`, and records the files in `$2` under the version `$3`.
    ///
    /// The archive has one directory with `bin`, `etc`, `lib`, `share/nvidia/nvswitch` and `systemd`. NVIDIA's packages put
    /// the configuration beside the topologies, and the library into a package for developers. Sources: the archive's
    /// recipes in nixpkgs and Yocto, and NVIDIA's `yum-packaging-fabric-manager`.
    static let install = [common, body].joined(separator: "\n\n")

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

    private static let body = #"""
        archive=$1 record=$2 version=$3
        work=$(mktemp -d) || fail "mktemp cannot create a directory in ${TMPDIR:-/tmp}."
        trap 'rm -rf "$work"' EXIT
        for tool in tar xz; do
            command -v "$tool" >/dev/null || fail "The host has no program $tool, which unpacks the archive."
        done
        said=$(tar -xJf "$archive" -C "$work" --no-same-owner 2>&1) || fail "tar cannot unpack $archive: $(echo $said | cut -c 1-300)"
        top=$(ls "$work")
        source=$work/$top
        for file in bin/nv-fabricmanager etc/fabricmanager.cfg systemd/nvidia-fabricmanager.service; do
            [ -f "$source/$file" ] && [ ! -L "$source/$file" ] || fail "$archive has no file $file."
        done

        # The files of the archive, each with its place.
        nvswitch=/usr/share/nvidia/nvswitch
        for file in "$source"/bin/*; do echo "$file /usr/bin/${file##*/} 755"; done >"$work.list"
        for file in "$source"/share/nvidia/nvswitch/* "$source"/etc/*.cfg; do
            echo "$file $nvswitch/${file##*/} 644"
        done >>"$work.list"
        echo "$source/systemd/nvidia-fabricmanager.service /usr/lib/systemd/system/nvidia-fabricmanager.service 644" \
            >>"$work.list"
        mv "$work.list" "$work/list"
        while read -r file path mode; do
            [ -f "$file" ] && [ ! -L "$file" ] || continue
            sum=$(sha256sum <"$file")
            if [ -e "$path" ] || [ -L "$path" ]; then
                [ "$(sha256sum <"$path" 2>/dev/null)" = "$sum" ] || owned "$record" "$path" ||
                    fail "$path is there already, and the agent did not write it."
            fi
            echo "${sum%% *}  $path" >>"$work/new"
        done <"$work/list"

        # Both the former files and the new ones are the agent's until the end: note VERSION FILE...
        note() {
            { echo "# fabricmanager $1"; shift; cat "$@" 2>/dev/null | grep -v '^#' | sort -u; } >"$record.new" &&
                sync "$record.new" && mv "$record.new" "$record" && sync "$record"
        }
        note incomplete "$record" "$work/new" || fail "The agent cannot write $record."
        while read -r file path mode; do
            [ -f "$file" ] && [ ! -L "$file" ] || continue
            mkdir -p "${path%/*}" && cp "$file" "$path.gpu-agent" && chmod "$mode" "$path.gpu-agent" &&
                mv "$path.gpu-agent" "$path" || fail "The agent cannot write $path."
        done <"$work/list"
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

package import NodeModel

/// The commands that remove files which the agent wrote around a driver.
///
/// Somebody can have replaced such a file since the plan was made. So each command looks at the file first, and leaves a
/// file that is not the agent's any more.
extension OwnFile {
    /// The command that removes a file if its first line is still the agent's; a missing file is not an error.
    package static func removal(of path: String) -> [String] {
        ["sh", "-ec", script, "remove-own-file", path, mark]
    }

    private static let script = """
        file=$1 mark=$2 first=
        { [ -f "$file" ] && IFS= read -r first <"$file"; } || :
        case $first in "$mark"*) rm -f "$file" ;; esac
        """

    /// The command that removes the license token if its checksum is still one that the agent recorded.
    ///
    /// It also removes the record, and directories in which nothing else is.
    package static let tokenRemoval = [
        "sh", "-ec",
        """
        token=$1 record=$2 directory=${1%/*}
        if [ -f "$token" ] && [ ! -L "$token" ] && [ -f "$record" ]; then
            sum=$(sha256sum <"$token")
            if grep -qxF "${sum%% *}" "$record"; then rm -f "$token"; fi
        fi
        rm -f "$record"
        for path in "$directory" "${directory%/*}"; do
            [ ! -d "$path" ] || [ -n "$(ls -A "$path")" ] || rmdir "$path"
        done
        """,
        "remove-license-token", LicenseFiles.tokenPath, HostLayout.licenseToken,
    ]
}

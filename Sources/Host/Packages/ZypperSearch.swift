import NodeModel

/// Asks zypper which packages the repositories of a host offer.
///
/// It reads the indexes that the host has, and loads nothing. zypper asks a repository without an index on the host, also
/// with `--no-refresh`. So the search names the repositories that have one.
struct ZypperSearch: Sendable {
    let commands: HostCommands
    /// How long the question may take.
    let deadline: Duration

    /// The packages whose names match a pattern, the newest version of each name first.
    ///
    /// - Parameter patterns: Names of packages, with the wildcards of a shell.
    /// - Returns: The packages, with their versions (`EPOCH:VERSION-RELEASE`).
    /// - Throws: When zypper fails, or when it finds nothing and a repository has no index.
    func packages(_ patterns: [String]) async throws(HostError) -> [OfferedPackage] {
        let command = ["sh", "-c", Self.script, "zypper-search"] + patterns
        // Otherwise, zypper does not even read while another one works.
        let environment = ["LC_ALL": "C", "ZYPP_READONLY_HACK": "1"]
        let output = try await commands.run(command, deadline: deadline, environment: environment)
        return Self.parse(output.output)
    }

    /// The script, which prints a line `NAME|VERSION` for each package.
    ///
    /// zypper exits with 104 when it finds nothing.
    private static let script = #"""
        zypp() { zypper --non-interactive --no-refresh --xmlout "$@"; }
        repositories=$(zypp repos) || { echo "$repositories" >&2; exit 1; }
        indexed='' lacking=''
        # An option cannot name a repository whose name has a space.
        for alias in $(echo "$repositories" | sed -n 's/^<repo alias="\([^"]*\)".* enabled="1".*/\1/p' | tr ' ' '?'); do
            if [ -e "/var/cache/zypp/solv/$alias/solv" ]; then
                indexed="$indexed --repo $alias"
            else
                lacking="$lacking $alias"
            fi
        done
        status=104
        if [ -n "$indexed" ]; then
            found=$(zypp search $indexed --details --type package "$@")
            status=$?
        fi
        case $status in
        0) echo "$found" | sed -n 's/^<solvable .* name="\([^"]*\)" .* edition="\([^"]*\)" .*/\1|\2/p' ;;
        104)
            [ -z "$lacking" ] || {
                echo "these repositories have no index, and 'zypper refresh' fetches it:$lacking" >&2
                exit 1
            }
            ;;
        *) echo "$found" >&2; exit "$status" ;;
        esac
        """#

    /// Reads the output of the script.
    static func parse(_ output: String) -> [OfferedPackage] {
        output.split(whereSeparator: \.isNewline).compactMap { line in
            let fields = line.split(separator: "|").map(String.init)
            return fields.count == 2 ? OfferedPackage(printedName: fields[0], version: fields[1]) : nil
        }
    }
}

import Glibc
import TestSupport
import Testing

/// The real dnf 5, which `scripts/setup` unpacks with its libraries from a newer Debian than that of the other programs.
enum Dnf5 {
    static let files = "/usr/local/share/gpu-agent-tests/dnf5"
    static var isThere: Bool { access("\(files)/ld", X_OK) == 0 }
}

extension SimulatedNode {
    /// Puts dnf 5 in the place of dnf.
    ///
    /// The path is short, because a finding has the first words of a process only.
    func replaceDnf() async throws {
        let wrapper = """
            #!/bin/sh
            RPM_CONFIGDIR=/d5/usr/lib/rpm exec /d5/ld --library-path /d5/lib /d5/usr/bin/dnf5 "$@"
            """
        let script = """
            ln -s "$1" /d5
            rm -f /usr/bin/dnf
            printf '%s\\n' "$2" >/usr/bin/dnf
            chmod 755 /usr/bin/dnf
            """
        try await run(["sh", "-ec", script, "sh", Dnf5.files, wrapper])
    }
}

/// The condition for tests with dnf 5.
extension Trait where Self == ConditionTrait {
    static var havingDnf5: Self {
        .enabled("needs dnf 5, which scripts/setup unpacks where Debian's mirror has it") {
            Dnf5.isThere
        }
    }
}

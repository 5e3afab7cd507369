import FoundationEssentials
import NodeModel
import Planning
import TestSupport
import Testing

/// The script for tdnf, with what real ones printed.
///
/// Debian has no tdnf. Each file in `Transcripts` names the public report that it is from, the exit status, and for each
/// line its stream: 1 or 2.
@Suite(.onSimulatedNodes, .having("rpmbuild", "createrepo_c"), .timeLimit(.minutes(10)))
struct TdnfTranscriptTests {
    /// What tdnf prints for each of its commands, and what the script makes of it.
    struct Row: Sendable, CustomTestStringConvertible {
        var testDescription: String { "\(preview), \(refresh)" }
        /// The names of files in `Transcripts`.
        var refresh = "refreshed"
        var preview: String
        var install: String?
        /// More rows in front of those of the table, so that tdnf writes it in more than one piece.
        var fillers = 0
        var packages: [String]
        var exit: Int
        var error: String
        /// The packages that the script noted before the change.
        var added: [String] = []
    }

    static let rows = [
        Row(
            preview: "not-found",
            packages: ["xfsprogs-5.15.0-2.azl3"],
            exit: 82,
            error: "No repository has xfsprogs-5.15.0-2.azl3. The index of the packages is new."
        ),
        Row(
            refresh: "repositories-disabled",
            preview: "not-found",
            packages: ["xfsprogs-5.15.0-2.azl3"],
            exit: 82,
            error: "No repository has xfsprogs-5.15.0-2.azl3. The refresh of the package index failed: Error: Failed "
                + "to synchronize cache for repo 'CBL-Mariner Official Base 2.0 aarch64' Error(1261) : SSL peer "
                + "certificate or SSH remote key was not OK Error: Failed to synchronize cache for repo 'CBL-Mariner Official "
                + "Microsoft 2.0 aarch64'"
        ),
        Row(
            preview: "table-with-epochs",
            install: "transaction-failed",
            packages: ["build-essential"],
            exit: 80,
            error: "tdnf did not install build-essential (status 245): Error(1525) : rpm transaction failed",
            added: [
                "perl-interpreter", "perl-libs", "perl-File-stat", "binutils-devel", "make", "kernel-headers",
                "build-essential",
            ]
        ),
        Row(
            preview: "narrow-table",
            install: "transaction-failed",
            packages: ["git"],
            exit: 80,
            error: "tdnf did not install git (status 245): Error(1525) : rpm transaction failed",
            added: ["perl-File-Basename", "perl-Scalar-List-Utils", "apr-util", "file-libs"]
        ),
        // The error of the abort would be in the middle of a row.
        Row(
            preview: "table-with-epochs",
            install: "transaction-failed",
            fillers: 60,
            packages: ["build-essential"],
            exit: 80,
            error: "tdnf did not install build-essential (status 245): Error(1525) : rpm transaction failed",
            added: (1...60).map { "filler-\($0)" } + [
                "perl-interpreter", "perl-libs", "perl-File-stat", "binutils-devel", "make", "kernel-headers",
                "build-essential",
            ]
        ),
        Row(
            preview: "upgrade",
            packages: ["python3-devel"],
            exit: 83,
            error: "The install would upgrade python3, python3-curses, python3-libs."
        ),
        Row(
            preview: "unsatisfiable",
            packages: ["nginx"],
            exit: 80,
            error: "tdnf cannot install nginx: Error(1301) : Solv general runtime error"
        ),
        Row(
            preview: "file-missing",
            install: "file-missing",
            packages: ["gdb"],
            exit: 85,
            error: "A repository does not have a file that its index names: Error: 404 when downloading "
                + "https://packages.vmware.com/photonx/4.0/photon_updates_4.0_x86_64/x86_64/gdb-10.1-2.ph4.x86_64.rpm. "
                + "The index of the packages is new.",
            added: ["gdb"]
        ),
        Row(
            preview: "lock",
            packages: ["make"],
            exit: 81,
            error: "After 2 seconds: WARNING: failed to acquire lock on: /var/run/.tdnf-instance-lockfile, retrying ..."
        ),
    ]

    @Test(arguments: rows)
    func aRecordingLeadsToItsResult(_ row: Row) async throws {
        try await SimulatedNode.with("h100", set: ["headers=no"]) { node in
            let kernel = "6.6.85.1-4.azl3"
            let repository = try await RPMRepository(node, Tdnf(), kernel: kernel, build: "/usr/src/linux")
            try await Self.replay(
                [("refresh", row.refresh), ("preview", row.preview), ("install", row.install)],
                fillers: row.fillers,
                on: node
            )
            let install = try await repository.packages.install(row.packages, patience: row.exit == 81 ? 2 : 30)
            install.expectExit(row.exit)
            #expect(install.error == row.error)
            #expect(repository.packages.recorded() == row.added.map { "add \($0)" }.sorted())
        }
    }

    /// What is downloaded ahead is installed from its files, without any repository.
    @Test func aDownloadBecomesAnInstallOfFiles() async throws {
        try await SimulatedNode.with("h100") { node in
            let repository = try await RPMRepository(node, Tdnf(), kernel: "6.6.85.1-4.azl3", build: "/usr/src/linux")
            let lsof = OfferedPackage(name: "lsof", version: "4.95.0-1.ph4")
            var install = InstallFabricPackages(packages: [lsof], installer: Tdnf(), version: "1")
            try await Self.replay(
                [("refresh", "refreshed"), ("preview", "two-packages"), ("download", "downloaded")],
                on: node
            )
            try await repository.packages.run(DownloadFabricPackages(for: install).step).expectExit(0)
            let directory = "\(HostLayout.packages)/fabric-packages"
            #expect(node.text("\(directory)/complete") == "lsof=4.95.0-1.ph4\n")
            #expect(node.text(HostLayout.fabricPackages) == nil)

            try await node.run(["rm", "/run/tdnf/arguments"])
            try await Self.replay([("preview", "file-preview"), ("install", "file-installed")], on: node)
            install.isDownloaded = true
            let installed = try await repository.packages.run(install.step)
            // The recording installs nothing.
            installed.expectExit(80)
            #expect(installed.error == "tdnf did not install lsof (status 0): Complete!")
            #expect(node.text(HostLayout.fabricPackages) == "add paho-c\n")
            let calls = (node.text("/run/tdnf/arguments") ?? "").split(separator: "\n")
            #expect(calls.count == 2 && calls.allSatisfy { $0.hasPrefix("-c ") }, "\(calls)")
            let file = "\(directory)/lsof-4.95.0-1.ph4.x86_64.rpm"
            #expect(calls.last?.hasSuffix("/tdnf.conf --nogpgcheck -y install \(file)") == true, "\(calls)")
            #expect(!node.exists(directory))
        }
    }

    /// Puts a program in the place of tdnf that prints recordings.
    ///
    /// `recordings` has the names of files in `Transcripts`, by what tdnf is asked for. `fillers` is the number of rows in front
    /// of those of a table.
    private static func replay(
        _ recordings: [(command: String, name: String?)],
        fillers: Int = 0,
        on node: SimulatedNode
    ) async throws {
        try await node.run([
            "sh", "-ec", "mkdir -p /run/tdnf; printf '%s\\n' \"$1\" >/usr/bin/tdnf; chmod 755 /usr/bin/tdnf", "sh",
            program,
        ])
        for (command, name) in recordings {
            guard let name else { continue }
            let file = "\(Programs.repository)/Tests/EndToEndTests/Packages/Transcripts/\(name).txt"
            var text = String(decoding: try Data(contentsOf: URL(filePath: file)), as: UTF8.self)
            let rows = (0..<fillers).map { number in
                "1 filler-\(number + 1)    noarch    1-1    base    1.00k    1.00k\n"
            }
            text.replace("1 Installing:\n", with: "1 Installing:\n" + rows.joined())
            try await node.run(["sh", "-c", "printf '%s' \"$2\" >/run/tdnf/$1", "sh", command, text])
        }
    }

    /// Writes to a file as tdnf does: the output in pieces of 4096 bytes, and the errors at once.
    private static let program = """
        #!/bin/bash
        echo "$*" >>/run/tdnf/arguments
        for word; do
            case $word in --downloaddir=*) : >"${word#*=}/lsof-4.95.0-1.ph4.x86_64.rpm" ;; esac
        done
        case " $* " in
        *' makecache '*) file=/run/tdnf/refresh ;;
        *' --downloadonly '*) file=/run/tdnf/download ;;
        *' --assumeno '*) file=/run/tdnf/preview ;;
        *) file=/run/tdnf/install ;;
        esac
        out=$(mktemp)
        sed -n 's/^1 //p' "$file" >"$out"
        pieces=$(($(stat -c %s "$out") / 4096 * 4096))
        head -c $pieces "$out"
        sed -n 's/^2 //p' "$file" >&2
        status=$(sed -n 's/^# status //p' "$file")
        [ "$status" != 124 ] || sleep 60
        tail -c +$((pieces + 1)) "$out"
        rm "$out"
        exit "$status"
        """
}

import NodeModel
import Planning
import TestSupport

/// A repository of small RPM packages on a simulated host, whose package database begins with one package: `t-libc`.
struct RPMRepository: Sendable {
    let packages: PackageNode
    var node: SimulatedNode { packages.node }

    /// The header of a spec file and its list of files, with the commands that make the files.
    struct Spec: Sendable {
        var name: String
        var version: String
        var fields: [String] = []
        var files: [String: String] = [:]
        /// Files and directories of the host, by their place in the package.
        var copies: [String: String] = [:]
        var script = ""
        /// Runs after the package was removed.
        var afterRemoval = ""
        var architecture = "noarch"
    }

    init(_ node: SimulatedNode, _ installer: any PackageInstaller, kernel: String, build: String) async throws {
        packages = PackageNode(node: node, installer: installer, kernel: kernel)
        try await node.run(["sh", "-ec", Self.tools])
        // The file that another package has on a real host.
        let build = "mkdir -p /lib/modules/\(kernel); ln -sfn \(build) /lib/modules/\(kernel)/build"
        try await node.run(["sh", "-c", build])
        try await add([
            Spec(name: "t-libc", version: "1-100"), Spec(name: "t-libc", version: "1-125"),
            Spec(name: "t-libc-devel", version: "1-100", fields: ["Requires: t-libc = 1-100"]),
            Spec(name: "t-libc-devel", version: "1-125", fields: ["Requires: t-libc = 1-125"]),
            Spec(name: "t-gcc", version: "11-1", fields: ["Requires: t-libc-devel", "Recommends: t-recommended"]),
            Spec(name: "t-recommended", version: "1-1"), Spec(name: "t-make", version: "1-1"),
            Spec(name: "t-new", version: "1-1", fields: ["Requires: t-libc >= 1-125"]),
            Spec(name: "t-sh", version: "1-1", fields: ["Provides: /bin/sh"]),
            Spec(name: "t-slow", version: "1-1", script: "while [ -e /run/slow ]; do sleep 0.1; done"),
        ])
        try await node.run(["sh", "-c", "rpm -i /repo/noarch/t-libc-1-100.noarch.rpm"])
    }

    /// Builds packages and adds them to the repository.
    func add(_ specs: [Spec]) async throws {
        for spec in specs {
            let version = spec.version.split(separator: "-")
            let header =
                [
                    "Name: \(spec.name)", "Version: \(version[0])", "Release: \(version[1])",
                    "Summary: made for a test",
                    "License: none", "BuildArch: \(spec.architecture)",
                ] + spec.fields
            let files = spec.files.sorted { $0.key < $1.key }
            let body =
                ["%description", "made for a test", "%install"]
                + files.map {
                    "mkdir -p $(dirname %{buildroot}\($0.key)); echo '\($0.value)' >%{buildroot}\($0.key)"
                }
                + spec.copies.map { place, source in
                    "mkdir -p $(dirname %{buildroot}\(place)); cp -R \(source) %{buildroot}\(place)"
                }
                + (spec.script.isEmpty ? [] : ["%post", spec.script])
                + (spec.afterRemoval.isEmpty ? [] : ["%postun", spec.afterRemoval]) + ["%files"] + files.map(\.key)
                + spec.copies.keys.sorted().map { $0.hasPrefix("/etc/") ? "%config(noreplace) \($0)" : $0 }
            try await node.run(["sh", "-ec", Self.build, "sh", (header + body).joined(separator: "\n")])
        }
        try await node.run(["createrepo_c", "-q", "/repo"])
    }

    func installed() async throws -> [String] {
        try await node.run(["rpm", "-qa"]).split(separator: "\n").map(String.init).sorted()
    }

    private static let tools = """
        rm -rf /var/lib/rpm /etc/yum.repos.d /etc/zypp/repos.d
        mkdir -p /repo /etc/rpm /etc/yum.repos.d /var/lib/gpu-agent
        # Debian's rpm has its database in the home directory.
        echo '%_dbpath /var/lib/rpm' >/etc/rpm/macros.test
        printf '[test]\\nname=test\\nbaseurl=file:///repo\\ngpgcheck=0\\n' >/etc/yum.repos.d/test.repo

        """
    private static let build = """
        top=$(mktemp -d)
        printf '%s\\n' "$1" >"$top/test.spec"
        rpmbuild -bb --quiet --define "_topdir $top" --define '_rpmdir /repo' --define '_build_id_links none' \
            --define '__os_install_post %{nil}' \
            "$top/test.spec" >"$top/log" 2>&1 || { cat "$top/log" >&2; exit 1; }
        rm -rf "$top"
        """
}

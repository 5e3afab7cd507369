import Glibc
import NodeModel
import Planning
import TestSupport

/// A repository of small Debian packages on a simulated host, which is the only source of apt there.
struct DebianRepository: Sendable {
    let packages: PackageNode
    var node: SimulatedNode { packages.node }

    /// The release of the kernel of a simulated host, which is that of this machine.
    static let kernel: String = {
        var names = utsname()
        uname(&names)
        return withUnsafeBytes(of: names.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }()
    static let headers = "linux-headers-\(kernel)"

    /// Makes the repository with the headers of the kernel, which depend on another package, and a package `t-tool`.
    init(_ node: SimulatedNode, headersOf release: String = Self.kernel) async throws {
        packages = PackageNode(node: node, installer: AptGet(), kernel: Self.kernel)
        try await node.run(["sh", "-ec", Self.tools + Self.sources])
        try await add("t-kbuild")
        try await add("t-tool", depends: "t-kbuild")
        try await addHeaders(of: release)
        // A package manager of another system must not count, and the host is a new one.
        try await node.run(["sh", "-c", "mkdir -p /var/lib/gpu-agent; rm -f /usr/bin/dnf /usr/bin/zypper"])
    }

    /// Adds the headers of the running kernel, whose files say that they are of a release.
    func addHeaders(of release: String, script: String = "") async throws {
        let files = """
            headers=$root/usr/src/\(Self.headers); mkdir -p $headers/include/generated $root/lib/modules/\(Self.kernel)
            echo '#define UTS_RELEASE "\(release)"' >$headers/include/generated/utsrelease.h
            echo '# headers' >$headers/Makefile
            ln -s /usr/src/\(Self.headers) $root/lib/modules/\(Self.kernel)/build
            """
        try await add(Self.headers, depends: "t-kbuild", script: script, files: files)
    }

    /// Adds a package, whose script runs after it was unpacked.
    func add(
        _ name: String,
        version: String = "1.0",
        depends: String = "",
        source: String = "",
        script: String = "",
        files: String = ""
    ) async throws {
        try await node.run(["sh", "-ec", Self.package, "sh", name, version, depends, script, files, source])
    }

    /// Installs a package and removes it again, so that the files of apt, dpkg and debconf are those of a host on which
    /// they ran.
    func runOnce() async throws {
        let script = "apt-get -q update; apt-get -qy install t-tool; apt-get -qy purge t-tool t-kbuild"
        try await node.run(["sh", "-ec", script])
    }

    /// The packages that the host has, with their states and holds.
    func installed() async throws -> [String] {
        try await node.run(["dpkg-query", "-W", "-f", "${Package} ${Version} ${Status}\\n"])
            .split(separator: "\n").map(String.init)
    }

    private static let tools = """
        mkdir -p /repo /run/lock
        cat >/run/lock.py <<'END'
        import fcntl, os, sys, time
        file = open(sys.argv[1], "a")
        fcntl.lockf(file, fcntl.LOCK_EX)
        os.close(os.open("/run/locked", os.O_CREAT))
        time.sleep(float(sys.argv[2]))
        END

        """
    private static let sources = """
        rm -rf /etc/apt/sources.list.d/* /etc/apt/sources.list /var/lib/apt/lists/*
        echo 'deb [trusted=yes] file:/repo ./' >/etc/apt/sources.list
        """
    private static let package = """
        name=$1 root=$(mktemp -d)
        mkdir -p "$root/DEBIAN" "$root/usr/share/gpu-sim"
        echo "$name" >"$root/usr/share/gpu-sim/$name"
        printf '%s\\n' "Package: $name" "Version: $2" 'Architecture: all' 'Maintainer: test <test@example.com>' \
            'Description: made for a test' >"$root/DEBIAN/control"
        [ -z "$3" ] || echo "Depends: $3" >>"$root/DEBIAN/control"
        [ -z "$6" ] || echo "Source: $6" >>"$root/DEBIAN/control"
        [ -z "$4" ] || { printf '#!/bin/sh\\n%s\\n' "$4" >"$root/DEBIAN/postinst"; chmod 755 "$root/DEBIAN/postinst"; }
        eval "$5"
        dpkg-deb --root-owner-group -Zgzip --build "$root" /repo >/dev/null
        rm -rf "$root"
        cd /repo
        for file in *.deb; do
            dpkg-deb -f "$file"
            printf '%s\\n' "Filename: ./$file" "Size: $(stat -c %s "$file")" \
                "SHA256: $(sha256sum "$file" | cut -d ' ' -f 1)" ''
        done | gzip >Packages.gz
        """
}

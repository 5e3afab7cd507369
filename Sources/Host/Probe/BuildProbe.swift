import NodeModel

/// Finds the tools that build a kernel module, the kernel headers, and the free disk space.
enum BuildProbe {
    private static let programs: [HostPath] = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin"]
    private static let writtenTo: [HostPath] = [
        "/", "/usr", "/var/lib", "/tmp", "/var/lib/gpu-agent", "/var/cache", "/lib/modules", "/boot",
    ]

    static func read(_ root: HostRoot, kernelRelease: Reading<String>) -> BuildFacts {
        let kernelCompiler = root.reading("/proc/version") { Compiler($0, isKernel: true) }
        return BuildFacts(
            compiler: program(["cc", "gcc"], root),
            kernelCompiler: kernelCompiler,
            namedCompiler: kernelCompiler.flatMap { compiler in
                compiler.namesWithMajor.isEmpty ? .absent : program(compiler.namesWithMajor, root)
            },
            make: program(["make"], root),
            dkms: program(["dkms"], root),
            headersRelease: kernelRelease.flatMap { headersRelease($0, root) },
            freeSpace: writtenTo.map { freeSpace($0, root) },
            packageTools: packageTools(root),
            noExec: MountTable.noExec(writtenTo.map(\.text), root),
            initramfsMebibytes: initramfsSize(root),
            buildPackages: root.reading(HostPath(stringLiteral: HostLayout.buildPackages), parse: parseAdded),
            ownFabricPackages: root.reading(HostPath(stringLiteral: HostLayout.fabricPackages), parse: parseAdded),
            keptFabricPackages: KeptFabricProbe.read(root)
        )
    }

    /// The first of these programs in the usual directories.
    static func program(_ names: [String], _ root: HostRoot) -> Reading<String> {
        let paths = names.flatMap { name in programs.map { $0.appending(name) } }
        return root.firstExisting(paths, where: \.isExecutable)
    }

    /// Which of the known programs that install packages the host has; absent when it has none of them.
    private static func packageTools(_ root: HostRoot) -> Reading<[String]> {
        let known = ["apt-get", "dnf", "tdnf", "zypper"]
        let found = known.map { name in program([name], root).map { _ in name } }
        if let failure = found.lazy.compactMap(\.failure).first { return .unreadable(failure) }
        let names = found.compactMap(\.value)
        return names.isEmpty ? .absent : .present(names)
    }

    /// The names in the lines `add NAME`; other lines are about holds.
    static func parseAdded(_ text: String) -> [String]? {
        text.split(whereSeparator: \.isNewline).filter { $0.hasPrefix("add ") }.map { String($0.dropFirst(4)) }
    }

    /// The release of the kernel whose headers are in the directory that a build for this kernel uses.
    static func headersRelease(_ release: String, _ root: HostRoot) -> Reading<String> {
        let build: HostPath
        do throws(HostError) { build = try HostPath("/lib/modules").entry(release).appending("build") } catch {
            return .unreadable(ReadFailure(error))
        }
        let header = root.reading(build.appending("include/generated/utsrelease.h"), parse: parseReleaseHeader)
        return header.isAbsent ? root.reading(build.appending("include/config/kernel.release")) : header
    }

    /// The release in `#define UTS_RELEASE "6.1.0-56-cloud-amd64"`; nil when there is no such line.
    static func parseReleaseHeader(_ text: String) -> String? {
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: \.isWhitespace)
            guard words.count == 3, words[0] == "#define", words[1] == "UTS_RELEASE", words[2].count > 2,
                words[2].first == "\"", words[2].last == "\""
            else { continue }
            return String(words[2].dropFirst().dropLast())
        }
        return nil
    }

    private static func freeSpace(_ path: HostPath, _ root: HostRoot) -> FreeSpace {
        do throws(HostError) {
            let space = try root.freeSpace(path)
            let free = space.map { Reading.present($0.mebibytes) } ?? .absent
            return FreeSpace(path: path.text, mebibytes: free, fileSystem: space?.fileSystem)
        } catch { return FreeSpace(path: path.text, mebibytes: .unreadable(ReadFailure(error))) }
    }

    /// The size of the largest initramfs, in MiB; absent when there is none.
    private static func initramfsSize(_ root: HostRoot) -> Reading<Int> {
        reading { () throws(HostError) in
            var largest: Int?
            for name in try root.list("/boot") ?? [] where name.hasPrefix("initrd") || name.hasPrefix("initramfs") {
                guard let file = try root.status(HostPath("/boot").entry(name)), file.kind == .file else { continue }
                largest = max(largest ?? 0, file.size)
            }
            return largest.map { ($0 + 0xfffff) >> 20 }
        }
    }
}

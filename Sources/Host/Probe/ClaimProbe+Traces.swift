import NodeModel

/// The files that installers leave: NVIDIA's own installer, DKMS, the AKS node image and the GRID packages.
extension ClaimProbe {
    static let runfileLog: HostPath = "/var/lib/nvidia/log"
    static let dkmsDirectory: HostPath = "/var/lib/dkms"
    static let aksMarkerFile: HostPath = "/opt/azure/aks-gpu/dkms-marker"

    /// The driver version in the backup log of nvidia-installer.
    ///
    /// nvidia-installer uses this log to uninstall the driver. The first line is the version, the second describes the
    /// driver, and the others name the installed files.
    static func runfile(_ root: HostRoot) -> Reading<String> {
        // The log names several hundred files.
        let text = reading { () throws(HostError) in try root.text(runfileLog, limit: 8 << 20) }
        return text.flatMap { text in
            let line = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).first?.trimmed ?? ""
            guard DriverVersion(line) != nil else {
                let what = "the first line '\(line.prefix(200))' is not a driver version"
                return .unreadable(ReadFailure(.malformed, "\(runfileLog): \(what)"))
            }
            return .present(line)
        }
    }

    /// The driver's module trees in DKMS (NAME/VERSION), with the kernels that each was built for
    /// (KERNEL/ARCHITECTURE).
    static func dkmsTrees(_ root: HostRoot) -> Reading<[DKMSTree]> {
        reading { () throws(HostError) in
            guard let names = try root.list(dkmsDirectory) else { return nil }
            var trees: [DKMSTree] = []
            for name in names where isDriverModule(name) {
                let module = try dkmsDirectory.entry(name)
                // `kernel-RELEASE-ARCHITECTURE` is a symbolic link to the version that is installed for a kernel.
                for version in try directories(in: module, root) where version != "original_module" {
                    let tree = try module.entry(version)
                    let (builds, kernels) = try builds(in: tree, root)
                    let source = DKMSSource(of: tree, root)
                    let isHalfBuilt = source.lacksModules { name throws(HostError) in
                        for build in builds where try !hasModule(name, in: build, root) { return true }
                        return false
                    }
                    trees.append(
                        DKMSTree(
                            name: name,
                            version: version,
                            kernels: kernels,
                            lacksSource: source == .gone ? true : nil,
                            isHalfBuilt: isHalfBuilt ? true : nil
                        )
                    )
                }
            }
            return trees
        }
    }

    /// The directories with the modules of a tree, and the kernels that it has a build for.
    private static func builds(
        in tree: HostPath,
        _ root: HostRoot
    ) throws(HostError) -> (modules: [HostPath], kernels: [String]) {
        var modules: [HostPath] = []
        var kernels: [String] = []
        for kernel in try directories(in: tree, root) where kernel != "source" && kernel != "build" {
            let inside = try tree.entry(kernel)
            let architectures = try directories(in: inside, root).filter { Architecture(rawValue: $0) != nil }
            if !architectures.isEmpty { kernels.append(kernel) }
            for architecture in architectures {
                let build = try inside.entry(architecture).entry("module")
                if try root.status(build, followLink: false)?.kind == .directory { modules.append(build) }
            }
        }
        return (modules, kernels)
    }

    /// Whether a build has a module, compressed or not.
    ///
    /// A power failure can leave an empty file.
    private static func hasModule(_ name: String, in build: HostPath, _ root: HostRoot) throws(HostError) -> Bool {
        for file in try root.list(build) ?? [] where file.hasPrefix("\(name).ko") {
            if let status = try root.status(build.entry(file)), status.size > 0 { return true }
        }
        return false
    }

    /// Whether a module tree belongs to the driver.
    ///
    /// `nvidia-fs`, for example, is a separate module.
    static func isDriverModule(_ name: String) -> Bool {
        let lines = ["nvidia-current", "nvidia-open", "nvidia-srv", "nvidia-legacy", "nvidia-tesla", "nvidia-grid"]
        if name == "nvidia" || lines.contains(where: name.hasPrefix) { return true }
        let branch = name.hasPrefix("nvidia-") ? name.dropFirst("nvidia-".count).prefix(3) : ""
        return branch.count == 3 && branch.allSatisfy(\.isWholeNumber)
    }

    /// The names of the subdirectories, without symbolic links; empty when the directory does not exist.
    private static func directories(in path: HostPath, _ root: HostRoot) throws(HostError) -> [String] {
        guard try root.status(path, followLink: false)?.kind == .directory else { return [] }
        var found: [String] = []
        for name in try root.list(path) ?? [] {
            if try root.status(path.entry(name), followLink: false)?.kind == .directory { found.append(name) }
        }
        return found
    }

    /// The marker file of an AKS node image that contains a driver for one kernel.
    static func aksMarker(_ root: HostRoot) -> Reading<AKSMarker> {
        reading { () throws(HostError) in try root.text(aksMarkerFile, limit: 64 << 10) }.map(parseMarker)
    }

    /// Parses `key=value` lines, with or without quotes.
    ///
    /// Other lines are ignored.
    ///
    /// kernel=6.8.0-1044-azure
    /// driver_version=580.159.04
    /// driver_kind=cuda-lts
    static func parseMarker(_ text: String) -> AKSMarker {
        var values: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            guard let separator = line.firstIndex(where: { $0 == "=" || $0 == ":" }) else { continue }
            let key = bare(line[..<separator])
            let value = bare(line[line.index(after: separator)...])
            // A file can contain NUL characters after a crash of the machine.
            let isText = value.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f && $0 != "\u{fffd}" }
            if !value.isEmpty, isText { values[key] = value }
        }
        return AKSMarker(
            version: values["driver_version"],
            kind: values["driver_kind"],
            kernel: values["kernel"]
        )
    }

    /// The text without surrounding white space, quotes and commas.
    private static func bare(_ text: Substring) -> String {
        func isAround(_ character: Character) -> Bool { character.isWhitespace || "\"',".contains(character) }
        guard let first = text.firstIndex(where: { !isAround($0) }), let last = text.lastIndex(where: { !isAround($0) })
        else { return "" }
        return String(text[first...last])
    }

    /// The unit file of `nvidia-gridd` that systemd uses.
    ///
    /// A masked unit is a symbolic link to `/dev/null` and is ignored.
    static func gridUnit(_ root: HostRoot) -> Reading<String> {
        root.firstExisting(DriverProgramProbe.unitDirectories.map { $0.appending("nvidia-gridd.service") }) {
            $0.kind == .file
        }
    }
}

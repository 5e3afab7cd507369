package import NodeModel
import Support

/// The facts as text for users: one line for each fact, with the reason for each fact that is not known.
package struct FactsText {
    package var facts: NodeFacts
    package var style: Style

    package init(facts: NodeFacts, style: Style) {
        self.facts = facts
        self.style = style
    }

    package var text: String {
        let sections = [host, pci, driver, claims, build, vendor].filter { !$0.isEmpty }
        return sections.map { $0.joined(separator: "\n") }.joined(separator: "\n\n") + "\n"
    }

    /// A list for one row: its first items, with the number of those that are left out here or were left out before.
    ///
    /// A host can have any number of modules, processes and packages.
    func listed(_ items: [String], leftOut: Int? = nil, separator: String = ", ") -> String {
        let shown = items.prefix(32)
        let more = items.count - shown.count + (leftOut ?? 0)
        return (shown + (more == 0 ? [] : ["and \(more) more"])).joined(separator: separator)
    }

    func section(_ title: String, _ rows: [(String, String)]) -> [String] {
        let width = rows.map(\.0.count).max() ?? 0
        return [style.bold(title)] + rows.map { "  \(padded($0.0, width))  \($0.1)" }
    }

    func say<Value>(_ reading: Reading<Value>, _ words: (Value) -> String) -> String {
        switch reading {
        case .present(let value): words(value)
        case .absent: style.faint("absent")
        case .absentBecause(let why): style.faint("absent: \(why)")
        case .unreadable(let failure): style.yellow("unreadable (\(failure.reason.rawValue)): \(failure.detail)")
        case .skipped(let why): style.faint("skipped: \(why)")
        }
    }

    private var host: [String] {
        let host = facts.host
        let dmi = host.dmi.value
        let firmware = [dmi?.biosVersion.map { "BIOS \($0)" }, dmi?.hypervisorVersion.map { "Xen \($0)" }]
            .compactMap(\.self)
        let pending: [(String, String)] = host.pendingKernel.value.map { [("pending kernel", $0.release)] } ?? []
        let system: [(String, String)] = [
            ("operating system", say(host.osRelease) { $0.prettyName ?? $0.id }),
            ("kernel", say(host.kernelRelease) { $0 }),
        ]
        return section(
            "Host",
            system + pending + [
                ("architecture", say(host.architecture) { $0.rawValue }),
                (
                    "machine",
                    say(host.dmi) { dmi in
                        [dmi.systemVendor, dmi.productName, dmi.productVersion, dmi.chassisAssetTag]
                            .compactMap(\.self).joined(separator: ", ")
                    }
                ),
            ] + (firmware.isEmpty ? [] : [("firmware", firmware.joined(separator: ", "))]) + [
                ("hypervisor", say(host.hypervisor) { $0 ? "yes" : "none" }),
                ("Secure Boot", say(host.secureBoot) { $0 ? "on" : "off" }),
                ("kernel lockdown", say(host.lockdown) { $0.rawValue }),
                ("sig_enforce", say(host.signatureEnforcement) { $0 ? "yes" : "no" }),
                ("/usr", say(host.usrIsReadOnly) { $0 ? "read-only" : "writable" }),
            ]
        )
    }

    /// One row for each of the first items, and one for the number of the others.
    private func rows(_ name: String, _ items: [String], _ leftOut: Int?) -> [(String, String)] {
        let shown = items.prefix(32)
        let more = items.count - shown.count + (leftOut ?? 0)
        return shown.map { (name, $0) } + (more == 0 ? [] : [(name, "and \(more) more")])
    }

    private var driver: [String] {
        let driver = facts.driver
        let leftOut = driver.leftOut ?? [:]
        let unusable = (driver.unusableNodes ?? [:]).sorted { $0.key < $1.key }.map { "\($0): \($1)" }
        func listed(_ names: [String], _ list: String) -> String {
            names.isEmpty ? "none" : self.listed(names, leftOut: leftOut[list])
        }
        let others: [(String, String)] =
            switch driver.otherLibraries {
            case .present(let files):
                rows("another library", files.map { "\($0.version), \($0.path)" }, leftOut["otherLibraries"])
            case .unreadable: [("other libraries", say(driver.otherLibraries) { _ in "" })]
            case .absent, .absentBecause, .skipped: []
            }
        return section(
            "Driver",
            [
                ("loaded module", say(driver.loadedVersion) { $0 }),
                ("/proc/driver/nvidia", say(driver.runningModule) { "\($0.version), \($0.kernelModuleType.rawValue)" }),
                (
                    "module file",
                    say(driver.moduleFile) { "\($0.version), \($0.kernelModuleType.rawValue), \($0.path)" }
                ),
                ("libnvidia-ml", say(driver.nvmlLibrary) { "\($0.version), \($0.path)" }),
                ("libcuda", say(driver.cudaLibrary) { "\($0.version), \($0.path)" }),
            ] + others + [
                ("nvidia-gridd", say(driver.gridDaemon) { $0 })
            ] + programs + [
                ("loaded modules", say(driver.loadedModules) { listed($0, "loadedModules") }),
                ("nouveau", say(driver.nouveauLoaded) { $0 ? "loaded" : "not loaded" }),
                ("device nodes", say(driver.deviceNodes) { listed($0, "deviceNodes") }),
            ] + rows("unusable node", unusable, leftOut["unusableNodes"]) + [
                (
                    "installed by agent",
                    say(driver.record) { "\($0.kind.rawValue) \($0.version), \($0.state.rawValue)" }
                )
            ] + (driver.uninstall.map { [("uninstall", "\($0.version ?? "no driver"), \($0.state.rawValue)")] } ?? [])
        )
    }

    /// What runs in the background, with its unit; a row for each program that is on the host or runs.
    private var programs: [(String, String)] {
        let surroundings = facts.driver.surroundings
        let programs = (surroundings?.programs ?? [:]).sorted { $0.key < $1.key }
        let rows = programs.compactMap { name, program -> (String, String)? in
            guard program.path != nil || program.unitFile != nil || program.isRunning == true else { return nil }
            let state = program.isRunning.map { $0 ? "runs" : "does not run" } ?? "not known whether it runs"
            return ("\(name) service", [state, program.unitFile ?? "no unit"].joined(separator: ", "))
        }
        guard let license = surroundings?.license, license != LicenseFiles() else { return rows }
        let files = (license.token == nil ? [] : ["\(LicenseFiles.tokenPath) (of this agent)"]) + license.foreign
        return rows + [("license files", listed(files))]
    }

    private var build: [String] {
        let build = facts.build
        let bundled = build.bundle.value.map { $0.names.joined(separator: ", ") }
        let bundle: [(String, String)] = bundled.map { [("packages in driver.source", $0)] } ?? []
        return section(
            "Build",
            [
                ("compiler", say(build.compiler) { $0 }),
                ("compiler version", say(build.compilerVersion) { "\($0)" }),
                ("kernel's compiler", say(build.kernelCompiler) { "\($0)" }),
                ("compiler of that version", say(build.namedCompiler) { $0 }),
                ("make", say(build.make) { $0 }),
                ("dkms", say(build.dkms) { $0 }),
                ("kernel headers", say(build.headersRelease) { $0 }),
                ("package tools", say(build.packageTools) { $0.joined(separator: ", ") }),
            ] + (build.buildPackages.value.map { [("installed for the build", $0.joined(separator: ", "))] } ?? [])
                + (build.prebuiltPackages.value.map { offered in
                    let known = PrebuiltDistributions.known(on: facts.host.osRelease.value)
                    let modules = offered.map(\.name).filter { known?.isModulePackage($0) == true }
                    return [("prebuilt modules", modules.joined(separator: ", "))]
                } ?? [])
                + bundle
                + build.freeSpace.map { space in ("free in \(space.path)", say(space.mebibytes) { "\($0) MiB" }) }
        )
    }
}

package import NodeModel
package import Selection

/// Runs NVIDIA's installer from a driver package.
package struct RunInstaller: Operation {
    package var driver: DriverTarget
    /// The file name of the package.
    package var fileName: String
    /// Whether the host has DKMS, which then also builds the modules for later kernels.
    package var dkms: Bool
    /// The compiler for the kernel modules; nil for the default compiler (`cc`).
    package var compiler: String?
    /// The version of the driver that the agent installed before; nil when there is none.
    package var replaces: String?
    /// The directory in which the installer unpacks itself.
    package var work: String
    /// The key that signs the kernel modules; nil when they need no signature.
    package var signing: ModuleSigning?

    package init(
        driver: DriverTarget,
        fileName: String,
        dkms: Bool,
        compiler: String? = nil,
        replaces: String? = nil,
        work: String = HostLayout.work,
        signing: ModuleSigning? = nil
    ) {
        self.driver = driver
        self.fileName = fileName
        self.dkms = dkms
        self.compiler = compiler
        self.replaces = replaces
        self.work = work
        self.signing = signing
    }

    package static func jobName(_ version: String) -> String { StepID.install.jobName(for: version) }

    package var id: StepID { .install }
    package var title: String { "install the \(driver)" }
    package var changes: String {
        "the kernel modules, libraries and tools of the driver, and the log \(HostLayout.installerLog)"
    }
    package var changesDriver: Bool { true }
    package var deadlineSeconds: Int { 1800 }
    package var effects: [Effect] {
        [
            .makeDirectories([work]),
            .job(
                Effect.Job(
                    name: Self.jobName(driver.version.description),
                    command: command,
                    // A killed compiler leaves files behind. They are removed together with the work directory.
                    // The installer and the build of the kernel modules both read CC.
                    environment: ["TMPDIR": work].merging(compiler.map { ["CC": $0] } ?? [:]) { $1 },
                    log: HostLayout.installerLog,
                    provides: driver.version.description,
                    scratch: work
                )
            ),
        ]
    }
    package var failure: StepFailure {
        StepFailure(
            .installerFailed,
            subject: "the installer",
            remedy: "Read \(HostLayout.installerLog) on the node.",
            readsKernelLog: true
        )
    }
    package var inverse: (any Operation)? {
        RunUninstaller(
            version: driver.version.description,
            package: "\(HostLayout.packages)/\(fileName)",
            work: work
        )
    }
    package var leaves: String? { replaces.map { "the driver \($0) is not restored" } }

    private var command: [String] {
        [
            "sh", "\(HostLayout.packages)/\(fileName)", "--silent",
        ] + kernelModuleTypeOption + [
            "--no-drm", "--log-file-name=\(HostLayout.installerLog)", "--tmpdir=\(work)",
        ] + signatureOptions
    }

    /// The options for DKMS and for the signature.
    ///
    /// DKMS signs with a key of its own, which the kernel may not trust. So it does not build signed modules.
    private var signatureOptions: [String] {
        guard let signing else { return dkms ? ["--dkms"] : [] }
        return (dkms ? ["--no-dkms"] : []) + [
            "--module-signing-secret-key=\(signing.key)",
            "--module-signing-public-key=\(signing.certificate)",
        ]
    }

    /// The option of the installer that selects the kernel module type.
    ///
    /// Packages since branch 560 have `-M`. Packages since branch 515, the first with open modules, have `-m` with the
    /// directory to build. Older packages have only proprietary modules and no option. Source: the option table of
    /// nvidia-installer.
    private var kernelModuleTypeOption: [String] {
        switch driver.version.branch {
        case 560...: ["-M", driver.kernelModuleType.rawValue]
        case 515...: [driver.kernelModuleType == .open ? "-m=kernel-open" : "-m=kernel"]
        default: []
        }
    }
}

/// Removes a driver with the uninstaller that NVIDIA's installer put on the host.
package struct RunUninstaller: Operation {
    package var version: String
    /// The path of the driver package, which can also uninstall the driver while it is on the host; nil when the path
    /// is not known.
    package var package: String?
    /// The directory in which the package unpacks itself (`BuildFacts.workDirectory`).
    package var work: String

    package init(version: String, package: String?, work: String = HostLayout.work) {
        self.version = version
        self.package = package
        self.work = work
    }

    package var id: StepID { .uninstall }
    package var title: String { "uninstall the driver \(version)" }
    package var changes: String { "the kernel modules, libraries and tools of the driver" }
    package var disrupts: Bool { true }
    package var changesDriver: Bool { true }
    package var deadlineSeconds: Int { 900 }
    package var effects: [Effect] {
        // If the installer was killed, its uninstaller can be missing or incomplete.
        let other = package.map { path in
            "elif [ -e \(shellLine([path])) ]; then sh \(shellLine([path])) --uninstall --silent\n"
        }
        let script = """
            if command -v nvidia-uninstall >/dev/null && nvidia-uninstall --silent; then :
            \(other ?? "")elif command -v nvidia-uninstall >/dev/null; then exit 1
            fi
            """
        return [
            .makeDirectories([work]),
            .job(
                Effect.Job(
                    name: StepID.uninstall.jobName(for: version),
                    command: ["sh", "-ec", script],
                    environment: ["TMPDIR": work]
                )
            ),
        ]
    }
    package var failure: StepFailure {
        StepFailure(
            .driverRemovalFailed,
            subject: "the uninstaller",
            remedy: "Read /var/log/nvidia-uninstall.log on the node. Then run 'gpu-agent uninstall'."
        )
    }
    package var leaves: String? { "the driver \(version) is not restored" }
}

extension StepID {
    package static let uninstall = StepID(rawValue: "uninstall")
}

/// The name of an operation in the journal, the metrics and the progress of an install.
///
/// Each operation declares its name.
package struct StepID: RawRepresentable, Codable, Sendable, Hashable {
    package let rawValue: String

    package init(rawValue: String) {
        self.rawValue = rawValue
    }
}

extension StepID {
    package static let begin = StepID(rawValue: "begin")
    /// The steps that only prepare the kernel of the next boot.
    package static let ofNextBoot: Set<StepID> = [.buildAhead, .headersAhead, .modulesAhead, .staleDKMSAhead]

    package static let buildAhead = StepID(rawValue: "build-ahead")
    package static let packageIndex = StepID(rawValue: "package-index")
    package static let buildPackages = StepID(rawValue: "build-packages")
    package static let driverPackages = StepID(rawValue: "driver-packages")
    package static let downloadPackages = StepID(rawValue: "download-packages")
    package static let download = StepID(rawValue: "download")
    package static let copy = StepID(rawValue: "copy")
    package static let headersAhead = StepID(rawValue: "headers-ahead")
    package static let modulesAhead = StepID(rawValue: "modules-ahead")
    package static let unload = StepID(rawValue: "unload")
    package static let remove = StepID(rawValue: "remove")
    package static let install = StepID(rawValue: "install")
    package static let load = StepID(rawValue: "load")
    package static let verify = StepID(rawValue: "verify")
    package static let finish = StepID(rawValue: "finish")
    package static let blacklist = StepID(rawValue: "blacklist")
    package static let removeBlacklist = StepID(rawValue: "remove-blacklist")
    package static let moduleParameters = StepID(rawValue: "module-parameters")
    package static let deviceNodes = StepID(rawValue: "device-nodes")
    package static let deviceRule = StepID(rawValue: "device-rule")
    package static let license = StepID(rawValue: "license")
    package static let removeLicense = StepID(rawValue: "remove-license")
    package static let persistenced = StepID(rawValue: "persistenced")
    package static let removePersistenced = StepID(rawValue: "remove-persistenced")
    package static let fabricManager = StepID(rawValue: "fabric-manager")
    package static let downloadFabricManager = StepID(rawValue: "download-fabric-manager")
    package static let installFabricManager = StepID(rawValue: "install-fabric-manager")
    package static let removeFabricManager = StepID(rawValue: "remove-fabric-manager")
    package static let downloadFabricPackages = StepID(rawValue: "download-fabric-packages")
    package static let fabricPackages = StepID(rawValue: "fabric-packages")
    package static let removeFabricPackages = StepID(rawValue: "remove-fabric-packages")
    package static let imex = StepID(rawValue: "imex")
    package static let stopIMEX = StepID(rawValue: "stop-imex")
    package static let stopFabricManager = StepID(rawValue: "stop-fabric-manager")
    package static let removeDeviceRule = StepID(rawValue: "remove-device-rule")
    package static let removeModuleParameters = StepID(rawValue: "remove-module-parameters")
    package static let release = StepID(rawValue: "release")
    package static let startServices = StepID(rawValue: "start-services")
    package static let staleDKMS = StepID(rawValue: "stale-dkms")
    package static let staleDKMSAhead = StepID(rawValue: "stale-dkms-ahead")
    package static let stopServices = StepID(rawValue: "stop-services")

    /// The steps whose changes do not end with the driver of their install, and which a later install does not repeat.
    package static let outliving: Set<StepID> = [
        .blacklist, .release, .buildPackages, .headersAhead, .buildAhead, .moduleParameters, .deviceRule, .license,
        .persistenced, .fabricManager, .installFabricManager, .fabricPackages, .imex, .staleDKMS, .staleDKMSAhead,
    ]

    /// The steps that prepare the kernel of the next boot.
    ///
    /// Their failure says nothing about the driver that runs.
    package static let ahead: Set<StepID> = [.staleDKMSAhead, .headersAhead, .buildAhead, .modulesAhead]

    /// The steps around a driver, which an uninstall undoes after it has removed the driver.
    ///
    /// Until then, a driver that cannot be unloaded keeps what is around it.
    package static let aroundDriver: Set<StepID> = [.moduleParameters, .deviceRule, .license, .persistenced]

    /// The steps that bring the programs for NVLink beside a driver from NVIDIA's installer.
    package static let fabric: Set<StepID> = [.fabricManager, .installFabricManager, .fabricPackages, .imex]

    /// The names of all operations of this version and of earlier ones.
    ///
    /// A journal with another name is from a newer version.
    package static let known: Set<StepID> = Set(
        [
            "begin", "blacklist", "build-ahead", "build-packages", "copy", "device-nodes", "device-rule", "download",
            "download-fabric-manager", "download-fabric-packages", "download-packages", "driver-packages",
            "fabric-manager", "fabric-packages", "finish", "forget", "headers-ahead", "imex", "install",
            "install-fabric-manager", "license", "load", "module-parameters", "modules-ahead", "package-index",
            "persistenced",
            "release", "remove", "remove-ahead", "remove-blacklist", "remove-build-packages", "remove-device-rule",
            "remove-driver-packages", "remove-fabric-manager", "remove-fabric-packages", "remove-license",
            "remove-module-parameters", "remove-package", "remove-persistenced", "stale-dkms", "stale-dkms-ahead",
            "start-services", "stop-fabric-manager", "stop-imex", "stop-services", "sync", "uninstall", "unload",
            "verify",
        ].map(StepID.init(rawValue:))
    )

    /// The name of the job that executes the step for a driver version.
    package func jobName(for version: String) -> String { "\(rawValue)-\(version)" }
}

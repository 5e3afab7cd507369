import NodeModel

extension Readiness {
    /// Derives the readiness of a node from the outcomes of its checks.
    ///
    /// - Parameters:
    ///   - findings: The findings of all checks of the node, including those that are only consequences.
    ///   - driver: The driver on the host.
    init(_ findings: [Finding], _ driver: DriverFacts) {
        let tests = findings.filter(\.isAboutUsingTheGPUs)
        let passes = findings.contains { $0.code == .cudaFailed && $0.state == .pass }
        let isLicensed = !findings.contains { $0.state == .failed && ReasonCode.licenseFailures.contains($0.code) }
        if passes, isLicensed, tests.allSatisfy({ [.pass, .notApplicable, .notice, .warning].contains($0.state) }) {
            self = .usable
        } else if findings.contains(where: \.showsThatGPUsDoNotWork) || driver.loadedVersion.isAbsent {
            self = .notUsable
        } else {
            self = .unknown
        }
    }
}

extension Check {
    /// Whether the check uses the GPUs as a container does.
    ///
    /// A license is not part of it: without one, a vGPU works, but slowly (`ReasonCode.licenseFailures`). What the API server knows does not concern the GPUs.
    fileprivate var testsTheGPUs: Bool { phase == .use && [.gpus, .mig].contains(group) }
}

extension Finding {
    /// The parts of a driver without which no container can use a GPU.
    private static let parts: Set<ReasonCode> = [.driverMissing, .driverNotLoaded, .deviceNodesMissing]

    fileprivate var isAboutUsingTheGPUs: Bool {
        Self.parts.contains(code) || ReasonCode.severeErrors.contains(code)
            || CheckRegistry.check(code)?.testsTheGPUs ?? false
    }

    /// Whether this finding means that containers cannot use the GPUs.
    ///
    /// A vGPU without a license is too slow for them.
    var showsThatGPUsDoNotWork: Bool {
        state == .failed && (isAboutUsingTheGPUs || ReasonCode.licenseFailures.contains(code))
    }
}

extension [Finding] {
    /// The findings for a node with this readiness: on a usable node, a failure is a warning.
    ///
    /// Such a failure is about a driver that the agent would not choose, or about an install that is not possible. It
    /// is also a warning that the agent could not tell. That the node does not offer its GPUs yet stays what it is.
    func weighed(for readiness: Readiness) -> [Finding] {
        guard readiness == .usable else { return self }
        return map { finding in
            var finding = finding
            guard finding.code != .gpuNotOffered else { return finding }
            if [.failed, .unknown].contains(finding.state) { finding.state = .warning }
            return finding
        }
    }
}

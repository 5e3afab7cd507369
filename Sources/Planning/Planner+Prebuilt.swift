import NodeModel
import Selection

extension Planner {
    /// The plan to install a driver from packages of the distribution; nil when the decision is for NVIDIA's package, or
    /// when the host has no program that installs packages.
    func installPackages(_ facts: NodeFacts, _ decision: Decision, journal: Journal?) -> Plan? {
        guard let driver = decision.driver, let packages = driver.packages,
            let system = facts.host.osRelease.value, let installer = PackageInstallers.used(on: system),
            let kernel = facts.host.kernelRelease.value
        else { return nil }
        let record = InstallRecord(
            state: .started,
            kind: driver.kind,
            version: driver.version.description,
            kernelModuleType: driver.kernelModuleType,
            replaces: facts.driver.record.value.flatMap { $0.state == .installed ? $0.version : $0.replaces },
            takesOver: decision.takesOver,
            kernelRelease: kernel,
            bootID: facts.host.bootID.value,
            artifactHash: "",
            packages: packages.map(\.name)
        )
        let released = OtherGPUDriver.releasable(for: decision.gpus, in: facts)
        let recipe = Prebuilt(
            facts: facts,
            driver: driver,
            packages: packages,
            installer: installer,
            record: record,
            released: released,
            journal: journal,
            surroundings: Surroundings(driver: facts.driver, configuration: surroundings, isOwn: true)
        )
        let preflight = Preflight(
            facts: facts,
            artifact: nil,
            kernel: kernel,
            gpus: decision.gpus,
            released: released
        )
        let problems = recipe.isInstalled ? [] : preflight.problems
        return Plan(decision: decision, steps: recipe.operations.map(\.step), problems: problems)
    }
}

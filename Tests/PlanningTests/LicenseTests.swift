import FoundationEssentials
import NodeModel
import Planning
import Selection
import Support
import TestSupport
import Testing

/// Plans for the license of a GRID driver.
@Suite struct LicenseTests {
    private static let digest = Checksum(.sha256, String(repeating: "ab", count: 32))
    private static let former = Checksum(.sha256, String(repeating: "cd", count: 32))
    private static let token = LicenseToken(file: "/etc/gpu-agent-license/token.tok", digest: digest)
    private static let policy = LicensePolicy(tokenFile: token.file, feature: .vgpu)
    private static let text = "# gpu-agent: the license of its configuration (license).\nFeatureType=1\n"

    /// A host with systemd and the unit of the license daemon.
    private static func surroundings(
        _ files: LicenseFiles? = LicenseFiles(),
        configuration: String? = nil,
        isRunning: Bool = true,
        token: Reading<LicenseToken> = .present(token)
    ) -> DriverSurroundings {
        let daemon = DriverProgram(
            path: "/usr/bin/nvidia-gridd",
            unitFile: "/usr/lib/systemd/system/nvidia-gridd.service",
            isRunning: isRunning
        )
        return DriverSurroundings(
            ownFiles: configuration.map { [LicenseFiles.configuration: OwnFile.lines($0)] } ?? [:],
            hasSystemd: true,
            programs: ["nvidia-gridd": daemon],
            license: files,
            licenseToken: token
        )
    }

    private func adopt(_ found: DriverSurroundings, _ license: LicensePolicy? = policy) -> Plan {
        SurroundingsTests.adopt(SurroundingsTests.own(found), SurroundingsPolicy(license: license))
    }

    private func install(_ facts: NodeFacts, _ license: LicensePolicy? = policy, _ kind: DriverKind = .grid) -> Plan {
        var decision = Installs.plan(facts).decision
        decision.driver?.kind = kind
        return Planner(surroundings: SurroundingsPolicy(license: license)).plan(facts, decision, journal: nil)
    }

    private static let fresh = NodeFacts.rtxProVGPU.with { $0.driver.surroundings = surroundings() }

    private static let whole = surroundings(LicenseFiles(token: digest), configuration: text)

    @Test func anInstallSetsUpTheLicenseAtItsEnd() throws {
        let plan = install(Self.fresh)
        #expect(plan.steps.map(\.id).suffix(2) == [.finish, .license] && plan.problems.isEmpty)
        let step = try #require(plan.steps.last)
        let secret = Effect.Secret(source: Self.token.file, path: LicenseFiles.tokenPath, digest: Self.digest)
        #expect(
            step.effects.dropLast() == [
                .writeFile(path: HostLayout.licenseToken, text: "\(Self.digest.hex)\n"), .writeSecret(secret),
                .writeFile(path: LicenseFiles.configuration, text: Self.text),
            ]
        )
        guard case .run(let commands) = try #require(step.effects.last) else {
            Issue.record("the step does not start the daemon")
            return
        }
        #expect(commands.count == 1 && commands[0].last == "restart-license-daemon")
        #expect(step.title == "write the license configuration and the license token, and start nvidia-gridd")
        #expect(!step.disrupts && step.failure.code == .licenseDaemonNotRunning)
        #expect(step.inverse.map(\.id) == [.removeLicense])
        let data = try JSONEncoder().encode(step)
        #expect(try JSONDecoder().decode(PlannedStep.self, from: data) == step)
    }

    @Test func aHostWithoutSystemdGetsOnlyTheFiles() throws {
        let facts = Self.fresh.with { $0.driver.surroundings?.hasSystemd = false }
        let step = try #require(install(facts).steps.last)
        #expect(step.id == .license && step.effects.count == 3)
        #expect(step.title == "write the license configuration and the license token")
    }

    @Test func onlyAGRIDDriverNeedsALicense() {
        #expect(install(Self.fresh, nil).steps.last?.id == .finish)
        let plan = install(Self.fresh, Self.policy, .datacenter)
        #expect(plan.steps.last?.id == .finish && plan.problems.isEmpty)
        // A datacenter driver in place of a GRID driver.
        let changed = Self.fresh.with { $0.driver.surroundings = Self.whole }
        #expect(install(changed, Self.policy, .datacenter).steps.last?.title.hasPrefix("remove the license") == true)
    }

    /// Without the token, the driver would be installed and its license would be missing.
    @Test func aTokenThatCannotBeUsedPreventsAnInstall() {
        let missing = Reading<LicenseToken>.unreadable(ReadFailure(.io, "/token does not exist"))
        let facts = Self.fresh.with { $0.driver.surroundings?.licenseToken = missing }
        let plan = install(facts)
        #expect(plan.problems.map(\.code) == [.licenseTokenUnusable])
        #expect(plan.problems.first?.observed == "The agent cannot use the license token: /token does not exist.")
        #expect(install(facts, Self.policy, .datacenter).problems.isEmpty)
        #expect(install(facts, LicensePolicy(feature: .vgpu)).problems.isEmpty)
        // A driver that is on the host is loaded nevertheless, and its license stays as it is.
        var found = Self.whole
        found.licenseToken = missing
        let adopted = adopt(found)
        #expect(adopted.problems.isEmpty && adopted.steps.isEmpty)
        let unloaded = SurroundingsTests.own(found).with { facts in
            facts.driver = facts.driver.unloaded
            facts.driver.surroundings = found
        }
        let loads = SurroundingsTests.adopt(unloaded, SurroundingsPolicy(license: Self.policy))
        #expect(loads.problems.isEmpty && loads.steps.map(\.id) == [.load, .verify])
    }

    @Test func anAdoptionChangesOnlyWhatDiffers() throws {
        #expect(adopt(Self.whole).steps.isEmpty)
        #expect(adopt(Self.surroundings(nil)).steps.isEmpty)
        #expect(adopt(Self.surroundings(token: .skipped("not inspected"))).steps.isEmpty)
        let other = adopt(Self.surroundings(LicenseFiles(token: Self.former), configuration: Self.text)).steps
        #expect(other.map(\.title) == ["write the license token, and start nvidia-gridd"])
        let digests = "\(Self.former.hex)\n\(Self.digest.hex)\n"
        #expect(other.first?.effects.first == .writeFile(path: HostLayout.licenseToken, text: digests))
        let feature = LicensePolicy(tokenFile: Self.token.file, feature: .compute)
        let changed = try #require(adopt(Self.whole, feature).steps.first)
        #expect(changed.title == "write the license configuration, and start nvidia-gridd")
        // Without a token in the configuration, the agent's token goes.
        let withoutToken = try #require(adopt(Self.whole, LicensePolicy(feature: .vgpu)).steps.first)
        #expect(withoutToken.effects.first == .run([OwnFile.tokenRemoval]))
    }

    @Test func aDaemonThatDoesNotRunIsStartedAgain() {
        let stopped = Self.surroundings(LicenseFiles(token: Self.digest), configuration: Self.text, isRunning: false)
        #expect(adopt(stopped).steps.map(\.title) == ["start nvidia-gridd again"])
        // The agent starts no daemon that has no unit, and no daemon without a license in the configuration.
        var withoutUnit = stopped
        withoutUnit.programs?["nvidia-gridd"]?.unitFile = nil
        #expect(adopt(withoutUnit).steps.isEmpty)
        #expect(adopt(Self.surroundings(isRunning: false), nil).steps.isEmpty)
    }

    @Test func filesOfOthersStay() throws {
        let configuration = LicenseFiles.configuration
        let theirs = LicenseFiles.tokenDirectory + "/client_configuration_token_11-28-2026.tok"
        let both = adopt(Self.surroundings(LicenseFiles(foreign: [theirs, configuration])))
        #expect(both.steps.isEmpty)
        #expect(
            both.leftAlone
                == [theirs, configuration].map { "\($0) stays as it is, because the agent did not write it." }
        )
        let onlyToken = adopt(Self.surroundings(LicenseFiles(foreign: [configuration])))
        #expect(onlyToken.steps.map(\.title) == ["write the license token, and start nvidia-gridd"])
        #expect(onlyToken.leftAlone?.count == 1)
        let onlyConfiguration = adopt(Self.surroundings(LicenseFiles(foreign: [theirs])))
        #expect(onlyConfiguration.steps.map(\.title) == ["write the license configuration, and start nvidia-gridd"])
        #expect(adopt(Self.whole).leftAlone == nil)
        let planned = install(Self.fresh.with { $0.driver.surroundings?.license?.foreign = [configuration] })
        #expect(planned.leftAlone?.count == 1)
    }

    @Test func aDroppedLicenseIsRemoved() throws {
        let steps = adopt(Self.whole, nil).steps
        #expect(steps.map(\.id) == [.license] && steps.first?.inverse.map(\.id) == [.removeLicense])
        #expect(adopt(Self.surroundings(LicenseFiles(foreign: [LicenseFiles.configuration])), nil).steps.isEmpty)
        let foreign = SurroundingsTests.own(Self.surroundings()).with { $0.driver.record = .absent }
        #expect(SurroundingsTests.adopt(foreign, SurroundingsPolicy(license: Self.policy)).steps.isEmpty)
    }

    /// The daemon of the old driver does not run beside the modules of the new one.
    @Test func anUpgradeStopsTheDaemonFirst() throws {
        let facts = Installs.own.with { $0.driver.surroundings = Self.whole }
        let unload = try #require(install(facts).steps.first { $0.id == .unload })
        #expect(unload.stoppedServices == ["nvidia-gridd.service"])
        let foreign = Installs.foreign.with { $0.driver.surroundings = Self.whole }
        #expect(Installs.plan(foreign, takesOver: .runfile).steps.allSatisfy { $0.stoppedServices.isEmpty })
    }

    @Test func anUninstallRemovesTheLicenseAfterTheDriver() {
        let plan = install(Self.fresh)
        let journal = Installs.journal(plan, steps: plan.steps.count)
        let facts = NodeFacts.rtxProReady.with {
            $0.claims.deviceUsers = .present([])
            $0.claims.runfile = .present(Installs.version)
        }
        let steps = Uninstall(journal: .present(journal), facts: facts).steps.map(\.id.rawValue)
        #expect(steps == ["unload", "uninstall", "verify", "remove-license", "remove-package", "forget"])
        for id in steps { #expect(StepID.known.contains(StepID(rawValue: id)), "\(id)") }
    }
}

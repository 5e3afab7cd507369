import NodeModel
import Planning
import Selection
import TestSupport
import Testing

/// When the installer signs the kernel modules, and with which key.
@Suite struct ModuleSigningPlanTests {
    private static let files = ModuleSigning(key: "/root/MOK.priv", certificate: "/root/MOK.der")
    private static let enrolled = Reading.present(SigningKey(files: files, isEnrolled: true))

    private static func host(_ secureBoot: Reading<Bool>, _ key: Reading<SigningKey>) -> HostFacts {
        NodeFacts.h100.with { ($0.host.secureBoot, $0.host.signingKey) = (secureBoot, key) }.host
    }

    @Test func onlyAnEnrolledKeyThatIsNeededSigns() {
        let other = Reading.present(SigningKey(files: Self.files, isEnrolled: false))
        #expect(ModuleSignaturePolicy.key(Self.host(.present(true), Self.enrolled)) == Self.files)
        #expect(ModuleSignaturePolicy.key(Self.host(.unreadable(.denied), Self.enrolled)) == Self.files)
        #expect(ModuleSignaturePolicy.key(Self.host(.present(false), Self.enrolled)) == nil)
        #expect(ModuleSignaturePolicy.key(Self.host(.present(true), other)) == nil)
        #expect(ModuleSignaturePolicy.key(Self.host(.present(true), .unreadable(.denied))) == nil)
        // A kernel that enforces signatures without Secure Boot does not trust enrolled keys.
        var enforcing = Self.host(.present(false), Self.enrolled)
        enforcing.signatureEnforcement = .present(true)
        #expect(ModuleSignaturePolicy.key(enforcing) == nil)
    }

    @Test(arguments: [true, false])
    func theInstallerSignsWithoutDKMS(_ dkms: Bool) throws {
        let driver = DriverTarget(
            kind: .datacenter,
            version: try #require(DriverVersion("595.71.05")),
            kernelModuleType: .open
        )
        let installer = RunInstaller(driver: driver, fileName: "a.run", dkms: dkms, signing: Self.files)
        let command = installer.effects.compactMap { effect in
            if case .job(let job) = effect { job.command } else { nil }
        }.first
        let options = ["--module-signing-secret-key=/root/MOK.priv", "--module-signing-public-key=/root/MOK.der"]
        #expect(command?.suffix(2) == options[...])
        #expect(command?.contains("--no-dkms") == dkms && command?.contains("--dkms") == false)
    }
}

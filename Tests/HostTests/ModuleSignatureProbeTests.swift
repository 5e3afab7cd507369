import NodeModel
import TestSupport
import Testing

@testable import Host

/// Reads Secure Boot, lockdown and `module.sig_enforce` from a directory tree that was copied from a node.
@Suite struct ModuleSignatureProbeTests {
    private let tree: TemporaryDirectory
    private let probe: HostProbe

    init() throws {
        tree = try TemporaryDirectory()
        probe = HostProbe(root: try HostRoot(tree.path), commands: nil)
    }

    @Test(arguments: [([6, 0, 0, 0, 1], true), ([6, 0, 0, 0, 0], false)] as [([UInt8], Bool)])
    func readsSecureBoot(_ bytes: [UInt8], _ expected: Bool) async throws {
        let variables = "sys/firmware/efi/efivars"
        try tree.write("\(variables)/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", bytes: bytes)
        #expect(await probe.hostFacts().secureBoot == .present(expected))
    }

    @Test func doesNotTakeAnUnmountedEfivarfsForNoSecureBoot() async throws {
        let variables = "sys/firmware/efi/efivars"
        try tree.makeDirectory(variables)
        #expect(await probe.hostFacts().secureBoot.failure?.reason == .io)
        try tree.write("\(variables)/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", bytes: [6, 0, 0])
        #expect(await probe.hostFacts().secureBoot.failure?.reason == .malformed)
    }

    /// An EFI machine has a state of Secure Boot, also when the kernel cannot read it (`efi=noruntime`).
    @Test func doesNotTakeMissingEFIVariablesForNoSecureBoot() async throws {
        try tree.makeDirectory("sys/firmware/efi")
        #expect(await probe.hostFacts().secureBoot.failure?.detail.hasSuffix("the kernel has no EFI variables") == true)
    }

    @Test func aFirmwareWithoutTheVariableHasNoSecureBoot() async throws {
        try tree.write("sys/firmware/efi/efivars/BootOrder-8be4df61-93ca-11d2-aa0d-00e098032b8c", bytes: [7, 0, 0, 0])
        #expect(await probe.hostFacts().secureBoot == .absent)
    }

    @Test(
        arguments: [
            ("[none] integrity confidentiality\n", KernelLockdown.none),
            ("none [integrity] confidentiality\n", .integrity),
            ("none integrity [confidentiality]\n", .confidentiality), ("[integrity]", .integrity),
            ("none integrity confidentiality\n", nil), ("[none] [integrity]\n", nil), ("[strict]\n", nil), ("[]", nil),
            ("[", nil), ("", nil),
        ] as [(String, KernelLockdown?)]
    )
    func readsTheLockdownMode(_ text: String, _ expected: KernelLockdown?) async throws {
        try tree.write("sys/kernel/security/lockdown", text)
        let lockdown = await probe.hostFacts().lockdown
        #expect(lockdown.value == expected)
        #expect((lockdown.failure?.reason == .malformed) == (expected == nil))
    }

    @Test func aKernelWithoutLockdownIsNotAHostWithoutSecurityfs() async throws {
        try tree.makeDirectory("sys/kernel/security")
        #expect(
            await probe.hostFacts().lockdown == .skipped("/sys/kernel/security: securityfs is not mounted")
        )
        try tree.write("sys/kernel/security/lsm", "capability,yama")
        #expect(await probe.hostFacts().lockdown == .absent)
    }

    @Test(arguments: [("Y\n", true), ("N\n", false), ("1\n", nil), ("", nil)] as [(String, Bool?)])
    func readsWhetherSignaturesAreEnforced(_ text: String, _ expected: Bool?) async throws {
        try tree.write("sys/module/module/parameters/sig_enforce", text)
        let enforcement = await probe.hostFacts().signatureEnforcement
        #expect(enforcement.value == expected)
        #expect((enforcement.failure?.reason == .malformed) == (expected == nil))
    }
}

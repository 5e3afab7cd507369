import FoundationEssentials
import Glibc
import NodeModel
import Subprocess
import SystemPackage
import TestSupport
import Testing

@testable import Host

/// Reads the signing key and the machine owner keys from a directory tree that was copied from a node.
@Suite struct SigningKeyProbeTests {
    private let tree: TemporaryDirectory
    private let root: HostRoot
    private let files = ModuleSigning(key: "/root/MOK.priv", certificate: "/root/MOK.der")
    private let certificate: [UInt8]
    private static let copy = "sys/firmware/efi/mok-variables/MokListRT"

    init() async throws {
        let pair = try await SigningPair.shared.value
        certificate = pair.certificate
        tree = try TemporaryDirectory()
        root = try HostRoot(tree.path)
        try tree.write("root/MOK.priv", pair.key)
        chmod(tree.path("root/MOK.priv"), 0o600)
        try tree.write("root/MOK.der", bytes: certificate)
        chmod(tree.path("root/MOK.der"), 0o644)
    }

    /// A list of certificates of the same size, as the shim writes it.
    static func list(_ certificates: [[UInt8]], type: [UInt8] = x509) -> [UInt8] {
        let entry = 16 + (certificates.first?.count ?? 0)
        func bytes(_ number: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) } }
        var list = type
        for number in [28 + entry * certificates.count, 0, entry] { list += bytes(number) }
        for certificate in certificates { list += Array(repeating: 1, count: 16) + certificate }
        return list
    }

    static let x509: [UInt8] = [
        0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72,
    ]

    private func read() async -> Reading<SigningKey> { await SigningKeyProbe.read(root, files) }

    @Test func findsTheCertificateAmongOthers() async throws {
        #expect(await read() == .present(SigningKey(files: files, isEnrolled: false)))
        let other = Array(certificate.dropLast()) + [8]
        try tree.write(Self.copy, bytes: Self.list([other]))
        #expect(await read().value?.isEnrolled == false)
        let hashes = Self.list([[1, 2]], type: Array(repeating: 9, count: 16))
        try tree.write(Self.copy, bytes: hashes + Self.list([other, certificate]))
        #expect(await read().value?.isEnrolled == true)
    }

    @Test func readsTheVariableWithoutACopyOfTheKernel() async throws {
        let variable = "sys/firmware/efi/efivars/MokListRT-605dab50-e046-4300-abb6-3dd810dd8b23"
        try tree.write(variable, bytes: [6, 0, 0, 0] + Self.list([certificate]))
        #expect(await read().value?.isEnrolled == true)
        // The copy of the kernel wins.
        try tree.write(Self.copy, bytes: [])
        #expect(await read().value?.isEnrolled == false)
    }

    @Test func theKeysOfTheFirmwareDoNotCount() async throws {
        let variable = "sys/firmware/efi/efivars/db-d719b2cb-3d3a-4596-a3bc-dad00e67656f"
        try tree.write(variable, bytes: [6, 0, 0, 0] + Self.list([certificate]))
        #expect(await read().value?.isEnrolled == false)
    }

    @Test(arguments: [0o640, 0o604, 0o610] as [mode_t])
    func refusesAKeyThatOthersCanUse(_ mode: mode_t) async {
        chmod(tree.path("root/MOK.priv"), mode)
        #expect(await read().failure?.reason == .permission)
    }

    @Test func refusesWrongFiles() async throws {
        try tree.write("root/MOK.der", "-----BEGIN CERTIFICATE-----\nMIID\n-----END CERTIFICATE-----\n")
        #expect(await read().failure?.reason == .malformed)
        try tree.write("root/MOK.der", bytes: certificate + [0])
        #expect(await read().failure?.reason == .malformed)
        unlink(tree.path("root/MOK.der"))
        #expect(await read().failure?.detail == "/root/MOK.der does not exist")
        try tree.link("root/MOK.der", to: "MOK.priv")
        #expect(await read().failure?.detail == "/root/MOK.der is not a regular file")
    }

    /// The kernel would reject the modules after the build.
    @Test func aKeyOfAnotherCertificateIsFound() async throws {
        try await tree.write("root/MOK.priv", SigningPair.other.value.key)
        chmod(tree.path("root/MOK.priv"), 0o600)
        let pair = "the private key /root/MOK.priv does not belong to the certificate /root/MOK.der"
        let detail = "\(pair), or the agent does not know this kind of key"
        #expect(await read().failure == ReadFailure(.malformed, detail))
        try tree.write("root/MOK.priv", "secret")
        #expect(await read().failure?.detail.hasPrefix("/root/MOK.priv is not a private key in PEM format") == true)
        try tree.write("root/MOK.der", bytes: [0x30, 0x82, 0x01, 0x00] + Array(repeating: 7, count: 256))
        #expect(await read().failure?.detail == "/root/MOK.der is not an X.509 certificate")
    }

    @Test func aDamagedListIsNotAnEmptyOne() async throws {
        try tree.write(Self.copy, bytes: Array(Self.list([certificate]).dropLast()))
        #expect(await read().failure?.reason == .malformed)
    }

    private static let entry = Array(repeating: 7 as UInt8, count: 260)

    @Test func noPartOfAListIsRead() {
        let whole = Self.list([Self.entry, Self.entry])
        #expect(EFISignatureList.certificates(whole)?.map(Array.init) == [Self.entry, Self.entry])
        #expect(EFISignatureList.certificates([])?.isEmpty == true)
        for count in 1..<whole.count { #expect(EFISignatureList.certificates(Array(whole.prefix(count))) == nil) }
    }

    @Test func garbageIsRefused() {
        var random = SystemRandomNumberGenerator()
        for offset in 16..<28 {
            for byte in [0, 1, 0x7f, 0xff] as [UInt8] {
                var bytes = Self.list([Self.entry])
                bytes[offset] = byte
                let found = EFISignatureList.certificates(bytes)
                #expect(found?.allSatisfy { $0.count < bytes.count } ?? true)
            }
        }
        for _ in 0..<200 {
            let bytes = Self.x509 + (0..<64).map { _ in UInt8.random(in: 0...255, using: &random) }
            #expect(EFISignatureList.certificates(bytes)?.allSatisfy { $0.count <= 36 } ?? true)
        }
    }
}

/// A private key in PEM format and its certificate in DER format, as an administrator makes them.
private struct SigningPair: Sendable {
    var key: String
    var certificate: [UInt8]

    static let shared = Task { try await SigningPair() }
    static let other = Task { try await SigningPair() }

    init() async throws {
        let tree = try TemporaryDirectory()
        let options = "req -x509 -newkey rsa:2048 -nodes -subj /CN=node -keyout key -outform DER -out certificate"
        let made = try await run(
            .name("openssl"),
            arguments: Arguments(options.split(separator: " ").map(String.init)),
            workingDirectory: FilePath(tree.path),
            output: .discarded,
            error: .string(limit: 64 << 10)
        )
        try #require(made.terminationStatus.isSuccess, "\(made.standardError)")
        key = try tree.text("key")
        certificate = [UInt8](try Data(contentsOf: URL(filePath: tree.path("certificate"))))
    }
}

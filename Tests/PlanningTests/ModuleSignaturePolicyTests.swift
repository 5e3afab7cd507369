import NodeModel
import Planning
import TestSupport
import Testing

/// Whether the kernel refuses unsigned modules, from what the firmware and the kernel say.
@Suite struct ModuleSignaturePolicyTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var secureBoot: Reading<Bool>
        var lockdown: Reading<KernelLockdown>
        var enforcement: Reading<Bool>
        /// The reasons of `required`; empty for `notRequired`; nil for `unknown`.
        var expected: [ModuleSignaturePolicy.Reason]?

        init(
            _ name: String,
            _ secureBoot: Reading<Bool>,
            _ lockdown: Reading<KernelLockdown>,
            _ enforcement: Reading<Bool>,
            _ expected: [ModuleSignaturePolicy.Reason]?
        ) {
            testDescription = name
            (self.secureBoot, self.lockdown, self.enforcement) = (secureBoot, lockdown, enforcement)
            self.expected = expected
        }
    }

    private static let unmounted = Reading<KernelLockdown>.skipped("securityfs is not mounted")

    static let cases: [Case] = [
        Case("nothing asks for signatures", .present(false), .present(.none), .present(false), []),
        Case("no EFI, and a kernel without signatures", .absent, .absent, .absent, []),
        Case("no EFI and no securityfs", .absent, unmounted, .present(false), []),
        Case("facts of an earlier version", .present(false), .skipped("old"), .skipped("old"), []),
        Case("Secure Boot, and the kernel does not say", .present(true), .absent, .absent, [.secureBoot]),
        Case("Secure Boot, and no securityfs", .present(true), unmounted, .present(false), [.secureBoot]),
        Case("Secure Boot, and a kernel without lockdown", .present(true), .absent, .present(false), [.secureBoot]),
        Case("Secure Boot, and lockdown not readable", .present(true), .unreadable(.denied), .absent, [.secureBoot]),
        Case(
            "Secure Boot with lockdown",
            .present(true),
            .present(.integrity),
            .present(false),
            [.secureBoot, .lockdown(.integrity)]
        ),
        // For example, `mokutil --disable-validation`.
        Case("Secure Boot that the kernel does not enforce", .present(true), .present(.none), .present(false), []),
        Case(
            "lockdown without Secure Boot",
            .present(false),
            .present(.confidentiality),
            .present(false),
            [.lockdown(.confidentiality)]
        ),
        Case("enforced without Secure Boot", .present(false), .present(.none), .present(true), [.enforcement]),
        Case(
            "enforced, the rest not readable",
            .unreadable(.denied),
            .unreadable(.denied),
            .present(true),
            [.enforcement]
        ),
        Case(
            "lockdown, the rest not readable",
            .unreadable(.denied),
            .present(.integrity),
            .absent,
            [.lockdown(.integrity)]
        ),
        Case("Secure Boot not readable", .unreadable(.denied), .absent, .absent, nil),
        Case("Secure Boot not readable, no lockdown", .unreadable(.denied), .present(.none), .absent, nil),
        Case("Secure Boot not readable, not enforced", .unreadable(.denied), .absent, .present(false), nil),
        Case("the kernel itself says no", .unreadable(.denied), .present(.none), .present(false), []),
        Case("Secure Boot not asked for", .skipped("not asked"), .absent, .absent, nil),
        Case("lockdown not readable", .present(false), .unreadable(.denied), .present(false), nil),
        Case("enforcement not readable", .absent, .present(.none), .unreadable(.denied), nil),
    ]

    @Test(arguments: cases)
    func decides(_ row: Case) {
        let host = NodeFacts.h100.with {
            $0.host.secureBoot = row.secureBoot
            $0.host.lockdown = row.lockdown
            $0.host.signatureEnforcement = row.enforcement
        }.host
        switch ModuleSignaturePolicy(host) {
        case .required(let reasons): #expect(reasons == row.expected)
        case .notRequired: #expect(row.expected == [])
        case .unknown: #expect(row.expected == nil)
        }
    }
}

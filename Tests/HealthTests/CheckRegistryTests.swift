import Health
import NodeModel
import Testing

/// The list of checks is complete and in order.
@Suite struct CheckRegistryTests {
    private let checks = CheckRegistry.checks

    /// `scripts/check docs` finds a code that is declared and not in the list.
    @Test func everyCodeHasOneCheck() {
        let codes = checks.map(\.code)
        #expect(Set(codes).count == codes.count)
        for code in codes { #expect(CheckRegistry.check(code)?.code == code) }
    }

    /// Documents hold codes, so a declared code must be one that a document can hold.
    @Test(arguments: CheckRegistry.checks)
    func canBeReadFromADocument(_ check: Check) {
        #expect(ReasonCode(rawValue: check.code.rawValue) == check.code)
    }

    @Test(arguments: CheckRegistry.checks)
    func isExplained(_ check: Check) {
        #expect(!check.title.isEmpty && !check.title.hasSuffix("."))
        for text in [check.meaning, check.advice] {
            #expect(text.first?.isUppercase == true || text.hasPrefix("`"), "\(text)")
            #expect(text.hasSuffix("."), "\(text)")
        }
        #expect([.failed, .unknown, .notice].contains(check.raisedState))
        #expect(check.settlingTime >= .zero && check.settlingTime <= .seconds(120))
    }

    /// This order excludes circular dependencies, and a cause comes before its consequences.
    @Test func everyCheckComesAfterItsDependencies() {
        var seen: Set<ReasonCode> = []
        for check in checks {
            for dependency in check.dependencies {
                #expect(seen.contains(dependency), "\(check.code) stands before \(dependency)")
            }
            #expect(Set(check.dependencies).count == check.dependencies.count)
            seen.insert(check.code)
        }
    }

    @Test func thePhasesAreInOrder() {
        for (earlier, later) in zip(checks, checks.dropFirst()) {
            #expect(earlier.phase <= later.phase, "\(later.code) is of an earlier phase than \(earlier.code)")
        }
        #expect(Set(checks.map(\.phase)) == Set(Check.Phase.allCases))
        #expect(Set(checks.map(\.group)) == Set(Check.Group.allCases))
    }

    /// A finding of another target counts immediately, because that target has already decided.
    @Test func onlyAFailureThatTheNodeShowsSettles() {
        for check in checks where check.settlingTime > .zero { #expect(check.looksAtTheNode, "\(check.code)") }
    }
}

extension Check: CustomTestStringConvertible {
    package var testDescription: String { code.rawValue }
}

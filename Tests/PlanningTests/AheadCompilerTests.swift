import NodeModel
import Planning
import Selection
import Support
import TestSupport
import Testing

/// With which compiler the agent builds its modules for the kernel of the next boot.
@Suite struct AheadCompilerTests {
    private static let release = "6.8.0-1099-azure"

    /// A node whose default compiler is gcc 11, and whose next kernel was built with gcc 12.
    private static func node(
        headers: Bool = true,
        named: String? = nil,
        _ change: (inout NodeFacts) -> Void = { _ in }
    ) -> NodeFacts {
        NodeFacts.rtxProVGPU.with {
            $0.driver = .loaded(Installs.version, .open, kind: .grid, record: .installed)
            $0.driver.record = $0.driver.record.map { record in
                var record = record
                record.version = Installs.version
                return record
            }
            $0.host.pendingKernel = .present(
                PendingKernel(
                    release: release,
                    hasModule: false,
                    hasHeaders: headers,
                    compiler: Compiler(kind: .gcc, version: "12.3.0"),
                    namedCompiler: named
                )
            )
            $0.host.osRelease = .present(OSRelease(id: "ubuntu", versionID: "22.04", prettyName: nil))
            $0.build.packageTools = .present(["apt-get"])
            $0.build.dkms = .absent
            $0.build.compiler = .present("/usr/bin/cc")
            $0.build.compilerVersion = .present(Compiler(kind: .gcc, version: "11.4.0"))
            // The running kernel needs no other compiler.
            $0.build.kernelCompiler = .present(Compiler(kind: .gcc, version: "11.4.0"))
            $0.build.make = .present("/usr/bin/make")
            change(&$0)
        }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var facts: NodeFacts
        /// The packages that come first.
        var packages: [String] = []
        /// The compiler of the build; nil for the default one.
        var compiler: String?
    }

    static let cases = [
        Case(
            testDescription: "the host has the compiler of the next kernel",
            facts: node(named: "/usr/bin/gcc-12"),
            compiler: "/usr/bin/gcc-12"
        ),
        Case(
            testDescription: "only a package has it",
            facts: node(),
            packages: ["gcc-12"],
            compiler: "gcc-12"
        ),
        Case(
            testDescription: "packages have it and the headers",
            facts: node(headers: false),
            packages: ["linux-headers-\(release)", "gcc-12"],
            compiler: "gcc-12"
        ),
        Case(
            testDescription: "the default compiler is as new",
            facts: node(named: "/usr/bin/gcc-12") {
                $0.build.compilerVersion = .present(Compiler(kind: .gcc, version: "12.1.0"))
            }
        ),
        Case(
            testDescription: "the version of the default compiler is not known",
            facts: node { $0.build.compilerVersion = .unreadable(.denied) }
        ),
        Case(
            testDescription: "the compiler of the next kernel is not known",
            facts: node { facts in
                facts.host.pendingKernel = facts.host.pendingKernel.map { kernel in
                    var kernel = kernel
                    kernel.compiler = nil
                    return kernel
                }
                // The one of the running kernel says nothing about it.
                facts.build.kernelCompiler = .present(Compiler(kind: .gcc, version: "13.1.0"))
                facts.build.namedCompiler = .present("/usr/bin/gcc-13")
            }
        ),
    ]

    @Test(arguments: cases)
    func fitsTheNextKernel(_ row: Case) throws {
        let steps = Planner().plan(row.facts, Self.adopted, journal: nil).steps
        let install = steps.first { $0.id == .headersAhead }
        #expect((install == nil) == row.packages.isEmpty)
        if let install {
            let list = row.packages.joined(separator: ", ")
            #expect(install.title == "install \(list) with apt-get for the next boot")
            #expect(job(install)?.command.suffix(row.packages.count) == row.packages[...])
        }
        let build = try #require(steps.last)
        #expect(build.id == .buildAhead && job(build)?.environment["CC"] == row.compiler)
    }

    /// A build with an older compiler would fail, and be repeated only after the boot.
    @Test func withoutItTheNoticeNamesIt() {
        let planners = [Planner(buildPackages: false), Planner(source: .directory("/mnt"))]
        for plan in planners.map({ $0.plan(Self.node(), Self.adopted, journal: nil) }) {
            #expect(plan.steps.isEmpty)
            #expect(plan.aheadProblem?.contains("was built with gcc 12") == true)
            #expect(plan.aheadProblem?.contains("Install gcc-12 on the node.") == true)
        }
    }

    private func job(_ step: PlannedStep) -> Effect.Job? {
        for case .job(let job) in step.effects { return job }
        return nil
    }

    private static let adopted = Decision(
        action: .adopt,
        driver: DriverVersion(Installs.version).map {
            DriverTarget(kind: .grid, version: $0, kernelModuleType: .open)
        },
        summary: "adopt"
    )
}

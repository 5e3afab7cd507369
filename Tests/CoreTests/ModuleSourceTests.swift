import Catalog
import CoreSupport
import NodeModel
import Selection
import TestSupport
import Testing

/// Decisions between NVIDIA's package and the packages of the distribution.
@Suite struct ModuleSourceTests {
    private static let offering = NodeFacts.h100.offering(
        NodeFacts.prebuilt("595.80.01"),
        NodeFacts.prebuilt("580.99.01")
    )
    private static let secure = offering.with { $0.host.secureBoot = .present(true) }
    private static let older = NodeFacts.h100.offering(NodeFacts.prebuilt("580.99.01"))
    private static let olderSecure = older.with { $0.host.secureBoot = .present(true) }
    private static let none = NodeFacts.h100.offering()
    private static let unread = offering.withoutIndex
    private static let unreadSecure = secure.withoutIndex

    private func decide(_ facts: NodeFacts, _ source: PackageSource?, _ change: (inout Policy) -> Void = { _ in })
        throws
        -> Decision
    {
        var policy = Policy(source: source)
        change(&policy)
        return Selection(catalog: try fourDriverCatalog(), policy: policy).decide(facts)
    }

    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var facts: NodeFacts
        var source: PackageSource?
        /// The version from packages; `runfile`; or the code of the problem.
        var expected: String

        init(_ name: String, _ facts: NodeFacts, _ source: PackageSource?, _ expected: String) {
            (testDescription, self.facts, self.source, self.expected) = (name, facts, source, expected)
        }
    }

    static let cases = [
        Case("by default, NVIDIA's package", offering, nil, "runfile"),
        Case("by default with Secure Boot, packages", secure, nil, "595.80.01"),
        Case("with Secure Boot, also of another branch", olderSecure, nil, "580.99.01"),
        Case("the configuration wins over Secure Boot", secure, .runfile, "runfile"),
        Case("a directory wins over Secure Boot", secure, .directory("/mnt"), "runfile"),
        Case("auto takes the wanted branch", offering, .auto, "595.80.01"),
        Case("auto takes no other branch", older, .auto, "runfile"),
        Case("auto takes another branch with Secure Boot", olderSecure, .auto, "580.99.01"),
        Case("packages take another branch", older, .packages, "580.99.01"),
        Case("auto without packages", none, .auto, "runfile"),
        Case("packages without packages", none, .packages, "prebuilt-modules-missing"),
        Case(
            "packages that cannot be known",
            offering.with { $0.build.prebuiltPackages = .unreadable(.denied) },
            .packages,
            "prebuilt-modules-missing"
        ),
        Case(
            "auto that cannot know",
            offering.with { $0.build.prebuiltPackages = .unreadable(.denied) },
            .auto,
            "runfile"
        ),
        Case("packages, without an index", unread, .packages, "package-index"),
        Case("auto, without an index", unread, .auto, "runfile"),
        Case("by default, without an index", unread, nil, "runfile"),
        Case("by default with Secure Boot, without an index", unreadSecure, nil, "package-index"),
        Case("auto with Secure Boot, without an index", unreadSecure, .auto, "package-index"),
        Case("NVIDIA's package with Secure Boot, without an index", unreadSecure, .runfile, "runfile"),
        Case(
            "a GRID driver with Secure Boot, without an index",
            NodeFacts.rtxProVGPU.with { $0.host.secureBoot = .present(true) }.withoutIndex,
            nil,
            "runfile"
        ),
        Case(
            "packages on Debian",
            offering.with { $0.host.osRelease = .present(OSRelease(id: "debian", versionID: "12", prettyName: nil)) },
            .packages,
            "prebuilt-modules-missing"
        ),
        Case(
            "packages of a GRID driver",
            NodeFacts.rtxProVGPU.offering(NodeFacts.prebuilt("595.80.01")),
            .packages,
            "prebuilt-modules-missing"
        ),
        Case(
            "auto for a GRID driver",
            NodeFacts.rtxProVGPU.offering(NodeFacts.prebuilt("595.80.01")),
            .auto,
            "runfile"
        ),
    ]

    /// The facts of a host with precompiled modules of RHEL.
    private static func redHat(
        _ id: String = "rhel",
        vendor: String? = "Red Hat, Inc.",
        secureBoot: Bool
    ) -> NodeFacts {
        let modules = OfferedPackage(
            name: "kmod-nvidia-open-595.80.01-5.14.0-611.24.1",
            version: "3:595.80.01-3.el9_7",
            vendor: vendor
        )
        return NodeFacts.h100.offering([
            modules, OfferedPackage(name: "nvidia-driver-cuda", version: "3:595.80.01-1.el9"),
        ]).with {
            $0.host.osRelease = .present(OSRelease(id: id, versionID: "9.7", prettyName: nil))
            $0.host.kernelRelease = .present("5.14.0-611.24.1.el9_7.x86_64")
            $0.host.secureBoot = .present(secureBoot)
        }
    }

    static let redHatCases = [
        Case("with Secure Boot, Red Hat's modules", redHat(secureBoot: true), nil, "595.80.01"),
        Case("without Secure Boot, NVIDIA's package", redHat(secureBoot: false), nil, "runfile"),
        Case("auto takes the wanted branch", redHat(secureBoot: false), .auto, "595.80.01"),
        Case("modules of others, without Secure Boot", redHat(vendor: nil, secureBoot: false), .packages, "595.80.01"),
        Case(
            "modules of others, with Secure Boot",
            redHat(vendor: nil, secureBoot: true),
            .packages,
            "prebuilt-modules-missing"
        ),
        Case(
            "modules of others, and a kernel that may refuse them",
            redHat(vendor: nil, secureBoot: false).with { $0.host.secureBoot = .unreadable(.denied) },
            .packages,
            "prebuilt-modules-missing"
        ),
        Case("a rebuild that is asked for", redHat("rocky", secureBoot: false), .packages, "595.80.01"),
        Case("a rebuild with Secure Boot", redHat("rocky", secureBoot: true), .packages, "prebuilt-modules-missing"),
    ]

    @Test(arguments: cases + redHatCases)
    func choosesTheSource(_ test: Case) throws {
        let decision = try decide(test.facts, test.source)
        let packages = decision.driver.flatMap { $0.packages == nil ? nil : $0.version.description }
        let source = packages ?? (decision.driver?.artifact == nil ? "neither" : "runfile")
        let other = decision.unreadIndex.map { _ in "package-index" } ?? decision.problems.first?.code.rawValue
        let found = other ?? source
        #expect(found == test.expected, "\(decision)")
        #expect(decision.driver?.packages == nil || decision.driver?.artifact == nil)
    }

    @Test func saysWhichSourceAndWhy() throws {
        func statements(_ facts: NodeFacts, _ source: PackageSource?) throws -> [String] {
            try decide(facts, source).evidence.filter { $0.source == "packages" }.map(\.statement)
        }
        let modules = "linux-modules-nvidia-595-server-open-\(NodeFacts.kernel)"
        let offers = "A repository of the node offers \(modules) with driver 595.80.01, and"
        let need = "The modules are signed and need no build."
        #expect(try statements(Self.secure, nil) == ["\(offers) Secure Boot is on. \(need)"])
        #expect(
            try statements(Self.offering, .packages)
                == ["\(offers) the configuration asks for packages (driver.source). \(need)"]
        )
        #expect(
            try statements(Self.older, .auto)
                == ["No repository of the node offers \(modules). So the driver comes from NVIDIA's package."]
        )
        #expect(try statements(Self.offering, nil) == [])
        let summary = try decide(Self.secure, nil).summary
        #expect(
            summary
                == "install the datacenter driver 595.80.01 with open kernel modules from packages of the distribution"
        )
        let missing = try #require(try decide(Self.none, .packages).problems.first)
        #expect(
            missing.observed
                == "No repository of the node offers \(modules), nor the modules of another branch that fits."
        )
        #expect(missing.remedy.text.contains("apt-get update"))
    }

    /// A driver that works does not go before it is known what comes.
    @Test func doesNotReplaceADriverWithoutAnIndex() throws {
        let foreign = Self.unreadSecure.with {
            $0.driver = .loaded("535.54.03", .open, kind: .datacenter)
            $0.claims.runfile = .present("535.54.03")
        }
        let decision = try decide(foreign, .packages) { ($0.takeover, $0.branch) = (true, 595) }
        #expect(decision.action == .blocked && decision.unreadIndex == nil, "\(decision)")
        #expect(decision.problems.map(\.code) == [.prebuiltModulesMissing])
    }

    @Test func saysWhyTheIndexMatters() throws {
        let finding = try #require(try decide(Self.unreadSecure, nil).unreadIndex)
        #expect(
            finding.observed
                == "The kernel needs signed modules: Secure Boot is on. The agent cannot tell which prebuilt modules the "
                + "repositories of the node have: the index of apt is empty."
        )
        #expect(finding.remedy.text.contains("apt-get update") && finding.remedy.text.contains("driver.signing"))
        #expect(try decide(Self.unread, .packages).unreadIndex?.remedy.text.contains("'runfile'") == true)
    }

    @Test func namesTheModulesOfRHEL() throws {
        func finding(_ facts: NodeFacts) throws -> Finding { try #require(try decide(facts, .packages).problems.first) }
        let refused = try finding(Self.redHat(vendor: nil, secureBoot: true))
        #expect(
            refused.observed
                == "The repositories of the node offer kmod-nvidia-open-595.80.01-5.14.0-611.24.1, but the kernel refuses, or "
                + "may refuse, the key with which these modules are signed."
        )
        let none = try finding(Self.redHat(secureBoot: false).with { $0.build.prebuiltPackages = .absent })
        #expect(none.observed.hasPrefix("No repository of the node offers kmod-nvidia-open-595.*-5.14.0-611.24.1, nor"))
        #expect(
            none.remedy.text.contains("Run 'dnf makecache' on the node") && none.remedy.text.contains("'extensions'")
        )
        let others = try decide(Self.redHat(vendor: nil, secureBoot: false), .packages)
        #expect(others.evidence.contains { $0.statement.hasSuffix("The modules need no build.") })
    }

    @Test func theConfigurationLimitsThePackages() throws {
        func version(_ change: (inout Policy) -> Void) throws -> String? {
            let driver = try decide(Self.offering, .packages, change).driver
            return driver?.packages == nil ? nil : driver?.version.description
        }
        #expect(try version { $0.branch = 580 } == "580.99.01")
        #expect(try version { $0.version = DriverVersion("580.99.01") } == "580.99.01")
        #expect(try version { $0.version = DriverVersion("580.159.04") } == nil)
        #expect(try version { $0.kernelModuleType = .proprietary } == nil)
        // Nobody may install packages, and only the kernel would ask for them.
        #expect(Policy(buildPackages: false).prebuiltWish(needsSignedModules: true) == .never)
        // The operator wants NVIDIA's package with a signature.
        let signing = ModuleSigning(key: "/root/MOK.priv", certificate: "/root/MOK.der")
        #expect(Policy(signing: signing).prebuiltWish(needsSignedModules: true) == .never)
    }

    /// Secure Boot is one reason of several, and the kernel has the last word.
    @Test func theKernelDecidesWhetherItNeedsSignedModules() throws {
        func source(_ change: (inout HostFacts) -> Void) throws -> String? {
            let decision = try decide(Self.offering.with { change(&$0.host) }, nil)
            guard decision.driver?.packages != nil else { return nil }
            return decision.evidence.last { $0.source == "packages" }?.statement
        }
        let locked = try source { $0.lockdown = .present(.integrity) }
        #expect(locked?.contains("and the kernel is in the lockdown mode 'integrity'. ") == true)
        let enforced = try source { $0.signatureEnforcement = .present(true) }
        #expect(enforced?.contains("and the kernel parameter module.sig_enforce is on. ") == true)
        #expect(try source { $0.secureBoot = .present(true) } != nil)
        let permissive = try source {
            ($0.secureBoot, $0.lockdown, $0.signatureEnforcement) = (.present(true), .present(.none), .present(false))
        }
        #expect(permissive == nil)
    }

    private func own(_ version: String, packages: [String]?, module: Bool = true) -> NodeFacts {
        Self.offering.with { facts in
            facts.driver = .loaded(version, .open, kind: .datacenter, record: .installed)
            if packages != nil { facts.driver.record = facts.driver.record.fromPackages }
            guard !module else { return }
            (facts.driver.loadedVersion, facts.driver.runningModule) = (.absent, .absent)
            facts.driver.moduleFile = .absent
        }
    }

    /// Two sources on one host would overwrite each other's files.
    @Test func aDriverOfTheAgentKeepsItsSource() throws {
        let runfile = own("595.71.05", packages: nil)
        #expect(try decide(runfile, .packages).action == .adopt)
        let upgrade = try decide(own("580.1.1", packages: nil), .packages) { $0.branch = 595 }
        #expect(upgrade.driver?.artifact != nil)
        #expect(upgrade.evidence.contains { $0.statement.contains("keeps this source. 'gpu-agent uninstall'") })

        let packages = own("595.80.01", packages: ["nvidia-utils-595-server"])
        #expect(try decide(packages, .runfile).action == .adopt)
        let other = try decide(packages, .runfile) { $0.branch = 580 }
        #expect(other.problems.map(\.code) == [.driverSourceChange] && other.owner == .gpuAgent)
        // Another kernel needs its modules, and no other version.
        let kernel = try decide(own("595.80.01", packages: ["a"], module: false), nil)
        #expect(kernel.action == .install && kernel.driver?.packages?.isEmpty == false)
        let gone = try decide(own("595.79.01", packages: ["a"], module: false), nil)
        #expect(gone.problems.map(\.code) == [.driverSourceChange])
        #expect(gone.problems.first?.expected.contains("linux-modules-nvidia-595-server-open-") == true)
    }

    @Test func asksOnlyWhenTheAnswerMatters() {
        func why(_ facts: NodeFacts, _ source: PackageSource?) -> String? {
            facts.needsNoPrebuiltPackages(Policy(source: source))
        }
        let unasked = "neither the configuration nor the kernel asks for prebuilt modules"
        #expect(why(.h100, nil) == unasked && why(Self.secure, .runfile) == unasked)
        #expect(why(Self.secure, nil) == nil && why(.h100, .auto) == nil && why(.h100, .packages) == nil)
        #expect(why(.noGPU, .auto) == "the node has no GPU")
        #expect(why(.h100Ready, .auto) == "a driver is loaded")
        #expect(why(own("595.80.01", packages: ["a"], module: false), nil) == nil)
        let interrupted = NodeFacts.h100.with {
            $0.driver = .loaded("595.80.01", .open, kind: .datacenter, record: .changing)
        }
        #expect(why(interrupted, .auto) == nil)
        let debian = NodeFacts.h100.with {
            $0.host.osRelease = .present(OSRelease(id: "debian", versionID: "12", prettyName: nil))
        }
        #expect(why(debian, .packages) == "the agent knows no packages of prebuilt modules for this system")
    }
}

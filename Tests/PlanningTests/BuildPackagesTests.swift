import NodeModel
import Planning
import TestSupport
import Testing

/// Which packages a host gets for the build of the kernel modules.
@Suite struct BuildPackagesTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var facts: NodeFacts
        var kernel: String
        /// The names of the packages; nil when the agent installs none on this host.
        var names: [String]?
        /// The value of CC for the build.
        var compiler: String?

        /// A host that lacks everything but the programs that install packages.
        init(
            _ system: String,
            _ kernel: String,
            _ names: [String]?,
            compiler: String? = nil,
            tools: Reading<[String]> = .present(["apt-get", "dnf", "tdnf", "zypper"]),
            change: (inout BuildFacts) -> Void = { _ in }
        ) {
            let words = system.split(separator: " ").map(String.init)
            testDescription = "\(system), \(kernel)"
            facts = NodeFacts.h100.with { facts in
                facts.host.osRelease = .present(
                    OSRelease(id: words[0], versionID: words.dropFirst().first, prettyName: nil)
                )
                facts.build.compiler = .absent
                facts.build.compilerVersion = .absent
                facts.build.make = .absent
                facts.build.headersRelease = .absent
                facts.build.packageTools = tools
                change(&facts.build)
            }
            (self.kernel, self.names, self.compiler) = (kernel, names, compiler)
        }
    }

    private static func gcc(_ version: String) -> Reading<Compiler> { .present(Compiler(kind: .gcc, version: version)) }

    private static func hasCompiler(_ version: String, kernel: String, _ build: inout BuildFacts) {
        build.compiler = .present("/usr/bin/cc")
        build.compilerVersion = gcc(version)
        build.kernelCompiler = gcc(kernel)
    }

    private static let azure = "6.8.0-1044-azure"
    private static let rhel9 = "5.14.0-427.13.1.el9_4.x86_64"

    static let cases = [
        Case("ubuntu 22.04", "5.15.0-1089-azure", ["linux-headers-5.15.0-1089-azure", "gcc", "make"]) {
            $0.kernelCompiler = gcc("11.4.0")
        },
        Case("ubuntu 22.04", azure, ["linux-headers-\(azure)", "gcc", "gcc-12", "make"], compiler: "gcc-12") {
            $0.kernelCompiler = gcc("12.3.0")
        },
        Case("ubuntu 22.04", azure, ["gcc-12"], compiler: "gcc-12") {
            hasCompiler("11.4.0", kernel: "12.3.0", &$0)
            ($0.make, $0.headersRelease) = (.present("/usr/bin/make"), .present(azure))
        },
        Case("ubuntu 22.04", azure, [], compiler: "/usr/bin/gcc-12") {
            hasCompiler("11.4.0", kernel: "12.3.0", &$0)
            $0.namedCompiler = .present("/usr/bin/gcc-12")
            ($0.make, $0.headersRelease) = (.present("/usr/bin/make"), .present(azure))
        },
        Case("ubuntu 24.04", "6.8.0-60-generic", ["linux-headers-6.8.0-60-generic", "make"]) {
            hasCompiler("13.3.0", kernel: "13.2.0", &$0)
        },
        Case("ubuntu 24.04", "6.8.0-60-generic", ["linux-headers-6.8.0-60-generic", "gcc", "make"]) {
            $0.kernelCompiler = gcc("13.3.0")
        },
        Case("ubuntu 26.04", "7.0.0-1001-azure", ["linux-headers-7.0.0-1001-azure", "gcc", "make"]) {
            $0.kernelCompiler = gcc("15.2.0")
        },
        Case("debian 12", "6.1.0-41-cloud-amd64", ["linux-headers-6.1.0-41-cloud-amd64"]) {
            hasCompiler("12.2.0", kernel: "12.2.0", &$0)
            $0.make = .present("/usr/bin/make")
        },
        Case("debian 13", "6.12.57-cloud-amd64", ["linux-headers-6.12.57-cloud-amd64", "gcc", "make"]) {
            $0.kernelCompiler = gcc("14.2.0")
        },
        Case("debian 12", "6.1.0-41-amd64", ["linux-headers-6.1.0-41-amd64"]) {
            hasCompiler("12.2.0", kernel: "12.2.0", &$0)
            $0.make = .present("/usr/bin/make")
            // The headers of another kernel are no headers.
            $0.headersRelease = .present("6.1.0-40-amd64")
        },
        Case("rhel 9.4", rhel9, ["kernel-devel-\(rhel9)", "gcc", "make"]),
        Case("rhel 10.0", "6.12.0-55.9.1.el10_0.x86_64", ["kernel-devel-6.12.0-55.9.1.el10_0.x86_64", "gcc", "make"]),
        Case("rocky 9.4", rhel9, ["kernel-devel-\(rhel9)"]) {
            hasCompiler("11.4.1", kernel: "11.4.1", &$0)
            $0.make = .present("/usr/bin/make")
        },
        Case("almalinux 9.4", "\(rhel9)+rt", ["kernel-rt-devel-\(rhel9)", "gcc", "make"]),
        Case(
            "centos 9",
            "5.14.0-503.el9.aarch64+64k",
            ["kernel-64k-devel-5.14.0-503.el9.aarch64", "gcc", "make"]
        ),
        Case(
            "ol 9.4",
            "5.15.0-300.163.18.el9uek.x86_64",
            ["kernel-uek-devel-5.15.0-300.163.18.el9uek.x86_64", "gcc", "make"]
        ),
        Case("rhel 9.4", rhel9, ["kernel-devel-\(rhel9)", "make"]) {
            // There is no other gcc outside of /opt, so nothing settles the finding.
            hasCompiler("11.3.1", kernel: "12.1.1", &$0)
        },
        Case(
            "amzn 2023",
            "6.1.128-136.201.amzn2023.x86_64",
            ["kernel-devel-6.1.128-136.201.amzn2023.x86_64", "gcc", "make"]
        ),
        Case(
            "amzn 2023",
            "6.12.37-61.105.amzn2023.x86_64",
            ["kernel6.12-devel-6.12.37-61.105.amzn2023.x86_64", "gcc", "gcc14", "make"],
            compiler: "gcc14-gcc"
        ) { $0.kernelCompiler = gcc("14.2.1") },
        Case(
            "azurelinux 3.0",
            "6.6.112.1-2.azl3",
            ["kernel-devel-6.6.112.1-2.azl3", "gcc", "binutils", "glibc-devel", "kernel-headers", "make"]
        ),
        Case(
            "sles 15.6",
            "6.4.0-150600.23.25-default",
            ["kernel-default-devel=6.4.0-150600.23.25", "gcc", "make"]
        ),
        Case(
            "opensuse-leap 15.6",
            "6.4.0-150600.8.20-azure",
            ["kernel-azure-devel=6.4.0-150600.8.20", "gcc", "gcc13", "make"],
            compiler: "gcc-13"
        ) { $0.kernelCompiler = gcc("13.3.0") },
        Case("ubuntu 22.04", azure, []) {
            hasCompiler("11.4.0", kernel: "11.4.0", &$0)
            ($0.make, $0.headersRelease) = (.present("/usr/bin/make"), .present(azure))
        },
        Case("ubuntu 22.04", azure, []) { build in
            // What is not known is not missing.
            (build.compiler, build.make) = (.unreadable(.denied), .skipped("not asked"))
            build.headersRelease = .unreadable(.denied)
        },
        Case("amzn 2", "5.10.1-1.amzn2.x86_64", nil),
        Case("rhel 7.9", "3.10.0-1160.el7.x86_64", nil),
        Case("arch", "6.12.1-arch1-1", nil),
        Case("ubuntu 22.04", azure, nil, tools: .absent),
        Case("ubuntu 22.04", azure, nil, tools: .present(["dnf"])),
        Case("ubuntu 22.04", azure, nil, tools: .unreadable(.denied)),
        Case("ubuntu 22.04", azure, nil, tools: .skipped("not recorded")),
        Case("ubuntu 22.04", "6.8 *", nil),
        Case("ubuntu 22.04", "$(reboot)", nil),
        Case("ubuntu 22.04", "", nil),
    ]

    @Test(arguments: cases)
    func namesWhatIsMissing(_ row: Case) {
        let packages = BuildPackages(row.facts, kernel: row.kernel)
        #expect(packages?.names == row.names)
        #expect(packages?.compiler == row.compiler)
        #expect(
            packages?.headers
                == row.names?.first { $0.contains("headers-") || $0.contains("-devel") }.flatMap {
                    $0 == "glibc-devel" ? nil : $0
                }
        )
    }
}

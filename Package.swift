// swift-tools-version: 6.2
import PackageDescription

let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioEssentials = Target.Dependency.product(name: "NIOFoundationEssentialsCompat", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")

func target(_ name: String, path: String? = nil, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: path, swiftSettings: swiftSettings)
}

func tests(
    _ name: String,
    path: String? = nil,
    _ dependencies: [Target.Dependency],
    exclude: [String] = [],
    resources: [Resource] = []
) -> Target {
    .testTarget(
        name: name,
        dependencies: dependencies,
        path: path,
        exclude: exclude,
        resources: resources,
        swiftSettings: swiftSettings
    )
}

let package = Package(
    name: "gpu-agent",
    products: [
        .executable(name: "gpu-agent", targets: ["gpu-agent"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2", traits: []),
    ],
    targets: [
        // System libraries and C targets
        .systemLibrary(name: "CNettle", pkgConfig: "nettle", providers: [.apt(["nettle-dev"])]),
        .systemLibrary(name: "CPCI", pkgConfig: "libpci", providers: [.apt(["libpci-dev"])]),
        .systemLibrary(name: "CUdev", pkgConfig: "libudev", providers: [.apt(["libudev-dev"])]),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .target(name: "CVendor"),
        .target(name: "CLinux", dependencies: ["CPCI"], cSettings: [.define("_GNU_SOURCE")]),

        // The agent
        target("Support"),
        target("NodeModel", ["Support"]),
        target("Documents", ["CYAML", "Support"]),
        target("MIG", ["Documents", "NodeModel", "Support"]),
        target("Catalog", ["Documents", "NodeModel", "Support"]),
        target("Selection", ["Catalog", "NodeModel", "Support"]),
        target("Planning", ["Catalog", "NodeModel", "Selection", "Support"]),
        target("Health", ["Catalog", "NodeModel", "Planning", "Selection", "Support"]),
        target(
            "Reporting",
            ["Catalog", "Documents", "Health", "MIG", "NodeModel", "Planning", "Selection", "Support"]
        ),
        target("NetworkErrors", ["Support", asyncHTTPClient, nioCore, nioHTTP1, nioPosix, nioSSL, system]),
        target(
            "Host",
            [
                "CLinux", "CNettle", "NetworkErrors", "NodeModel", "Support",
                asyncHTTPClient, logging, nioCore, nioHTTP1, nioSSL, subprocess, system,
            ]
        ),
        target("PCIBus", ["CLinux", "CPCI", "CUdev", "NodeModel", "Support", system]),
        target("VendorProbe", ["CLinux", "CVendor", "NodeModel", "Support", logging, subprocess, system]),
        target(
            "Kubernetes",
            [
                "NetworkErrors", "Support",
                asyncHTTPClient, logging, nioCore, nioEssentials, nioHTTP1, nioPosix, nioSSL, system,
            ]
        ),
        target("Cluster", ["Kubernetes", "NodeModel", "Reporting", "Support", logging]),
        target(
            "Agent",
            [
                "Catalog", "Cluster", "Documents", "Health", "Host", "Kubernetes", "MIG", "NetworkErrors", "NodeModel",
                "PCIBus",
                "Planning", "Reporting", "Selection", "Support", "VendorProbe",
                hummingbird, lifecycle, logging, nioCore, system, unixSignals,
            ]
        ),
        .executableTarget(
            name: "gpu-agent",
            dependencies: [
                "Agent", "Catalog", "Documents", "Health", "MIG", "NodeModel", "Planning", "Reporting", "Selection",
                "Support",
                argumentParser, logging,
            ],
            swiftSettings: swiftSettings
        ),
    ]
)

// Only the tests need these targets. With GPU_AGENT_PRODUCT_ONLY=1, the agent builds from Sources and this file alone.
// The Dockerfile sets this variable. Packagers can set it, too.
if Context.environment["GPU_AGENT_PRODUCT_ONLY"] != "1" {
    let simulatedCluster = Target.Dependency.product(name: "SimulatedCluster", package: "simulator")
    package.dependencies.append(.package(path: "simulator"))
    package.products.append(.executable(name: "gpu-benchmark", targets: ["gpu-benchmark"]))
    package.targets += [
        .executableTarget(
            name: "gpu-benchmark",
            dependencies: [
                "Agent", "Catalog", "Cluster", "Host", "Kubernetes", "NodeModel", "Reporting", "Selection", "Support",
                "VendorProbe", logging, simulatedCluster, system,
            ],
            path: "Tests/Benchmark",
            swiftSettings: swiftSettings
        ),
        target("TestSupport", path: "Tests/TestSupport", ["NodeModel", "Support", subprocess, system]),
        target(
            "CoreSupport",
            path: "Tests/CoreSupport",
            ["Catalog", "Documents", "Health", "NodeModel", "Planning", "Selection", "Support", "TestSupport"]
        ),
        tests(
            "CoreTests",
            [
                "Catalog", "CoreSupport", "Documents", "Health", "MIG", "NodeModel", "Planning", "Reporting",
                "Selection",
                "Support", "TestSupport",
            ],
            exclude: ["FeatureDiscovery", "Goldens", "Reference", "Situations"]
        ),
        tests(
            "HealthTests",
            [
                "Catalog", "CoreSupport", "Health", "NodeModel", "Planning", "Reporting", "Selection", "Support",
                "TestSupport",
            ],
            exclude: ["Fixtures"]
        ),
        tests("PlanningTests", ["Catalog", "NodeModel", "Planning", "Selection", "Support", "TestSupport"]),
        tests("DocumentsTests", ["Documents", "Support", "TestSupport"]),
        tests(
            "MIGTests",
            ["Documents", "MIG", "NodeModel", "Reporting", "Support", "TestSupport"],
            exclude: ["Goldens"]
        ),
        tests("PCIBusTests", ["NodeModel", "PCIBus", "Support", "TestSupport", system]),
        tests(
            "FuzzTests",
            [
                "Catalog", "Documents", "Health", "Host", "Kubernetes", "MIG", "NodeModel", "PCIBus", "Planning",
                "Reporting", "Selection", "Support", "TestSupport", "VendorProbe",
            ],
            exclude: ["Corpus", "LibFuzzer", "document.dict", "vgpu-name.dict"]
        ),
        tests(
            "VendorProbeTests",
            ["CVendor", "NodeModel", "Support", "TestSupport", "VendorProbe", subprocess, system]
        ),
        target(
            "HostSupport",
            path: "Tests/HostSupport",
            ["Host", hummingbird, lifecycle, logging, nioCore, subprocess, system]
        ),
        tests(
            "HostTests",
            [
                "Host", "HostSupport", "NetworkErrors", "NodeModel", "Support", "TestSupport",
                nioCore, nioPosix, nioSSL, subprocess, system,
            ]
        ),
        target(
            "ClusterSupport",
            path: "Tests/ClusterSupport",
            ["Kubernetes", simulatedCluster, "Support", "TestSupport", logging]
        ),
        tests(
            "KubernetesTests",
            ["ClusterSupport", "Kubernetes", simulatedCluster, "Support", "TestSupport", logging, nioCore]
        ),
        tests(
            "AgentTests",
            [
                "Agent", "Catalog", "Cluster", "ClusterSupport", "CoreSupport", "Documents", "Health", "Host",
                "HostSupport",
                "Kubernetes", "MIG", "NetworkErrors", "NodeModel", "PCIBus", "Planning", "Reporting", "Selection",
                simulatedCluster,
                "Support", "TestSupport", "VendorProbe", asyncHTTPClient, lifecycle, logging, nioCore, nioHTTP1,
                system,
            ]
        ),
        tests(
            "CommandTests",
            ["Agent", "NodeModel", "Support", "TestSupport", subprocess, system],
            exclude: ["Goldens"]
        ),
        tests(
            "EndToEndTests",
            [
                "ClusterSupport", "HostSupport", "Kubernetes", "NodeModel", "Planning", simulatedCluster, "Support",
                "TestSupport",
                subprocess, system,
            ],
            exclude: ["KernelKills", "KillShim", "Packages/Transcripts"]
        ),
        tests(
            "SimulatedClusterTests",
            path: "simulator/Tests/SimulatedClusterTests",
            [simulatedCluster, "TestSupport", subprocess, system],
            exclude: ["Fixtures"]
        ),
    ]
}

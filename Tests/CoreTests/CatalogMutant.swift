import Catalog
import NodeModel
import Support

/// A catalog without one entry, or with one changed field.
struct CatalogMutant {
    /// The change: `gpu 10de:2236: no board 10de:1482`.
    var name: String
    /// The entry, with its key in the situations of the reference.
    var key: String
    var change: (inout Catalog) -> Void
    /// Reverts the change, with the entry of the original catalog.
    var restore: (inout Catalog, Catalog) -> Void

    /// A mutant for each entry, and for each field that affects decisions.
    ///
    /// It omits fields without an effect on decisions: the architecture, memory and MMIO space of a GPU, and the size
    /// of a driver.
    static func all(of catalog: Catalog) -> [CatalogMutant] {
        catalog.gpus.values.sorted { "\($0.id)" < "\($1.id)" }.flatMap { gpu($0, catalog) }
            + catalog.vgpuTypes.values.sorted { "\($0.key)" < "\($1.key)" }.flatMap(vgpuType)
            + catalog.platforms.flatMap(platform) + catalog.drivers.flatMap(driver)
    }

    private static func gpu(_ gpu: CatalogGPU, _ catalog: Catalog) -> [CatalogMutant] {
        let key = hex(gpu.id.device, digits: 4)
        func mutant(_ what: String, _ change: (inout CatalogGPU?) -> Void) -> CatalogMutant {
            var copy: CatalogGPU? = gpu
            change(&copy)
            return CatalogMutant(name: "gpu \(gpu.id): \(what)", key: key) { [copy] in
                $0.gpus[gpu.id] = copy
            } restore: {
                $0.gpus[gpu.id] = $1.gpus[gpu.id]
            }
        }
        var all = [mutant("removed") { $0 = nil }, mutant("another name") { $0?.name = "Another" }]
        all += otherKernelModuleTypes(gpu.kernelModuleTypes).map { kernelModuleTypes in
            mutant("takes \(kernelModuleTypes)") { $0?.kernelModuleTypes = kernelModuleTypes }
        }
        all += others(gpu.minBranch, 500).map { branch in
            mutant("minBranch \(words(branch))") { $0?.minBranch = branch }
        }
        all += others(gpu.maxBranch, 700).map { branch in
            mutant("maxBranch \(words(branch))") { $0?.maxBranch = branch }
        }
        all += others(gpu.maxWorkstationBranch, 700).map { branch in
            mutant("maxWorkstationBranch \(words(branch))") { $0?.maxWorkstationBranch = branch }
        }
        let rules: [FabricManagerRule?] = [nil, .withNVSwitch, .always]
        all += rules.filter { $0 != gpu.fabricManager }.map { rule in
            mutant("fabric manager \(words(rule?.rawValue))") { $0?.fabricManager = rule }
        }
        all += gpu.subsystems.map { board in
            mutant("no board \(board)") { gpu in gpu?.subsystems.removeAll { $0 == board } }
        }
        all += gpu.migProfiles.filter { isShown($0, gpu, catalog) }.map { profile in
            mutant("no MIG profile \(profile)") { gpu in gpu?.migProfiles.removeAll { $0 == profile } }
        }
        return all
    }

    /// Whether the decision for a guest with a vGPU type of the card contains the profile.
    private static func isShown(_ profile: String, _ gpu: CatalogGPU, _ catalog: Catalog) -> Bool {
        catalog.vgpuTypes.values.contains { type in
            guard type.key.device == gpu.id.device, let name = type.parsedName, name.mode == .migBacked,
                let slices = name.slices, let memory = name.frameBufferGB
            else { return false }
            return profile == "\(slices)g.\(memory)gb" + (name.hasMediaEngines ? "+me" : "")
        }
    }

    private static func vgpuType(_ type: CatalogVGPUType) -> [CatalogMutant] {
        func mutant(_ what: String, _ change: (inout CatalogVGPUType?) -> Void) -> CatalogMutant {
            var copy: CatalogVGPUType? = type
            change(&copy)
            return CatalogMutant(name: "vGPU type \(type.key): \(what)", key: "\(type.key)") { [copy] in
                $0.vgpuTypes[type.key] = copy
            } restore: {
                $0.vgpuTypes[type.key] = $1.vgpuTypes[type.key]
            }
        }
        var all = [mutant("removed") { $0 = nil }, mutant("another name") { $0?.name += "0" }]
        all += otherKernelModuleTypes(type.kernelModuleTypes).map { kernelModuleTypes in
            mutant("takes \(kernelModuleTypes)") { $0?.kernelModuleTypes = kernelModuleTypes }
        }
        all += others(type.minBranch, 500).map { branch in
            mutant("minBranch \(words(branch))") { $0?.minBranch = branch }
        }
        all += others(type.maxBranch, 700).map { branch in
            mutant("maxBranch \(words(branch))") { $0?.maxBranch = branch }
        }
        return all
    }

    private static func platform(_ platform: CatalogPlatform) -> [CatalogMutant] {
        func mutant(_ what: String, _ change: (inout CatalogPlatform?) -> Void) -> CatalogMutant {
            var copy: CatalogPlatform? = platform
            change(&copy)
            return CatalogMutant(name: "platform \(platform.name): \(what)", key: platform.name) { [copy] catalog in
                let platforms = catalog.platforms.compactMap { $0.name == platform.name ? copy : $0 }
                // The order follows from what each asks for.
                catalog.platforms = Catalog(platforms: platforms).platforms
            } restore: {
                $0.platforms = $1.platforms
            }
        }
        var all = [
            mutant("removed") { $0 = nil },
            mutant("another name") { $0?.name += "-2" },
            mutant("another vendor") { $0?.systemVendor = "Another" },
            mutant("another tag") { $0?.chassisAssetTag = "another" },
        ]
        if platform.systemVendor != nil, platform.chassisAssetTag != nil {
            all.append(mutant("any vendor") { $0?.systemVendor = nil })
            all.append(mutant("any tag") { $0?.chassisAssetTag = nil })
        }
        all += platform.also.indices.map { index in
            mutant("without rule \(index) of also") { $0?.also.remove(at: index) }
        }
        all += platform.vgpuHosts.sorted { $0.key < $1.key }.flatMap { device, release in
            [release - 1, release + 1, nil].map { other in
                mutant("hosts of \(hex(device, digits: 4)) run \(words(other))") { $0?.vgpuHosts[device] = other }
            }
        }
        return all
    }

    private static func driver(_ driver: CatalogDriver) -> [CatalogMutant] {
        func mutant(_ what: String, _ change: (inout CatalogDriver?) -> Void) -> CatalogMutant {
            var copy: CatalogDriver? = driver
            change(&copy)
            return CatalogMutant(name: "driver \(driver.identity): \(what)", key: driver.identity) { [copy] catalog in
                let drivers = catalog.drivers.compactMap { $0.identity == driver.identity ? copy : $0 }
                catalog.drivers = Catalog(drivers: drivers).drivers
            } restore: {
                $0.drivers = $1.drivers
            }
        }
        var all = [
            mutant("removed") { $0 = nil },
            mutant("another kind") { $0?.kind = driver.kind == .grid ? .datacenter : .grid },
            mutant("another architecture") { $0?.architecture = driver.architecture == .x86_64 ? .aarch64 : .x86_64 },
            mutant("another fabric manager") { $0?.fabricManager = driver.fabricManager != true },
            mutant("for oci only") { $0?.platform = "oci" },
            mutant("for rhel only") { $0?.systems = SystemRule("rhel").map { [$0] } ?? [] },
            mutant("up to kernel 5.4") { $0?.kernels = KernelRange(last: KernelVersion("5.4")) },
            mutant("checksum or none") {
                $0?.artifact.digest =
                    driver.artifact.digest == nil ? Checksum(.sha256, String(repeating: "ef", count: 32)) : nil
            },
            mutant("another URL") { $0?.artifact.urls = ["https://example.com/\(driver.artifact.fileName)"] },
            mutant("another vGPU release") { $0?.vgpuRelease = driver.vgpuRelease == nil ? "20.2" : nil },
        ]
        if driver.platform != nil { all.append(mutant("for any platform") { $0?.platform = nil }) }
        if driver.kernels != nil {
            all.append(mutant("for any kernel") { $0?.kernels = nil })
            all.append(mutant("up to kernel 6.11") { $0?.kernels = KernelRange(last: KernelVersion("6.11")) })
        }
        all += otherKernelModuleTypes(driver.kernelModuleTypes).map { kernelModuleTypes in
            mutant("offers \(kernelModuleTypes)") { $0?.kernelModuleTypes = kernelModuleTypes }
        }
        let channels: [DriverChannel?] = [nil] + DriverChannel.allCases
        all += channels.filter { $0 != driver.channel }.map { channel in
            mutant("of channel \(words(channel?.rawValue))") { $0?.channel = channel }
        }
        return all
    }

    private static func otherKernelModuleTypes(_ kernelModuleTypes: [KernelModuleType]) -> [[KernelModuleType]] {
        [[.open], [.proprietary], [.open, .proprietary]].filter { Set($0) != Set(kernelModuleTypes) }
    }

    /// No value, and another value: for a missing branch, one that excludes most drivers.
    private static func others(_ branch: Int?, _ some: Int) -> [Int?] {
        branch.map { [nil, $0 - 5, $0 + 5] } ?? [some]
    }

    private static func words(_ value: (some CustomStringConvertible)?) -> String { value.map { "\($0)" } ?? "none" }
}

import FoundationEssentials
import NodeModel
import Support
import Synchronization
import Testing
import VendorProbe

/// A library that returns success and writes noise: no crash, no hang, and nothing impossible is taken for a fact.
///
/// `FUZZ_MUTATIONS` adds seeds, and `FUZZ_SEED` is the first one.
@Suite(.serialized) struct LibraryNoiseTests {
    private static let seeds: Range<Int> = {
        func number(_ variable: String) -> Int? { ProcessInfo.processInfo.environment[variable].flatMap { Int($0) } }
        let first = number("FUZZ_SEED") ?? 0
        // Four seeds have the four kinds of noise.
        return first..<(first + max(4, min((number("FUZZ_MUTATIONS") ?? 0) / 100, 200)))
    }()

    @Test func isInEveryFunctionThatTellsSomething() {
        #expect(LibraryNoise.all.count > 70)
        #expect(LibraryNoise.all.count { $0.isOfLayout } == 4)
    }

    @Test(arguments: LibraryNoise.all)
    func isNoFact(_ noise: LibraryNoise) async throws {
        let clean = noise.isOfLayout ? nil : try #require(try await look(noise, nil).value)
        for seed in Self.seeds {
            if noise.isOfLayout {
                let inventory = try await look(noise, seed) { await $0.migInventory() }
                #expect(inventory.failure.map { $0.reason == .malformed } ?? true, "seed \(seed): \(inventory)")
                for gpu in inventory.value?.gpus ?? [] { checkLayout(gpu, seed) }
                continue
            }
            let reading = try await look(noise, seed)
            guard let facts = reading.value else {
                #expect(reading.failure?.reason == .malformed, "seed \(seed): \(reading)")
                continue
            }
            #expect(facts.hang == nil)
            check(facts, seed)
            // Noise about the first GPU, or about the node, says nothing about the second one.
            if noise.symbol.hasPrefix("nvmlDevice"), noise.symbol != "nvmlDeviceGetCount_v2" {
                #expect(facts.gpus.last == clean?.gpus.last, "seed \(seed)")
            }
        }
    }

    /// A change is not taken for made when the library gives nothing that can be.
    @Test(arguments: ["nvmlDeviceSetMigMode", "nvmlDeviceCreateGpuInstanceWithPlacement"], 0..<4)
    func isNoSuccessOfAChange(_ symbol: String, _ seed: Int) async throws {
        let hardware = MIGChangeTests.a100(symbol == "nvmlDeviceSetMigMode" ? "mig=off" : "mig=on")
        let offer = MIGOffer(id: 9, name: "3g.20gb", slices: 3, instances: 2, placements: .absent)
        let steps: [MIGStep] =
            symbol == "nvmlDeviceSetMigMode"
            ? [.setMode(true)] : [.create(offer, at: MIGSpan(start: 4, size: 4), compute: [3])]
        let reading = try await StandInHost.with(hardware: hardware + "fault \(symbol) noise=\(seed)\n") {
            await $0.prober().make(MIGChange(uuid: "GPU-a", steps: steps))
        }
        let result = try #require(reading.value, "\(reading)")
        #expect(result.failure != nil || result.pending != nil, "\(result)")
    }

    // MARK: - A look

    /// One look at a host with noise; without a seed there is none.
    ///
    /// An answer comes within two seconds. Beside other tests a process can wait longer for a processor, so a slow answer
    /// is asked for again.
    private func look<Value: Sendable>(
        _ noise: LibraryNoise,
        _ seed: Int?,
        _ ask: @Sendable (VendorProber) async -> Reading<Value>
    ) async throws -> Reading<Value> {
        let hardware = noise.hardware + (seed.map { noise.line(seed: $0) } ?? "")
        // The libraries with other defines are those of the default version.
        let version = noise.defines.isEmpty ? noise.version : "580.105.08"
        return try await StandInHost.with(
            hardware: hardware,
            version: version,
            loaded: version,
            defines: noise.defines
        ) { host in
            let calls = Mutex(Set<String>())
            let prober = VendorProber(
                program: Toolbox.agent,
                libraries: VendorLibraries(nvml: host.nvml, cuda: nil),
                companions: [],
                scratch: host.root,
                progress: { _, call in calls.withLock { _ = $0.insert(call.symbol) } }
            )
            for attempt in 1...5 {
                let begin = ContinuousClock.now
                let reading = await ask(prober)
                let time = ContinuousClock.now - begin
                guard time > .seconds(2) else {
                    #expect(calls.withLock { $0.contains(noise.symbol) }, "the function is not called")
                    #expect(reading.failure.map { $0.reason != .crashed } ?? true, "\(reading)")
                    #expect(host.isTidy)
                    return reading
                }
                #expect(attempt < 5, "seed \(seed ?? -1): no answer within two seconds, but \(time)")
            }
            return await ask(prober)
        }
    }

    private func look(_ noise: LibraryNoise, _ seed: Int?) async throws -> Reading<NVMLFacts> {
        try await look(noise, seed) { await $0.facts().nvml }
    }

    // MARK: - What is possible

    private func check(_ facts: NVMLFacts, _ seed: Int) {
        checkText(facts.driverVersion, seed)
        checkText(facts.nvmlVersion, seed)
        for text in [facts.driverBranch.value, facts.cudaVersion.value].compactMap(\.self) { checkText(text, seed) }
        #expect(facts.gpus.count <= 64)
        for gpu in facts.gpus {
            for text in [gpu.uuid.value, gpu.name.value, gpu.license.value?.product].compactMap(\.self) {
                checkText(text, seed)
            }
            #expect((0...(1 << 24)).contains(gpu.memoryMiB.value ?? 0))
            #expect((0...99).contains(gpu.computeCapability.value?.major ?? 0), "\(gpu.computeCapability)")
            #expect((0...99).contains(gpu.computeCapability.value?.minor ?? 0), "\(gpu.computeCapability)")
            #expect(gpu.migDevices.value?.count ?? 0 <= 64 && gpu.migProfiles.value?.count ?? 0 <= 32)
            for device in gpu.migDevices.value ?? [] {
                checkText(device.uuid + device.profile, seed)
                #expect((0...63).contains(device.gpuInstanceID) && (0...63).contains(device.computeInstanceID))
                for place in [device.gpuInstance.value, device.computeInstance.value].compactMap(\.self) {
                    #expect((0...64).contains(place.start) && (0...64).contains(place.size))
                }
            }
            for profile in gpu.migProfiles.value ?? [] {
                checkText(profile.name, seed)
                #expect((0...64).contains(profile.slices) && (0...64).contains(profile.instances))
            }
            checkConnections(gpu, seed)
            for trait in GPUTrait.allCases { checkTrait(trait, gpu.traits[trait], seed) }
        }
        if let computing = facts.confidentialComputing.value {
            for name in [computing.environment, computing.feature, computing.multiGPU ?? ""] { checkName(name) }
        }
    }

    private func checkConnections(_ gpu: GPUFacts, _ seed: Int) {
        #expect(gpu.license.value?.features?.count ?? 0 <= 3)
        for feature in gpu.license.value?.features ?? [] { checkName(feature.code) }
        if let links = gpu.nvlink.value {
            #expect(links.active.count + links.inactive.count <= 36 && (0...99).contains(links.version ?? 0))
        }
        if let fabric = gpu.fabric.value {
            checkName(fabric.state)
            checkName(fabric.health ?? "")
            #expect(!fabric.status.contains("-"))
        }
        let processes = gpu.processes.value ?? GPUProcesses(count: 0, list: [])
        #expect((0...(2 << 22)).contains(processes.count) && processes.list.count <= GPUProcesses.limit)
        #expect(processes.list.allSatisfy { (0...(1 << 22)).contains($0.pid) })
        #expect(processes.list.allSatisfy { (0...(1 << 24)).contains($0.memoryMiB ?? 0) })
    }

    private func checkTrait(_ trait: GPUTrait, _ reading: Reading<GPUTrait.Value>, _ seed: Int) {
        switch reading.value {
        case .text(let text):
            checkText(text, seed)
            let named: Set<GPUTrait> = [.architecture, .brand, .computeMode, .addressingMode, .recoveryAction]
            if named.contains(trait) { checkName(text) }
        case .number(let number):
            let isShare = [.gpuUtilization, .memoryUtilization].contains(trait)
            #expect(!isShare || number <= 100, "\(trait) is \(number), seed \(seed)")
            let isTemperature = trait.rawValue.lowercased().contains("temperature")
            #expect(number >= (isTemperature ? -100 : 0), "\(trait) is \(number), seed \(seed)")
        case .names(let names): #expect(names.count <= 32)
        case .flag, nil: break
        }
    }

    private func checkLayout(_ gpu: MIGGPU, _ seed: Int) {
        for offer in gpu.offers.value ?? [] {
            let places = offer.placements.value ?? []
            #expect(places.count <= 64, "seed \(seed)")
            #expect(places.allSatisfy { (0...64).contains($0.start) && (0...64).contains($0.size) })
        }
        #expect(gpu.instances.value?.count ?? 0 <= 64, "seed \(seed)")
        for instance in gpu.instances.value ?? [] {
            #expect(instance.computeInstances.count <= 64)
            #expect(instance.computeInstances.allSatisfy { (0...64).contains($0.slices) && (0...63).contains($0.id) })
        }
    }

    /// A text is UTF-8, and shorter than the room for it.
    private func checkText(_ text: String, _ seed: Int) {
        #expect(!text.unicodeScalars.contains("\u{FFFD}"), "seed \(seed): \(text)")
        #expect(text.utf8.count < 200, "seed \(seed): \(text)")
    }

    /// A name of an enumeration, or a number that this version of the agent does not know.
    private func checkName(_ name: String) {
        if let number = Int(name) { #expect((0...99).contains(number), "\(name) is no number of an enumeration") }
    }
}

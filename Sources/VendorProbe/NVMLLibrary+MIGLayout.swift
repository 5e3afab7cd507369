import CVendor
import NodeModel

extension NVMLLibrary {
    /// The most instances and places that the agent believes; a GPU has at most 8 instances.
    static let mostMIGInstances: UInt32 = 64

    /// Reads the MIG layout of all GPUs.
    func migInventory() throws(NVMLError) -> MIGInventory {
        let count = try count("nvmlDeviceGetCount_v2", atMost: vendorDeviceLimit, "GPUs") {
            functions.DeviceGetCount_v2($0)
        }
        var inventory = MIGInventory(gpus: [])
        for index in 0..<Int(count) {
            do throws(NVMLError) { inventory.gpus.append(try migGPU(index)) } catch {
                inventory.unreadable.append(.init(index: index, failure: error.failure))
            }
        }
        return inventory
    }

    private func migGPU(_ index: Int) throws(NVMLError) -> MIGGPU {
        let device = try handle("nvmlDeviceGetHandleByIndex_v2") {
            functions.DeviceGetHandleByIndex_v2(UInt32(index), $0)
        }
        reporter.begin(.unread(index))
        defer { reporter.finish(.unread(index)) }
        let symbol = "nvmlDeviceGetPciInfo_v3"
        let pci = try value(symbol, gpa_nvml_pci_info_t()) { functions.DeviceGetPciInfo_v3(device, $0) }
        let text = withUnsafeBytes(of: pci.bus_id, vendorText)
        guard let address = PCIAddress(text) else { throw .value(symbol, text) }
        let mode = Reading(canBeAbsent: true) { () throws(NVMLError) in try migMode(of: device) }
        let offers = mode.flatMap { migOffers(of: device, places: $0.current) }
        return MIGGPU(
            index: index,
            pciAddress: address,
            uuid: try uuid(of: device),
            name: try name(of: device),
            pciID: pci.pci_device_id,
            subsystemID: pci.pci_subsystem_id,
            virtualization: Reading(canBeAbsent: true) { () throws(NVMLError) in try virtualization(of: device) },
            mode: mode,
            offers: offers,
            instances: mode.flatMap { mode in
                mode.current ? offers.flatMap { gpuInstances(of: device, $0) } : .present([])
            },
            processes: processes(of: device),
            devices: mode.flatMap { mode in
                guard mode.current else { return .present([]) }
                return Reading { () throws(NVMLError) in try migDevices(of: device).map(\.profile) }
            },
            minor: detail("nvmlDeviceGetMinorNumber", functions.DeviceGetMinorNumber) { call throws(NVMLError) in
                Int(try value("nvmlDeviceGetMinorNumber", 0 as UInt32) { call(device, $0) })
            }
        )
    }

    /// The profiles of a GPU, with their places when MIG mode is on.
    private func migOffers(of device: gpa_nvml_device_t, places: Bool) -> Reading<[MIGOffer]> {
        profiles(of: device) { info, name in
            MIGOffer(
                id: Int(info.id),
                name: name,
                slices: Int(info.slice_count),
                instances: Int(info.instance_count),
                engines: MIGEngines(
                    decoders: Int(info.decoder_count),
                    encoders: Int(info.encoder_count),
                    jpeg: Int(info.jpeg_count),
                    opticalFlow: Int(info.ofa_count)
                ),
                placements: places ? placements(of: info.id, device) : .absentBecause("MIG mode is off")
            )
        }
    }

    private func placements(of profile: UInt32, _ device: gpa_nvml_device_t) -> Reading<[MIGSpan]> {
        let symbol = "nvmlDeviceGetGpuInstancePossiblePlacements_v2"
        return detail(symbol, functions.DeviceGetGpuInstancePossiblePlacements_v2) { call throws(NVMLError) in
            _ = try count(symbol, atMost: Self.mostMIGInstances, "places") { call(device, profile, nil, $0) }
            var room = [gpa_nvml_placement_t](repeating: .init(), count: Int(Self.mostMIGInstances))
            let count = try count(symbol, atMost: Self.mostMIGInstances, "places") { [count = Self.mostMIGInstances] in
                $0.pointee = count
                return call(device, profile, &room, $0)
            }
            var places: [MIGSpan] = []
            for place in room.prefix(Int(count)) { places.append(try span(symbol, place)) }
            return places
        }
    }

    private func gpuInstances(of device: gpa_nvml_device_t, _ offers: [MIGOffer]) -> Reading<[MIGGPUInstance]> {
        let symbol = "nvmlDeviceGetGpuInstances"
        return detail(symbol, functions.DeviceGetGpuInstances) { call throws(NVMLError) in
            var instances: [MIGGPUInstance] = []
            for offer in offers {
                var room = [gpa_nvml_gpu_instance_t?](repeating: nil, count: Int(Self.mostMIGInstances))
                let count = try count(symbol, atMost: Self.mostMIGInstances, "GPU instances") {
                    call(device, UInt32(offer.id), &room, $0)
                }
                for handle in room.prefix(Int(count)) {
                    guard let handle else { throw .value(symbol, "no handle") }
                    instances.append(try gpuInstance(handle))
                }
                guard instances.count <= Int(Self.mostMIGInstances) else {
                    throw .count(symbol, "more than \(Self.mostMIGInstances) GPU instances")
                }
            }
            return instances.sorted { $0.placement.start < $1.placement.start }
        }
    }

    func info(_ handle: gpa_nvml_gpu_instance_t) throws(NVMLError) -> gpa_nvml_gpu_instance_info_t {
        let symbol = "nvmlGpuInstanceGetInfo"
        guard let tell = functions.GpuInstanceGetInfo else { throw .call(symbol, .functionNotFound) }
        return try value(symbol, gpa_nvml_gpu_instance_info_t()) { tell(handle, $0) }
    }

    private func gpuInstance(_ handle: gpa_nvml_gpu_instance_t) throws(NVMLError) -> MIGGPUInstance {
        let symbol = "nvmlGpuInstanceGetInfo"
        let info = try info(handle)
        return MIGGPUInstance(
            id: try instanceID(symbol, info.id),
            profileID: Int(info.profile_id),
            placement: try span(symbol, info.placement),
            computeInstances: try computeInstances(of: handle)
        )
    }

    private func computeInstances(of gpu: gpa_nvml_gpu_instance_t) throws(NVMLError) -> [MIGComputeInstance] {
        let symbol = "nvmlGpuInstanceGetComputeInstances"
        let infoSymbol = "nvmlComputeInstanceGetInfo_v2"
        guard let list = functions.GpuInstanceGetComputeInstances else { throw .call(symbol, .functionNotFound) }
        guard let tell = functions.ComputeInstanceGetInfo_v2 else { throw .call(infoSymbol, .functionNotFound) }
        var instances: [MIGComputeInstance] = []
        for profile in try computeProfiles(of: gpu) {
            var room = [gpa_nvml_compute_instance_t?](repeating: nil, count: Int(Self.mostMIGInstances))
            let count = try count(symbol, atMost: Self.mostMIGInstances, "compute instances") {
                list(gpu, profile.id, &room, $0)
            }
            for handle in room.prefix(Int(count)) {
                guard let handle else { throw .value(symbol, "no handle") }
                let info = try value(infoSymbol, gpa_nvml_compute_instance_info_t()) { tell(handle, $0) }
                let id = try instanceID(infoSymbol, info.id)
                instances.append(MIGComputeInstance(id: id, slices: Int(profile.slice_count)))
            }
            guard instances.count <= Int(Self.mostMIGInstances) else {
                throw .count(symbol, "more than \(Self.mostMIGInstances) compute instances")
            }
        }
        return instances.sorted { $0.id < $1.id }
    }

    /// The kinds of compute instances that a GPU instance can have.
    ///
    /// NVIDIA numbers them from 0, and the first invalid number ends the list. The second argument is the sharing of
    /// engines, of which there is one kind.
    func computeProfiles(
        of gpu: gpa_nvml_gpu_instance_t
    ) throws(NVMLError) -> [gpa_nvml_compute_instance_profile_t] {
        let symbol = "nvmlGpuInstanceGetComputeInstanceProfileInfo"
        guard let call = functions.GpuInstanceGetComputeInstanceProfileInfo else {
            throw .call(symbol, .functionNotFound)
        }
        var profiles: [gpa_nvml_compute_instance_profile_t] = []
        for number in 0..<Self.mostMIGInstances {
            do throws(NVMLError) {
                let profile = try value(symbol, gpa_nvml_compute_instance_profile_t()) { call(gpu, number, 0, $0) }
                _ = try slices(symbol, profile.slice_count)
                // Two numbers can have the same profile.
                if !profiles.contains(where: { $0.id == profile.id }) { profiles.append(profile) }
            } catch {
                if case .call(_, .invalidArgument) = error { break }
                if case .call(_, .notSupported) = error { continue }
                throw error
            }
        }
        return profiles
    }
}

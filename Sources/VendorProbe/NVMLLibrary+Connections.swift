import CVendor
import NodeModel
import Support

extension NVMLLibrary {
    /// The states of the NVLink links; absent when no link exists.
    func nvlink(of device: gpa_nvml_device_t) -> Reading<NVLinkFacts> {
        let symbol = "nvmlDeviceGetNvLinkState"
        return detail(symbol, functions.DeviceGetNvLinkState) { call throws(NVMLError) in
            var facts = NVLinkFacts(active: [], inactive: [])
            var missing: NVMLError?
            for link in 0..<UInt32(GPA_NVML_NVLINK_MAX_LINKS) {
                do throws(NVMLError) {
                    let isActive = try flag(symbol, try value(symbol, 0 as UInt32) { call(device, link, $0) })
                    if isActive { facts.active.append(Int(link)) } else { facts.inactive.append(Int(link)) }
                } catch {
                    // Links that the GPU does not have can be between those that it has.
                    guard case .call(_, let code) = error else { throw error }
                    missing = missing ?? error
                    if code == .invalidArgument { break }
                    if !code.isAbsenceOfDetail { throw error }
                    // A GPU without NVLink has no first link either.
                    if link == 1, facts.active.isEmpty, facts.inactive.isEmpty { break }
                }
            }
            if facts.active.isEmpty, facts.inactive.isEmpty, let missing { throw missing }
            if let link = facts.active.first, let call = functions.DeviceGetNvLinkVersion {
                let version = try? value("nvmlDeviceGetNvLinkVersion", 0 as UInt32) {
                    call(device, UInt32(link), $0)
                }
                // A version that is not possible is none.
                facts.version = version.flatMap { $0 < 100 ? Int($0) : nil }
            }
            addEnds(to: &facts, of: device)
            return facts
        }
    }

    /// Adds what is at the other ends of the active links, as far as NVML tells.
    ///
    /// On a board with NVSwitches, all links of a GPU end at them, so the first one is enough.
    private func addEnds(to facts: inout NVLinkFacts, of device: gpa_nvml_device_t) {
        guard let type = functions.DeviceGetNvLinkRemoteDeviceType else { return }
        for link in facts.active {
            let end = try? value("nvmlDeviceGetNvLinkRemoteDeviceType", 0 as UInt32) { type(device, UInt32(link), $0) }
            guard let end else { return }
            facts.reachesSwitch = Int(end) == GPA_NVML_LINK_END_SWITCH
            if facts.reachesSwitch == true { return }
            guard Int(end) == GPA_NVML_LINK_END_GPU, let call = functions.DeviceGetNvLinkRemotePciInfo_v2 else {
                continue
            }
            let info = try? value("nvmlDeviceGetNvLinkRemotePciInfo_v2", gpa_nvml_pci_info_t()) {
                call(device, UInt32(link), $0)
            }
            guard let info, let address = PCIAddress(withUnsafeBytes(of: info.bus_id, vendorText)) else { continue }
            var neighbors = facts.neighbors ?? []
            if !neighbors.contains(address) { neighbors.append(address) }
            facts.neighbors = neighbors
        }
    }

    /// The state in the fabric, with the newest struct that the driver knows.
    func fabric(of device: gpa_nvml_device_t) -> Reading<FabricFacts> {
        let symbol = "nvmlDeviceGetGpuFabricInfoV"
        var newest: Reading<FabricFacts> = .absentBecause("the driver has no function \(symbol)")
        for version in [GPA_NVML_FABRIC_INFO_V3_VERSION, GPA_NVML_FABRIC_INFO_V2_VERSION] {
            newest = detail(symbol, functions.DeviceGetGpuFabricInfoV) { call throws(NVMLError) in
                var info = gpa_nvml_fabric_info_v3_t()
                info.version = version
                info = try value(symbol, info) { call(device, $0) }
                return try facts(symbol, info, hasSummary: version == GPA_NVML_FABRIC_INFO_V3_VERSION)
            }
            // Only an old driver may know another version.
            guard newest == .absentBecause(NVMLError.call(symbol, .argumentVersionMismatch).description)
            else { break }
        }
        let old = "nvmlDeviceGetGpuFabricInfo"
        if newest.isAbsent, let function = functions.DeviceGetGpuFabricInfo,
            functions.DeviceGetGpuFabricInfoV == nil
        {
            newest = detail(old, function) { call throws(NVMLError) in
                let info = try value(old, gpa_nvml_fabric_info_t()) { call(device, $0) }
                return FabricFacts(
                    state: try name(old, info.state, of: NVMLNames.fabricStates),
                    status: try statusName(old, info.status, info.state),
                    cluster: withUnsafeBytes(of: info.cluster_uuid, uuidText),
                    clique: Int(info.clique_id)
                )
            }
        }
        // State 0 means that no fabric is there.
        return newest.flatMap {
            $0.state == "0" ? .absentBecause("the GPU is not in a fabric") : .present($0)
        }
    }

    /// The settings of confidential computing; absent in drivers and on nodes without it.
    func confidentialComputing() -> Reading<ConfidentialComputing> {
        let newest = "nvmlSystemGetConfComputeSettings"
        let settings: Reading<ConfidentialComputing> = detail(
            newest,
            functions.SystemGetConfComputeSettings
        ) {
            call throws(NVMLError) in
            var settings = gpa_nvml_conf_compute_settings_t()
            settings.version = GPA_NVML_CONF_COMPUTE_SETTINGS_VERSION
            settings = try value(newest, settings) { call($0) }
            return try facts(
                newest,
                settings.environment,
                settings.feature,
                settings.developer_tools,
                settings.multi_gpu
            )
        }
        guard settings.isAbsent else { return settings }
        let symbol = "nvmlSystemGetConfComputeState"
        let state: Reading<ConfidentialComputing> = detail(symbol, functions.SystemGetConfComputeState) {
            call throws(NVMLError) in
            let state = try value(symbol, gpa_nvml_conf_compute_state_t()) { call($0) }
            return try facts(symbol, state.environment, state.feature, state.developer_tools, nil)
        }
        return state.isAbsent ? settings : state
    }

    private func facts(
        _ symbol: String,
        _ environment: UInt32,
        _ feature: UInt32,
        _ tools: UInt32,
        _ mode: UInt32?
    ) throws(NVMLError) -> ConfidentialComputing {
        let readySymbol = "nvmlSystemGetConfComputeGpusReadyState"
        let ready = detail(readySymbol, functions.SystemGetConfComputeGpusReadyState) {
            call throws(NVMLError) in
            try flag(readySymbol, try value(readySymbol, 0 as UInt32) { call($0) })
        }
        var facts = ConfidentialComputing(
            environment: try name(symbol, environment, of: NVMLNames.environments),
            feature: try name(symbol, feature, of: NVMLNames.confidentialFeatures),
            developerTools: try flag(symbol, tools),
            acceptsWork: ready.value
        )
        if let mode { facts.multiGPU = try name(symbol, mode, of: NVMLNames.multiGPUModes) }
        return facts
    }

    private func facts(
        _ symbol: String,
        _ info: gpa_nvml_fabric_info_v3_t,
        hasSummary: Bool
    ) throws(NVMLError) -> FabricFacts {
        var facts = FabricFacts(
            state: try name(symbol, info.state, of: NVMLNames.fabricStates),
            status: try statusName(symbol, info.status, info.state),
            cluster: withUnsafeBytes(of: info.cluster_uuid, uuidText),
            clique: Int(info.clique_id),
            healthMask: Int(info.health_mask)
        )
        // 0 means that the GPU has no summary.
        if hasSummary, info.health_summary != 0 {
            facts.health = try name(symbol, info.health_summary, of: NVMLNames.fabricHealth)
        }
        return facts
    }

    /// The name of the code of a registration, also of success.
    ///
    /// Without a fabric (state 0), it says nothing.
    private func statusName(_ symbol: String, _ status: gpa_nvml_return_t, _ state: UInt8) throws(NVMLError) -> String {
        guard state == 0 || (0...999).contains(status) else { throw .value(symbol, "status \(status)") }
        let code = NVMLReturn(rawValue: status)
        return code == .success ? "NVML_SUCCESS" : code.name
    }
}

/// The text of a UUID of 16 bytes; nil for one that is all zeros.
private func uuidText(_ bytes: UnsafeRawBufferPointer) -> String? {
    guard bytes.contains(where: { $0 != 0 }) else { return nil }
    var text = ""
    for (index, byte) in bytes.enumerated() {
        if [4, 6, 8, 10].contains(index) { text += "-" }
        text += hex(byte, digits: 2)
    }
    return text
}

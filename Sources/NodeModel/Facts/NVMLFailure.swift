/// An error code that a function of NVML returned (`nvmlReturn_t`).
///
/// A reading contains it as text, `symbol: CODE NAME`, such as `nvmlDeviceGetName: 15 NVML_ERROR_GPU_IS_LOST`.
package struct NVMLFailure: Sendable, Equatable, CustomStringConvertible {
    /// The meaning of a code, in the classes that have different remedies.
    package enum Class: Sendable {
        /// The function, or what it asks for, does not exist on this GPU or in this driver.
        case absence
        /// The kernel denied access to a device node.
        case noPermission
        /// The power cables of the GPU are not connected.
        case noPower
        /// The library does not reach the kernel module.
        case driverNotLoaded
        /// The library does not find another library of its driver.
        case libraryNotFound
        /// The GPU fell off the bus.
        case lost
        /// The GPU works again only after a reset.
        case resetRequired
        /// The library and the kernel module are of different versions.
        case versionMismatch
        /// `NVML_ERROR_UNKNOWN`, which the driver returns for most internal errors.
        case unknown
        case other
    }

    package var symbol: String
    package var code: Int
    /// The name of the code in NVIDIA's header.
    package var name: String

    package init(symbol: String, code: Int, name: String) {
        self.symbol = symbol
        self.code = code
        self.name = name
    }

    /// The error code in a failure; nil when no function of NVML returned one.
    package init?(_ failure: ReadFailure) {
        guard failure.reason == .vendor, let mark = failure.detail.firstRange(of: ": ") else { return nil }
        let words = failure.detail[mark.upperBound...].split(separator: " ", maxSplits: 1)
        guard words.count == 2, let code = Int(words[0]) else { return nil }
        self.init(symbol: String(failure.detail[..<mark.lowerBound]), code: code, name: String(words[1]))
    }

    package var description: String { "\(symbol): \(code) \(name)" }

    package var kind: Class {
        switch code {
        case 3, 6, 13: .absence
        case 4: .noPermission
        case 8: .noPower
        case 9: .driverNotLoaded
        case 12: .libraryNotFound
        case 15: .lost
        case 16: .resetRequired
        case 18: .versionMismatch
        case 999: .unknown
        default: .other
        }
    }
}

extension GPUFacts {
    /// The failures that are the state of this GPU, without repetitions.
    ///
    /// An error code that a call about the GPU returns is its state, unless the code means that the GPU does not have
    /// what the call asks for. A GPU whose UUID, MIG mode or MIG devices cannot be read for another reason is not
    /// usable either. A trait only describes the GPU. Its error code counts when it is about the GPU as a whole: the
    /// GPU is lost, needs a reset, or has no power.
    package var faults: [ReadFailure] {
        var faults: [ReadFailure] = []
        for failure in [uuid.failure, migMode.failure, migDevices.failure].compactMap(\.self) + returned
        where !faults.contains(failure) {
            faults.append(failure)
        }
        return faults
    }

    /// The error codes of all calls about the GPU and its MIG devices that are the state of the GPU.
    private var returned: [ReadFailure] {
        let essential = (fieldFailures + (migDevices.value ?? []).compactMap(\.attributes.failure))
            .filter { failure in NVMLFailure(failure).map { $0.kind != .absence } ?? false }
        let described = descriptionFailures.filter { failure in
            NVMLFailure(failure).map { [.lost, .resetRequired, .noPower].contains($0.kind) } ?? false
        }
        return essential + described
    }

    /// The failures of all fields and traits.
    fileprivate var failures: [ReadFailure] { fieldFailures + descriptionFailures }

    private var fieldFailures: [ReadFailure] {
        [
            pciAddress.failure, uuid.failure, name.failure, memoryMiB.failure, computeCapability.failure,
            migMode.failure, migDevices.failure, virtualization.failure, license.failure,
        ].compactMap(\.self)
    }

    /// The failures of what only describes the GPU.
    private var descriptionFailures: [ReadFailure] {
        let instances = (migDevices.value ?? []).flatMap {
            [$0.gpuInstance.failure, $0.computeInstance.failure]
        }
        let others =
            [migProfiles.failure, nvlink.failure, fabric.failure, processes.failure] + instances
        return traits.all.compactMap(\.failure) + others.compactMap(\.self)
    }

    /// The UUIDs of the GPU and of its MIG devices, by which a process selects them.
    package var deviceUUIDs: [String] {
        [uuid.value].compactMap(\.self) + (migDevices.value ?? []).map(\.uuid)
    }

    /// The GPU in a finding: `GPU 3 (0001:00:00.0)`.
    package var label: String { "GPU \(index)" + (pciAddress.value.map { " (\($0))" } ?? "") }
}

extension NVMLFacts {
    /// The call that did not return; nil when every call returned.
    package var hang: ReadFailure? {
        let node = [driverBranch.failure, confidentialComputing.failure].compactMap(\.self)
        return (node + gpus.flatMap(\.failures)).first { $0.reason == .hang }
    }
}

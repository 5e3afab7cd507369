/// An event of a GPU that NVML reported.
package struct NVMLEvent: Codable, Sendable, Equatable {
    package enum Kind: String, Codable, Sendable {
        /// The driver reported an Xid (`nvmlEventTypeXidCriticalError`).
        case xid
        /// The MIG mode or a MIG device of the GPU changed (`nvmlEventMigConfigChange`).
        case migChange = "mig-change"
    }

    package var kind: Kind
    /// The address of the GPU, with the function 0.
    package var address: PCIAddress
    /// The UUID of the GPU; nil when NVML does not tell it.
    package var uuid: String?
    /// The number of the Xid; nil for other kinds.
    package var code: Int?
    /// The ID of the GPU instance that the Xid is of; nil when it is not of one instance.
    package var gpuInstance: Int?
    /// The ID of the compute instance that the Xid is of; nil when it is not of one instance.
    package var computeInstance: Int?

    package init(
        kind: Kind,
        address: PCIAddress,
        uuid: String? = nil,
        code: Int? = nil,
        gpuInstance: Int? = nil,
        computeInstance: Int? = nil
    ) {
        self.kind = kind
        self.address = address
        self.address.function = 0
        self.uuid = uuid
        self.code = code
        self.gpuInstance = gpuInstance
        self.computeInstance = computeInstance
    }

    /// The number that NVML reports for an Xid that it does not know.
    ///
    /// Source: the comment on `nvmlEventData_t` in NVIDIA's `nvml.h`.
    private static let unknownCode = 999

    /// The report of an Xid for people; NVML tells its number, and not the text of the driver.
    package var text: String {
        guard code != Self.unknownCode else { return "NVML reported an Xid whose number it does not know" }
        let parts = [
            gpuInstance.map { "GPU instance \($0)" }, computeInstance.map { "compute instance \($0)" },
        ].compactMap(\.self)
        return "reported by NVML" + (parts.isEmpty ? "" : " for \(parts.joined(separator: ", "))")
    }
}

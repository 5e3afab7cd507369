import NodeModel
import Support

/// The agent's annotations, which have the prefix of its labels.
///
/// They say what is too long for a label, or what no selector needs.
struct OwnAnnotations {
    var facts: NodeFacts
    var report: NodeReport
    var prefix: String

    /// The version of the form of the MIG devices.
    private static let version = 1
    /// The most GPUs and the most MIG devices that the annotation lists.
    ///
    /// No node has so many: 16 GPUs have 112 MIG devices. A Node can have 256 KiB of annotations, and this many need at
    /// most 80 KiB.
    static let gpuLimit = 64
    static let deviceLimit = 256
    /// The most bytes of a UUID or of the name of a profile; NVML's buffers are not larger.
    private static let nameLimit = 96

    func build() -> [String: AnnotationWish] {
        // A node that certainly has no GPU has no annotation either.
        guard facts.pci.whyUnknown != nil || !facts.gpus.isEmpty || !facts.unidentified.isEmpty else { return [:] }
        var wishes: [String: AnnotationWish] = [:]
        wishes[OwnAnnotation.validation.key(prefix: prefix)] = validation
        wishes[OwnAnnotation.migDevices.key(prefix: prefix)] = migDevices
        return wishes
    }

    /// The first proof of this boot: CUDA computed the right results on each device, and the node is in use.
    private var validation: AnnotationWish {
        guard let boot = facts.host.bootID.value else { return .keep }
        let isUsable = report.readiness == .usable && [.ready, .degraded].contains(report.verdict)
        return .firstProof(ofBoot: boot, isUsable ? facts.vendor.value?.provenAt : nil)
    }

    /// The MIG devices of each GPU in MIG mode; nil when no GPU is in it.
    private var migDevices: AnnotationWish? {
        guard facts.pci.whyUnknown == nil, !facts.gpus.isEmpty else { return .keep }
        guard let nvml = facts.vendor.value?.nvml.value else { return facts.nvmlIsUndetermined ? .keep : nil }
        guard !nvml.gpus.isEmpty, nvml.gpus.allSatisfy({ $0.migMode.whyUnknown == nil }) else { return .keep }
        let enabled = nvml.gpus.filter { $0.migMode.value?.current == true }
        guard !enabled.isEmpty else { return nil }
        let known = enabled.compactMap { gpu -> (uuid: String, devices: [MIGDevice])? in
            guard let uuid = gpu.uuid.value, let devices = gpu.migDevices.value else { return nil }
            return (uuid, devices)
        }
        guard known.count == enabled.count else { return .keep }
        return Self.text(known).map { .value($0) } ?? .keep
    }

    /// The JSON text, with the GPUs sorted by UUID and their MIG devices by their instances.
    ///
    /// What is past the limits, or has no usable name, is only counted, in `omitted`.
    private static func text(_ gpus: [(uuid: String, devices: [MIGDevice])]) -> String? {
        let named = gpus.filter { isName($0.uuid) }.sorted { $0.uuid < $1.uuid }.prefix(gpuLimit)
        var (left, listed) = (deviceLimit, [String: JSONValue]())
        for gpu in named where listed[gpu.uuid] == nil {
            let devices = gpu.devices.filter { isName($0.uuid) && isName($0.profile) }.sorted { one, other in
                (one.gpuInstanceID, one.computeInstanceID, one.uuid)
                    < (other.gpuInstanceID, other.computeInstanceID, other.uuid)
            }.prefix(left)
            left -= devices.count
            listed[gpu.uuid] = .array(devices.map(json))
        }
        let omitted = gpus.reduce(0) { $0 + $1.devices.count } - (deviceLimit - left)
        var document: JSONValue = ["version": .int(version), "gpus": .object(listed)]
        if omitted > 0 { document["omitted"] = .int(omitted) }
        return document.line
    }

    private static func json(_ device: MIGDevice) -> JSONValue {
        [
            "uuid": .string(device.uuid), "profile": .string(device.profile),
            "gpuInstance": .int(device.gpuInstanceID), "computeInstance": .int(device.computeInstanceID),
        ]
    }

    /// Whether the text is short, and needs no escapes in JSON.
    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= nameLimit
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.+ ".contains($0)) }
    }
}

extension VendorFacts {
    /// When the last device was proven; nil unless CUDA works and computed the right results on each device.
    fileprivate var provenAt: Timestamp? {
        guard let tests = cuda.value, !tests.isEmpty, tests.allSatisfy(\.works) else { return nil }
        let times = tests.compactMap(\.provenAt)
        return times.count == tests.count ? times.max { $0.milliseconds < $1.milliseconds } : nil
    }
}

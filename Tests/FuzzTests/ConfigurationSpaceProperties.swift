import NodeModel
import PCIBus
import Selection
import TestSupport

extension Properties {
    mutating func checkConfigurationSpace(_ space: [UInt8]) {
        let reading = VGPUCapabilityDecoder.decode(configurationSpace: space)
        if let capability = reading.value {
            expect(holdsSignature(space), "a vGPU is seen by its signature only")
            for text in [capability.hostDriverVersion, capability.hostDriverBranch].compactMap(\.self) {
                let printable = text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
                expect(printable && (1...10).contains(text.utf8.count), "a text of the host is printable: \(text)")
            }
        }
        // Who reads less knows less, and never something else.
        for count in [64, 65, 0x80, 0xd4, 0xd8, 0xff, VGPUCapabilityDecoder.spaceSize] where count <= space.count {
            let part = VGPUCapabilityDecoder.decode(configurationSpace: Array(space.prefix(count)))
            expect(
                part == reading || part.failure?.reason == .permission,
                "of \(count) bytes: \(part), of all: \(reading)"
            )
        }
        let catalog = SmallCatalog.catalog
        for node in [NodeFacts.h100, .rtxProVGPU] {
            let facts = node.withGPU { $0.vgpuCapability = reading }
            checkDecision(Selection(catalog: catalog, policy: Policy()).decide(facts), catalog)
        }
    }

    /// Whether a vendor-specific capability with the letters VF is anywhere after the header.
    private func holdsSignature(_ space: [UInt8]) -> Bool {
        stride(from: 64, to: min(space.count, VGPUCapabilityDecoder.spaceSize) - 4, by: 4).contains { place in
            space[place] == 0x09 && Array(space[(place + 3)...(place + 4)]) == Array("VF".utf8)
        }
    }
}

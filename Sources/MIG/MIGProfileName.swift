/// The name of a MIG device, such as `1g.10gb`, `1c.3g.40gb`, `1g.24gb+me.all` or `2g.48gb-me`.
///
/// It has the compute slices (`1c`, only when the device has fewer than its GPU instance), the slices of the GPU
/// instance (`3g`), its memory (`40gb`), and attributes. Source: NVIDIA's MIG user guide, "MIG Device Names".
package struct MIGProfileName: Sendable, Hashable, CustomStringConvertible {
    /// The number of compute slices of the device.
    package var computeSlices: Int
    /// The number of compute slices of its GPU instance.
    package var slices: Int
    /// The memory of the GPU instance, in GB as the name rounds it.
    package var memoryGB: Int
    /// The attribute with its sign, such as `+me` or `-me`; empty without one.
    package var attribute: String

    /// The attributes that NVIDIA's drivers know.
    package static let attributes = ["+me", "+gfx", "+me.all", "-me"]

    /// Reads a name; nil when it has another form.
    package init?(_ text: String) {
        guard text.utf8.count <= 32 else { return nil }
        let end = text.firstIndex { $0 == "+" || $0 == "-" } ?? text.endIndex
        attribute = String(text[end...])
        guard attribute.isEmpty || Self.attributes.contains(attribute) else { return nil }
        var parts = text[..<end].split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2 || parts.count == 3, let memory = Self.number(parts.removeLast(), "gb"),
            let slices = Self.number(parts.removeLast(), "g")
        else { return nil }
        var compute = slices
        if let part = parts.first {
            guard let number = Self.number(part, "c"), number <= slices else { return nil }
            compute = number
        }
        (computeSlices, self.slices, memoryGB) = (compute, slices, memory)
    }

    /// A whole number from 1 to 9999 before a unit; nil for anything else.
    private static func number(_ text: Substring, _ unit: String) -> Int? {
        guard text.hasSuffix(unit) else { return nil }
        let digits = text.dropLast(unit.count)
        guard (1...4).contains(digits.count), digits.utf8.allSatisfy({ (48...57).contains($0) }), digits.first != "0"
        else { return nil }
        return Int(digits)
    }

    /// The name of the GPU instance: the same without the compute slices.
    package var gpuInstance: String { "\(slices)g.\(memoryGB)gb\(attribute)" }

    package var description: String {
        computeSlices == slices ? gpuInstance : "\(computeSlices)c.\(gpuInstance)"
    }
}

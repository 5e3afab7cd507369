import Catalog
import NodeModel

extension Properties {
    mutating func checkName(_ text: String) {
        if let name = VGPUName(text) {
            let printed = printed(name)
            expect(VGPUName(printed) == name, "'\(text)' reads as \(name), which is written '\(printed)'")
            expect(withoutZeros(printed) == withoutZeros(named(text)), "'\(text)' says no more than '\(printed)'")
            expect(name.isMasked || name.slices != nil || name.mode == .timeSliced, "no slices, no instance: \(name)")
        }
        returns(text, DriverVersion.init)
        returns(text, KernelVersion.init)
        returns(text, SystemRule.init)
        returns(text, PCIID.init)
        returns(text, PCIAddress.init)
    }

    /// Checks that a value reads back from its own description.
    private mutating func returns<Value: CustomStringConvertible & Equatable>(
        _ text: String,
        _ read: (String) -> Value?
    ) {
        guard let value = read(text) else { return }
        expect(read(value.description) == value, "'\(text)' reads as the \(Value.self) '\(value)', and that does not")
    }

    private func printed(_ name: VGPUName) -> String {
        let front = "\(name.brand.rawValue) \(name.board)"
        guard let gigabytes = name.frameBufferGB else { return front }
        let separator = name.board.hasPrefix("AC ") ? " " : "-"
        let slices = name.slices.map { "-\($0)" } ?? ""
        let tail = name.series.rawValue + (name.hasMediaEngines ? "ME" : "") + (name.variant.map(String.init) ?? "")
        return "\(front)\(slices)\(separator)\(gigabytes)\(tail)"
    }

    /// The text without the suffix that management software appends.
    private func named(_ text: String) -> String {
        text.firstRange(of: "-MIG ").map { String(text[..<$0.lowerBound]) } ?? text
    }

    /// The text without leading zeros in its numbers.
    private func withoutZeros(_ text: String) -> [Character] {
        let characters = Array(text)
        return characters.indices.filter { index in
            guard characters[index] == "0", index + 1 < characters.count, isDigit(characters[index + 1]) else {
                return true
            }
            return characters[..<index].last { $0 != "0" }.map(isDigit) ?? false
        }.map { characters[$0] }
    }

    private func isDigit(_ character: Character) -> Bool { ("0"..."9").contains(character) }
}

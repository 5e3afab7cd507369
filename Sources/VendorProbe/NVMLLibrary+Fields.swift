import CVendor
import NodeModel

extension TraitReader {
    /// A trait that NVML reports as a field, which has a number and a return code of its own.
    private struct Field {
        var trait: GPUTrait
        var id: UInt32
        var kind = Kind.count

        static func count(_ trait: GPUTrait, _ id: Int) -> Field { Field(trait: trait, id: UInt32(id)) }
        static func flag(_ trait: GPUTrait, _ id: Int) -> Field {
            Field(trait: trait, id: UInt32(id), kind: .flag)
        }

        enum Kind {
            case count, flag, recoveryAction
        }
    }

    private static var fields: [Field] {
        [
            .count(.eccCorrected, GPA_NVML_FIELD_ECC_CORRECTED),
            .count(.eccUncorrected, GPA_NVML_FIELD_ECC_UNCORRECTED),
            .count(.eccCorrectedEver, GPA_NVML_FIELD_ECC_CORRECTED_EVER),
            .count(.eccUncorrectedEver, GPA_NVML_FIELD_ECC_UNCORRECTED_EVER),
            .count(.retiredPagesSingleBit, GPA_NVML_FIELD_RETIRED_SINGLE_BIT),
            .count(.retiredPagesDoubleBit, GPA_NVML_FIELD_RETIRED_DOUBLE_BIT),
            .flag(.retiredPagesPending, GPA_NVML_FIELD_RETIRED_PENDING),
            .count(.memoryTemperature, GPA_NVML_FIELD_MEMORY_TEMPERATURE),
            .count(.pcieReplays, GPA_NVML_FIELD_PCIE_REPLAYS),
            .count(.remappedRowsCorrectable, GPA_NVML_FIELD_REMAPPED_CORRECTABLE),
            .count(.remappedRowsUncorrectable, GPA_NVML_FIELD_REMAPPED_UNCORRECTABLE),
            .flag(.remappedRowsPending, GPA_NVML_FIELD_REMAPPED_PENDING),
            .flag(.remappedRowsFailed, GPA_NVML_FIELD_REMAPPED_FAILED),
            Field(trait: .recoveryAction, id: UInt32(GPA_NVML_FIELD_RECOVERY_ACTION), kind: .recoveryAction),
        ]
    }

    /// Reads the fields with one call.
    ///
    /// A driver does not know the fields of newer ones.
    func fields() {
        let symbol = "nvmlDeviceGetFieldValues"
        let fields = Self.fields
        var answers = fields.map { gpa_nvml_field_value_t(field: $0.id) }
        let outcome: Reading<Bool> = library.detail(symbol, functions.DeviceGetFieldValues) {
            call throws(NVMLError) in
            library.reporter.calling(symbol)
            try library.check(symbol, call(device, Int32(fields.count), &answers))
            return true
        }
        for (field, answer) in zip(fields, answers) {
            take(
                field.trait,
                outcome.flatMap { _ in value(of: field, answer) }
            )
        }
    }

    private func value(of field: Field, _ answer: gpa_nvml_field_value_t) -> Reading<Value> {
        let symbol = "nvmlDeviceGetFieldValues(\(field.id))"
        // The driver answers each field in its place.
        guard answer.field_id == field.id else {
            return .unreadable(NVMLError.value(symbol, "field \(answer.field_id)").failure)
        }
        return answer.reading(symbol).flatMap { number in
            Reading { () throws(NVMLError) in
                switch field.kind {
                case .count: .number(number)
                case .flag: .flag(try library.flag(symbol, UInt32(clamping: number)))
                case .recoveryAction:
                    .text(try library.name(symbol, UInt32(clamping: number), of: NVMLNames.recoveryActions))
                }
            }
        }
    }
}

extension gpa_nvml_field_value_t {
    fileprivate init(field: UInt32) {
        self.init()
        field_id = field
    }

    /// Makes a whole number of the value.
    ///
    /// - Parameter symbol: The call with the number of the field, for reasons.
    /// - Returns: The number; absent or unreadable with NVML's code.
    fileprivate func reading(_ symbol: String) -> Reading<Int> {
        let code = NVMLReturn(rawValue: result)
        guard code == .success else {
            let error = NVMLError.call(symbol, code)
            return code.isAbsenceOfDetail || code == .invalidArgument
                ? .absentBecause(error.description) : .unreadable(error.failure)
        }
        // nvmlValueType_t. The other bytes of the union may have any content.
        switch value_type {
        case 0: return number(exactly: Double(bitPattern: value), symbol)
        case 1: return .present(Int(UInt32(truncatingIfNeeded: value)))
        case 2, 3: return .present(Int(clamping: value))
        case 4: return .present(Int(Int64(bitPattern: value)))
        case 5: return .present(Int(Int32(truncatingIfNeeded: value)))
        case 6: return .present(Int(UInt16(truncatingIfNeeded: value)))
        default: return .unreadable(NVMLError.value(symbol, "type \(value_type)").failure)
        }
    }

    private func number(exactly double: Double, _ symbol: String) -> Reading<Int> {
        Int(exactly: double.rounded()).map { .present($0) }
            ?? .unreadable(NVMLError.value(symbol, "\(double)").failure)
    }
}

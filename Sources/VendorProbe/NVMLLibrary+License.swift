import CVendor
import NodeModel

extension NVMLLibrary {
    func license(of device: gpa_nvml_device_t) -> Reading<LicenseFacts> {
        let symbol: String
        let call:
            (gpa_nvml_device_t, UnsafeMutablePointer<gpa_nvml_grid_licensable_features_t>) ->
                gpa_nvml_return_t
        if let function = functions.DeviceGetGridLicensableFeatures_v4 {
            (symbol, call) = ("nvmlDeviceGetGridLicensableFeatures_v4", { function($0, $1) })
        } else if let function = functions.DeviceGetGridLicensableFeatures_v3 {
            (symbol, call) = ("nvmlDeviceGetGridLicensableFeatures_v3", { function($0, $1) })
        } else {
            return .unreadable(ReadFailure(.library, "no symbol nvmlDeviceGetGridLicensableFeatures_v4"))
        }
        let features = Reading<[LicenseFeature]>(canBeAbsent: true) { () throws(NVMLError) in
            let answer = try value(symbol, gpa_nvml_grid_licensable_features_t()) { call(device, $0) }
            return answer.is_grid_license_supported == 0 ? [] : try self.features(symbol, in: answer)
        }
        // A licensed feature has precedence. Without one, the first feature that can be licensed counts.
        return features.flatMap { features in
            guard let feature = features.first(where: \.licensed) ?? features.first else {
                return .absent
            }
            return .present(
                LicenseFacts(licensed: feature.licensed, product: feature.product, features: features)
            )
        }
    }

    private func features(
        _ symbol: String,
        in answer: gpa_nvml_grid_licensable_features_t
    ) throws(NVMLError) -> [LicenseFeature] {
        let room = withUnsafeBytes(of: answer.grid_licensable_features) { bytes in
            Array(bytes.bindMemory(to: gpa_nvml_grid_licensable_feature_t.self))
        }
        let count = answer.licensable_features_count
        guard count <= UInt32(room.count) else {
            throw .count(symbol, "\(count) features, but at most \(room.count) are possible")
        }
        var features: [LicenseFeature] = []
        for feature in room.prefix(Int(count)) { features.append(try self.feature(symbol, feature)) }
        return features
    }

    private func feature(
        _ symbol: String,
        _ feature: gpa_nvml_grid_licensable_feature_t
    ) throws(NVMLError) -> LicenseFeature {
        guard let product = withUnsafeBytes(of: feature.product_name, vendorString) else { throw .text(symbol) }
        return LicenseFeature(
            code: try name(symbol, feature.feature_code, of: NVMLNames.licenseCodes),
            // NVIDIA documents these two as "not 0".
            licensed: feature.feature_state != 0,
            enabled: feature.feature_enabled != 0,
            product: product.isEmpty ? nil : product,
            expiryStatus: try name(symbol, feature.license_expiry.status, of: NVMLNames.expiryStates),
            expires: feature.license_expiry.time
        )
    }
}

extension gpa_nvml_grid_license_expiry_t {
    /// The time in the form of ISO 8601; nil unless the status says that it is valid, and it is a time.
    fileprivate var time: String? {
        guard status == 2, (1970...9999).contains(year), (1...12).contains(month),
            (1...31).contains(day),
            hour < 24, minute < 60, second <= 60
        else { return nil }
        func two(_ number: UInt16) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(year)-\(two(month))-\(two(day))T\(two(hour)):\(two(minute)):\(two(second))Z"
    }
}

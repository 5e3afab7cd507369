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
            return answer.is_grid_license_supported == 0 ? [] : Self.features(in: answer)
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

    private static func features(in answer: gpa_nvml_grid_licensable_features_t) -> [LicenseFeature] {
        withUnsafeBytes(of: answer.grid_licensable_features) { bytes in
            bytes.bindMemory(to: gpa_nvml_grid_licensable_feature_t.self)
                .prefix(Int(answer.licensable_features_count))
                .map { feature in
                    let product = withUnsafeBytes(of: feature.product_name, vendorText)
                    return LicenseFeature(
                        code: NVMLNames.licenseCodes[feature.feature_code] ?? "\(feature.feature_code)",
                        licensed: feature.feature_state != 0,
                        enabled: feature.feature_enabled != 0,
                        product: product.isEmpty ? nil : product,
                        expiryStatus: NVMLNames.expiryStates[feature.license_expiry.status]
                            ?? "\(feature.license_expiry.status)",
                        expires: feature.license_expiry.time
                    )
                }
        }
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

import Documents
import NodeModel
import Support

extension DocumentReader {
    /// Reads the license of a GRID driver, and how long a vGPU may be without one.
    ///
    /// Without a feature type, a workstation gets the license of one. The license of a vGPU follows from its type.
    mutating func license(_ node: DocumentNode, isWorkstation: Bool, into policy: inout SurroundingsPolicy) {
        let known = ["tokenFile", "featureType", "grace"]
        guard let fields = fields(node, of: "license", known: known) else { return }
        guard known.contains(where: { fields[$0] != nil }) else {
            return report("license needs 'tokenFile', 'featureType' or 'grace'", at: node)
        }
        if let grace = fields["grace"] {
            let form = "a duration of at most 8760 hours such as 90s, 20m or 24h"
            policy.licenseGrace = value(grace, "grace", form: form, Self.seconds) ?? 0
        }
        guard fields["tokenFile"] != nil || fields["featureType"] != nil else { return }
        let file = fields["tokenFile"].flatMap {
            value(
                $0,
                "tokenFile",
                form: "the absolute path of a file in the agent's container such as /etc/gpu-agent-license/token.tok"
            ) { ModuleSigning.isPath($0) ? $0 : nil }
        }
        let feature = fields["featureType"].flatMap {
            value($0, "featureType", form: "0, 1, 2 or 4, as in NVIDIA's gridd.conf") {
                wholeNumber($0, in: 0...4).flatMap(LicensePolicy.Feature.init)
            }
        }
        policy.license = LicensePolicy(tokenFile: file, feature: feature ?? (isWorkstation ? .workstation : .vgpu))
    }

    /// The seconds of a duration such as `90s`, `20m` or `24h`; nil for another text, and above a year.
    private static func seconds(_ text: String) -> Int? {
        guard let unit = ["s": 1, "m": 60, "h": 3600][String(text.suffix(1))], let number = Int(text.dropLast()),
            text.first?.isNumber == true, number <= 8760 * 3600 / unit
        else { return nil }
        return number * unit
    }
}

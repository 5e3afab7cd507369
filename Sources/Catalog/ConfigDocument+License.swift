import Documents
import NodeModel
import Support

extension DocumentReader {
    /// Reads the license of a GRID driver; nil when it is not a mapping with at least one key.
    ///
    /// Without a feature type, a workstation gets the license of one. The license of a vGPU follows from its type.
    mutating func license(_ node: DocumentNode, isWorkstation: Bool) -> LicensePolicy? {
        guard let fields = fields(node, of: "license", known: ["tokenFile", "featureType"]) else { return nil }
        guard fields["tokenFile"] != nil || fields["featureType"] != nil else {
            report("license needs 'tokenFile' or 'featureType'", at: node)
            return nil
        }
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
        return LicensePolicy(tokenFile: file, feature: feature ?? (isWorkstation ? .workstation : .vgpu))
    }
}

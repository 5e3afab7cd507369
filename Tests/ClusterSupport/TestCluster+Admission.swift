package import SimulatedCluster
import TestSupport

extension TestCluster {
    /// The evaluator of the shipped admission policy, which all clusters of a test run share.
    ///
    /// - Throws: `PythonPackages.Missing` when its packages cannot be installed, for example without a network.
    package static var admission: AdmissionEvaluator {
        get async throws { try await once.value }
    }

    /// The same evaluator; nil when its packages cannot be installed.
    static var admissionIfPossible: AdmissionEvaluator? {
        get async throws {
            do { return try await admission } catch is PythonPackages.Missing { return nil }
        }
    }

    private static let once = Task {
        let evaluator = AdmissionEvaluator(
            command: [
                try await PythonPackages.python, fixture("../../simulator/bin/admission-evaluator"),
                fixture("../../daemonset/admission/policy.yaml"),
            ]
        )
        try await evaluator.start()
        return evaluator
    }
}

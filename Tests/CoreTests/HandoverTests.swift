import NodeModel
import Selection
import Testing

/// What the agent makes on the host for the pods of the GPU Operator, in each combination of the two.
@Suite struct HandoverTests {
    /// A situation, and what should be on the host: the files, and `~` before what stays as it is.
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var expected: [String]
        var handover: Handover

        init(_ name: String, _ expected: [String], _ change: (inout Handover) -> Void = { _ in }) {
            self.name = name
            self.expected = expected
            handover = Handover(
                use: .auto,
                verdict: .ready,
                readiness: .usable,
                labels: [:],
                check: .host,
                hasReaders: false,
                toolkitWorks: true,
                offersGPUs: true
            )
            change(&handover)
        }

        var testDescription: String { name }
    }

    private static let driver = OwnerLabel.gpuOperatorDriver
    private static let validator = "nvidia.com/gpu.deploy.operator-validator"
    private static let ready = ["cuda-ready", "driver-ready", "plugin-ready", "toolkit-ready"]
    private static let kept = ready.map { "~\($0)" }
    private static let hidden = OperatorDriverCheck.missing("the loader does not find it")

    /// The operator runs on the node: its validator makes the files.
    private static func beside(_ value: String, _ handover: inout Handover) {
        handover.labels = [driver: value, validator: "true"]
        handover.hasReaders = true
    }

    static let cases: [Case] = [
        // The whole operator.
        Case("the whole operator, driver.enabled=false", []) { beside("true", &$0) },
        Case("the whole operator, deploy.driver=false", []) { beside("false", &$0) },
        Case("the whole operator, pre-installed", []) { beside("pre-installed", &$0) },
        Case("the whole operator, and the configuration insists", []) {
            beside("true", &$0)
            $0.use = .always
        },
        Case("a validator that has paused still makes the files", []) {
            beside("pre-installed", &$0)
            $0.labels?[validator] = "paused-for-mig-change"
        },
        Case("the DRA driver of a GPUCluster", []) {
            $0.labels = [driver: "true", "nvidia.com/gpu.deploy.dra-validator": "true"]
            $0.hasReaders = true
        },
        // Parts of it, without the validator.
        Case("a plugin that waits for the files, without the operator", ready) { $0.hasReaders = true },
        Case("the validator is turned off on this node", ready) {
            $0.labels = [driver: "false", validator: "false"]
            $0.hasReaders = true
        },
        Case("nothing on the node waits", []),
        Case("nothing waits, and the configuration insists", ready) { $0.use = .always },
        Case("a pod does not find the driver, so no file says that there is one", []) {
            ($0.hasReaders, $0.check) = (true, hidden)
        },
        Case("it is not known whether a pod finds the driver", kept) {
            ($0.hasReaders, $0.check) = (true, .unknown("denied"))
        },
        Case("the runtime and the plugin do not work yet", ["cuda-ready", "driver-ready"]) {
            ($0.hasReaders, $0.toolkitWorks, $0.offersGPUs) = (true, false, false)
        },
        Case(
            "the runtime and the plugin are not known",
            ["cuda-ready", "driver-ready", "~plugin-ready", "~toolkit-ready"]
        ) {
            ($0.hasReaders, $0.toolkitWorks, $0.offersGPUs) = (true, nil, nil)
        },
        Case("a runtime without CDI, and the configuration insists", ready) {
            ($0.use, $0.toolkitWorks) = (.always, nil)
        },
        // The state of the node.
        Case("a degraded node on which CUDA works", ready) { ($0.hasReaders, $0.verdict) = (true, .degraded) },
        Case("the GPUs do not work", []) {
            ($0.use, $0.verdict, $0.readiness) = (.always, .notReady, .notUsable)
        },
        // The plugin can wait for `toolkit-ready`, and the node waits for the plugin.
        Case("a node that waits only for the device plugin", ["cuda-ready", "driver-ready", "toolkit-ready"]) {
            ($0.hasReaders, $0.verdict, $0.readiness, $0.waitsOnlyForTheOffer) = (true, .notReady, .notUsable, true)
            $0.offersGPUs = false
        },
        Case(
            "nobody knows whether the device plugin offers the GPUs",
            ["cuda-ready", "driver-ready", "toolkit-ready", "~plugin-ready"]
        ) {
            ($0.hasReaders, $0.verdict, $0.readiness, $0.waitsOnlyForTheOffer) = (true, .unknown, .unknown, true)
            $0.offersGPUs = nil
        },
        Case("the driver is being replaced", []) { ($0.use, $0.verdict) = (.always, .installing) },
        Case("another owner has the driver", []) { ($0.use, $0.verdict) = (.always, .leftAlone) },
        Case("the node has no GPU", []) { ($0.use, $0.verdict) = (.always, .noGPU) },
        Case("the verdict is not known", kept) { ($0.use, $0.verdict, $0.readiness) = (.always, .unknown, .unknown) },
        Case("a degraded node on which nobody knows whether CUDA works", kept) {
            ($0.use, $0.verdict, $0.readiness) = (.always, .degraded, .unknown)
        },
        Case("the labels are not known", kept) { ($0.use, $0.labels) = (.always, nil) },
        Case("the configuration turns it off", []) {
            ($0.hasReaders, $0.use, $0.check) = (true, .never, hidden)
        },
    ]

    @Test(arguments: cases)
    func decidesWhatShouldBeThere(_ situation: Case) {
        let plan = situation.handover.plan
        let found = HandoverFile.allCases.compactMap { file -> String? in
            switch plan.wish(for: file) {
            case .present: file.rawValue
            case .keep: "~\(file.rawValue)"
            case .absent: nil
            }
        }
        #expect(found.sorted() == situation.expected.sorted())
        #expect(!plan.why.isEmpty)
    }

    /// The entry points of the operator's pods read the file as a shell script.
    @Test func driverReadySaysWhereTheDriverIs() {
        let host = Case("", []) { $0.hasReaders = true }.handover.plan.files[.driverReady]
        #expect(
            host?.split(separator: "\n").dropFirst() == [
                "IS_HOST_DRIVER=true", "NVIDIA_DRIVER_ROOT=/", "DRIVER_ROOT_CTR_PATH=/host", "NVIDIA_DEV_ROOT=/",
                "DEV_ROOT_CTR_PATH=/host",
            ]
        )
        #expect(host?.first == "#" && host?.last == "\n")
    }
}

package import NodeModel
import Selection

extension ReasonCode {
    package static let gpuNotOffered = ReasonCode("gpu-not-offered")
}

extension Check {
    static let gpuNotOffered = Check(
        .gpuNotOffered,
        title: "the node offers its GPUs to pods",
        // A pod gets no GPU without it, so it is a part of the readiness of the GPUs.
        group: .gpus,
        phase: .use,
        dependsOn: [
            .gpuLost, .driverMissing, .driverNotLoaded, .nvmlHang, .nvmlUnavailable, .gpuCount, .gpuUnreadable,
            .migModePending, .migLayoutLost, .migLayoutPending, .migDevicesMissing, .migLayoutInvalid, .cudaHang,
            .cudaFailed,
        ],
        meaning:
            "`readiness.waitFor` in the configuration names what offers the GPUs to pods, and since the boot it has not yet "
            + "offered all of them. CUDA works. The node is not ready, and keeps its taints, until the numbers fit. After "
            + "the node was ready once, a restart of the device plugin or of the DRA driver is no reason to wait again. When "
            + "the daemon cannot read what the node offers, the verdict is `unknown`, and the taints stay as they are.",
        advice:
            "Do what the finding says. [deployment.md](deployment.md#wait-for-the-device-plugin-or-dra) explains the setting."
    ) { node in
        guard let wait = node.facts.offerWait else { return nil }
        if let allocatable = wait.allocatable { return node.pluginOutcome(allocatable) }
        return wait.slices.map { node.sliceOutcome($0) }
    }
}

extension CheckedNode {
    /// Whether each device must be offered.
    ///
    /// What offers the GPUs also offers those that this agent ignores, and takes back one that does not work. Then one
    /// device is enough, so that the node does not wait for ever.
    fileprivate var wantsEveryDevice: Bool {
        (decision.ignored ?? []).isEmpty && facts.failingGPUs.isEmpty && faults.faults.isEmpty
    }

    fileprivate func pluginOutcome(_ allocatable: Reading<[String: Int]>) -> Outcome {
        let strategy = pluginStrategy ?? migStrategy
        guard let nvml, let wanted = DevicePluginOffer(strategy: strategy, gpus: nvml.gpus) else { return noCount }
        let expected = "what the GPUs have with the MIG strategy \(strategy.rawValue): \(wanted)"
        guard let found = allocatable.value else { return unread("status.allocatable", allocatable, expected, .again) }
        let offered = DevicePluginOffer(found)
        let differing = wanted.differences(from: found, isSharing: facts.devicePlugin?.isSharing)
        // A plugin can get only some of the GPUs, and then offers no others.
        let wantsAll = wantsEveryDevice && facts.devicePlugin?.isLimited != true
        let isEnough = wantsAll ? differing.isEmpty : offered.counts.values.contains { $0 > 0 }
        if isEnough { return .passed("\(offered)", expected: expected) }
        return .failed(
            "The Node offers \(offered) in status.allocatable.",
            expected: expected,
            remedy: offered.counts.values.contains { $0 > 0 } ? .restartPlugin : .installPlugin
        )
    }

    fileprivate func sliceOutcome(_ slices: Reading<OfferedSlices>) -> Outcome {
        guard let wanted = wantedSlices else { return noCount }
        let expected = "ResourceSlices of \(OfferedSlices.driver) with \(wanted.devices)"
        if slices.isAbsent {
            return .failed(
                "This node has no ResourceSlice of \(OfferedSlices.driver).",
                expected: expected,
                remedy: .installDRADriver
            )
        }
        guard let found = slices.value else {
            let isDenied = slices.failure?.reason == .permission
            return unread("the ResourceSlices", slices, expected, isDenied ? .allowSlices : .again)
        }
        // More is no reason to wait: the driver can also list the MIG devices that it could make.
        let hasEach = found.gpus >= wanted.gpus && found.migDevices >= wanted.migDevices
        let isEnough = wantsEveryDevice ? hasEach : found.gpus + found.migDevices > 0
        if isEnough, found.missingSlices == 0 { return .passed(found.devices, expected: expected) }
        let missing = found.missingSlices == 0 ? "" : ", without \(counted(found.missingSlices, "slice")) of the pool"
        return .failed(
            "The ResourceSlices have \(found.devices)\(missing).",
            expected: expected,
            remedy: .restartDRADriver
        )
    }

    /// The devices that the GPUs have; nil when the MIG devices are not known.
    private var wantedSlices: OfferedSlices? {
        guard let nvml else { return nil }
        var wanted = OfferedSlices(gpus: 0)
        for gpu in nvml.gpus {
            guard gpu.migMode.value?.current == true else {
                wanted.gpus += 1
                continue
            }
            guard let devices = gpu.migDevices.value else { return nil }
            wanted.migDevices += devices.count
        }
        return wanted
    }

    private var noCount: Outcome {
        .unknown(
            "The agent does not know how many devices the GPUs have.",
            expected: "a known number of devices",
            remedy: "Run 'gpu-agent mig list' on the node, and correct what it reports about the MIG devices."
        )
    }

    private func unread<Value>(
        _ what: String,
        _ reading: Reading<Value>,
        _ expected: String,
        _ remedy: Remedy
    ) -> Outcome {
        let why = reading.failure?.detail ?? reading.whyUnknown ?? "there is no answer"
        return .unknown("The agent cannot read \(what): \(why)", expected: expected, remedy: remedy)
    }
}

extension OfferedSlices {
    /// The devices in words.
    fileprivate var devices: String {
        counted(gpus, "GPU") + (migDevices > 0 ? " and \(counted(migDevices, "MIG device"))" : "")
    }
}

extension Remedy {
    fileprivate static let installPlugin: Remedy = """
        Run NVIDIA's device plugin on this node, or read the log of its pod. It must tolerate the taints of this node. \
        With readiness.waitFor: none, the agent does not wait for it.
        """
    fileprivate static let restartPlugin: Remedy = """
        Delete the pod of NVIDIA's device plugin on this node, so that it reads the devices again. When the numbers still \
        differ after that, read its log.
        """
    fileprivate static let installDRADriver: Remedy = """
        Run NVIDIA's DRA driver on this node, or read the log of its kubelet plugin. It must tolerate the taints of this \
        node. With readiness.waitFor: none, the agent does not wait for it.
        """
    fileprivate static let restartDRADriver: Remedy = """
        Wait a minute. When the numbers still differ, delete the pod of the kubelet plugin of NVIDIA's DRA driver on this \
        node, and read the log of the new one.
        """
    fileprivate static let allowSlices: Remedy = """
        Let the service account of the agent list resourceslices in the group resource.k8s.io, as the overlay \
        daemonset/overlays/dra does.
        """
    fileprivate static let again: Remedy = """
        Correct the cause. The daemon tries again within two minutes. With readiness.waitFor: none, the agent does not \
        wait.
        """
}

package import NodeModel
import Support

extension ReasonCode {
    package static let vulkanHang = ReasonCode("vulkan-hang")
    package static let vulkanFailed = ReasonCode("vulkan-failed")
}

extension Check {
    static let vulkanHang = Check(
        .vulkanHang,
        title: "calls to Vulkan return",
        group: .gpus,
        phase: .use,
        dependsOn: [.nvmlUnavailable, .deviceNodesMissing, .cudaHang],
        meaning:
            "A call to Vulkan did not return before the agent's deadline. The agent killed the process that made it.",
        advice: "Read the kernel log and look for Xid errors. Then reboot the node."
    ) { node in
        guard let failure = node.vulkanReading?.failure, failure.isWithoutAnswer else { return nil }
        if failure.reason == .slow {
            return .unknown(
                failure.detail,
                expected: "an answer within the deadline",
                remedy: "Run 'gpu-agent status --fresh', which waits half a minute for Vulkan."
            )
        }
        return .failed(
            failure.detail,
            expected: "an answer within the deadline",
            remedy: "Read the kernel log (dmesg) and look for Xid errors. Then reboot the node."
        )
    }

    static let vulkanFailed = Check(
        .vulkanFailed,
        title: "Vulkan works on every GPU",
        group: .gpus,
        phase: .use,
        dependsOn: [.nvmlUnavailable, .deviceNodesMissing, .gpuCount, .gpuUnreadable, .cudaHang, .vulkanHang],
        settlesWithin: .seconds(60),
        meaning:
            "The configuration asks for Vulkan (`checks.vulkan`), or `gpu-agent validate --checks vulkan` does. A program on "
            + "the host cannot create an instance, does not see a GPU, or cannot create a device on it "
            + "(`vkCreateDevice`), and nothing on the host says why. When the agent knows the cause, the finding has "
            + "one of the other codes that begin with `vulkan-`.",
        advice:
            "Read the kernel log and look for lines with NVRM. With `-9 VK_ERROR_INCOMPATIBLE_DRIVER`, the driver "
            + "refused to start. With `-3 VK_ERROR_INITIALIZATION_FAILED`, it could not use the GPU."
    ) { node in
        guard let reading = node.vulkanReading else { return nil }
        let expected = VulkanState.expected
        switch reading {
        case .present(let answer):
            guard let state = VulkanState(node) else {
                return .passed(counted(answer.nvidiaDevices.count, "device"), expected: expected)
            }
            return state.unexplained
        case .absent, .absentBecause: return nil
        case .skipped(let why): return .skipped(why, expected: expected)
        case .unreadable(let failure) where failure.isWithoutAnswer: return nil
        case .unreadable(let failure) where failure.reason == .library:
            // The agent has another C library than the host, so a program on the host may load it.
            return .unknown(failure.detail, expected: expected, remedy: .vulkaninfo)
        case .unreadable(let failure) where failure.isOurOwn:
            return .unknown(failure.detail, expected: expected, remedy: .querying(failure))
        case .unreadable(let failure):
            return .failed(
                failure.detail,
                expected: expected,
                remedy:
                    "Install the libraries of the driver again. Read the kernel log (dmesg) and look for Xid errors."
            )
        }
    }
}

extension VulkanState {
    /// The outcome when the agent does not know the cause; nil when it does.
    fileprivate var unexplained: Outcome? {
        switch cause {
        case .libraryTooNew(let error):
            return .unknown(
                "The agent cannot load the Vulkan driver of the host: \(error).",
                expected: Self.expected,
                remedy: .vulkaninfo
            )
        case .other:
            return .failed(
                "\(observed).",
                expected: Self.expected,
                remedy: "Read the kernel log (dmesg), and look for lines with NVRM and for Xid errors."
            )
        default: return nil
        }
    }
}

extension Remedy {
    fileprivate static let vulkaninfo = Remedy(
        "The agent cannot tell. Run vulkaninfo, of the package vulkan-tools, on the host.",
        command: "vulkaninfo --summary"
    )
}

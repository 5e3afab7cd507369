package import NodeModel
import Support

extension ReasonCode {
    package static let vulkanLoaderMissing = ReasonCode("vulkan-loader-missing")
    package static let vulkanDriverFileMissing = ReasonCode("vulkan-driver-file-missing")
    package static let vulkanLibraryMissing = ReasonCode("vulkan-library-missing")
    package static let vulkanModesetMissing = ReasonCode("vulkan-modeset-missing")
    package static let vulkanNoGraphics = ReasonCode("vulkan-no-graphics")
}

extension Check {
    /// A check that fails while Vulkan does not work for one cause.
    private static func vulkan(
        _ code: ReasonCode,
        title: String,
        meaning: String,
        advice: String,
        _ function: @escaping @Sendable (CheckedNode) -> Outcome?
    ) -> Check {
        Check(
            code,
            title: title,
            group: .gpus,
            phase: .use,
            dependsOn: [.nvmlUnavailable, .deviceNodesMissing, .gpuCount, .gpuUnreadable, .cudaHang, .vulkanHang],
            settlesWithin: .seconds(60),
            meaning: meaning,
            advice: advice,
            function: function
        )
    }

    static let vulkanLoaderMissing = vulkan(
        .vulkanLoaderMissing,
        title: "the host has a Vulkan loader",
        meaning:
            "The configuration asks for Vulkan, and the host has no `libvulkan.so.1`, which is not a part of the driver. "
            + "The agent cannot test Vulkan. A container with a loader of its own can work.",
        advice: "Install `libvulkan1` (Debian, Ubuntu) or `vulkan-loader` (Red Hat) on the host."
    ) { node in
        guard let reading = node.vulkanReading, reading.isAbsent else { return nil }
        return .unknown(
            "The host has no Vulkan loader (libvulkan.so.1), so the agent cannot test Vulkan.",
            expected: VulkanState.expected,
            remedy: "Install libvulkan1 (Debian, Ubuntu) or vulkan-loader (Red Hat) on the host."
        )
    }

    static let vulkanDriverFileMissing = vulkan(
        .vulkanDriverFileMissing,
        title: "the host has the file that names the Vulkan driver",
        meaning:
            "Vulkan finds no GPU of NVIDIA, and the host has no `nvidia_icd.json`, with which the loader finds the driver. "
            + "The driver was installed without its graphics libraries.",
        advice:
            "Install the driver again with its graphics libraries: without the option `--no-opengl-files`, or with the package "
            + "`libnvidia-gl` (Ubuntu) or `nvidia-vulkan-icd` (Debian) of the same version."
    ) { node in
        guard let state = VulkanState(node), state.cause == .driverFileMissing else { return nil }
        return state.failed(
            "The host has no nvidia_icd.json, which names the Vulkan driver.",
            remedy: """
                Install the graphics libraries of the driver: without the installer's option --no-opengl-files, or \
                with the package libnvidia-gl (Ubuntu) or nvidia-vulkan-icd (Debian).
                """
        )
    }

    static let vulkanLibraryMissing = vulkan(
        .vulkanLibraryMissing,
        title: "the Vulkan driver can be loaded",
        meaning:
            "The Vulkan driver of NVIDIA (`libGLX_nvidia.so.0`), or a library that it needs, is missing or cannot be loaded. The "
            + "finding quotes the dynamic loader. A container has the same error when it lacks the capability "
            + "`graphics`, because the container toolkit then leaves out these libraries.",
        advice:
            "Install what is missing: the graphics libraries of the driver, or `libX11.so.6` and `libXext.so.6`, which the "
            + "driver needs (`libx11-6` and `libxext6`, or `libX11` and `libXext`). For a container, set "
            + "`NVIDIA_DRIVER_CAPABILITIES=all`."
    ) { node in
        guard let state = VulkanState(node), case .libraryMissing(let error) = state.cause else { return nil }
        return state.failed(
            "The Vulkan driver cannot be loaded: \(error).",
            remedy: """
                Install the missing library on the host. libGLX_nvidia.so.0 is one of the graphics libraries of the \
                driver, and libX11 and libXext come from the distribution.
                """
        )
    }

    static let vulkanModesetMissing = vulkan(
        .vulkanModesetMissing,
        title: "the Vulkan driver can use nvidia-modeset",
        meaning: "Vulkan does not work, and the kernel module `nvidia-modeset` or its device node is missing.",
        advice: "Run `nvidia-modprobe -m`, which loads the module and creates `/dev/nvidia-modeset`."
    ) { node in
        guard let state = VulkanState(node) else { return nil }
        switch state.cause {
        case .modesetModuleMissing:
            return state.failed(
                "The kernel module nvidia-modeset is not loaded.",
                remedy: Remedy("Load the module and create its device node.", command: "nvidia-modprobe -m")
            )
        case .modesetNodeMissing:
            return state.failed(
                "The device node /dev/nvidia-modeset does not exist.",
                remedy: Remedy("Create the device node.", command: "nvidia-modprobe -m")
            )
        default: return nil
        }
    }

    static let vulkanNoGraphics = vulkan(
        .vulkanNoGraphics,
        title: "every GPU and MIG device has graphics",
        meaning:
            "A GPU, a vGPU or a MIG device only computes. vGPU types with the letter C have no graphics, and a MIG device has "
            + "them only with the attribute `+gfx`. When a vGPU has a GPU instance, the host chooses its profile, and "
            + "the guest cannot see whether that has graphics. The finding then says that this is only probable.",
        advice:
            "Choose a vGPU type with the letter Q, whose GPU instance has a profile with `+gfx`, or create MIG devices with "
            + "such a profile."
    ) { node in
        guard let state = VulkanState(node) else { return nil }
        switch state.cause {
        case .noGraphics(let profile):
            return state.failed(
                "\(profile), which has no graphics.",
                remedy: "Use a vGPU type with the letter Q, a MIG profile with graphics (+gfx), or another GPU."
            )
        case .hostProfile(let gpu):
            return state.failed(
                "The GPU instance that the host gives to \(gpu) probably has a profile without graphics.",
                remedy:
                    "Ask the operator of the host for a GPU instance with graphics (+gfx) and a type with the letter Q."
            )
        default: return nil
        }
    }
}

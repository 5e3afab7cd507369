package import NodeModel

extension ReasonCode {
    package static let persistenceModeOff = ReasonCode("persistence-mode-off")
}

extension Check {
    static let persistenceModeOff = Check(
        .persistenceModeOff,
        title: "persistence mode is on",
        group: .gpus,
        phase: .use,
        dependsOn: [.nvmlUnavailable, .gpuUnreadable],
        // nvidia-persistenced starts after the load of the driver.
        settlesWithin: .seconds(60),
        meaning:
            "Persistence mode is off on a GPU. While no program uses this GPU, the driver does not keep it "
            + "initialized, and the next program waits one to three seconds for each GPU. `nvidia-smi` can take half a minute on a "
            + "machine with eight GPUs. The GPUs work, so the finding is a notice.",
        advice:
            "Start `nvidia-persistenced` on the host: `systemctl enable --now nvidia-persistenced`. For a driver that "
            + "the agent installed with NVIDIA's installer, the agent starts it, unless `driver.persistenced` is `false`."
    ) { node in
        let gpus = node.nvml?.gpus ?? []
        let expected = "persistence mode on every GPU"
        let off = gpus.filter { $0.traits[.persistenceMode].value == .flag(false) }
        guard off.isEmpty else {
            return .notice(
                "Persistence mode is off: \(off.map(\.label).joined(separator: ", "))",
                expected: expected,
                remedy: remedy(on: node)
            )
        }
        let on = gpus.count { $0.traits[.persistenceMode].value == .flag(true) }
        return on == 0 ? nil : .passed(counted(on, "GPU"), expected: expected)
    }

    /// How to turn persistence mode on: for a driver of the agent, the agent has a unit.
    private static func remedy(on node: CheckedNode) -> Remedy {
        let driver = node.facts.driver
        let found = driver.surroundings
        let program = found?.program(.persistenced)
        let isOfOthers = program?.unitFile != nil && found?.ownFiles[OwnFile.persistenceUnit] == nil
        guard driver.isOfThisAgent, found?.hasSystemd == true, program != nil, !isOfOthers else {
            return Remedy(
                "Start nvidia-persistenced on the host, so that programs do not wait for the GPU.",
                command: "systemctl enable --now nvidia-persistenced"
            )
        }
        return node.surroundings.persistenced
            ? .install
            : Remedy(
                "Set 'driver.persistenced: true' in the configuration, so that the agent starts nvidia-persistenced."
            )
    }
}

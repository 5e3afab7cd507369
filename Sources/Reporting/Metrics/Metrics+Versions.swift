import NodeModel

extension Metrics {
    /// What runs on the node, as labels.
    var versionFamilies: [MetricFamily] { [build, node, driver, nvml] }

    private var build: MetricFamily {
        let family = MetricFamily("gpu_agent_build_info", "The agent.", .info)
        return version.map { family.sample([("version", $0)], 1) } ?? family
    }

    private var node: MetricFamily {
        let system = facts.host.osRelease.value
        return MetricFamily("gpu_agent_node_info", "The kernel and the operating system of the node.", .info).known([
            ("kernel_release", facts.host.kernelRelease.value),
            ("architecture", facts.host.architecture.value?.rawValue), ("os", system?.id),
            ("os_version", system?.versionID),
        ])
    }

    private var driver: MetricFamily {
        let family = MetricFamily("gpu_agent_driver_info", "The loaded driver.", .info)
        guard let version = facts.driver.loadedVersion.value else { return family }
        let labels = [
            ("version", version), ("kind", facts.installedKind(ofVersion: version)?.kind.rawValue ?? "unknown"),
            ("kernel_module_type", facts.driver.runningModule.value?.kernelModuleType.rawValue ?? "unknown"),
        ]
        return family.sample(labels, 1)
    }

    private var nvml: MetricFamily {
        let nvml = facts.vendor.value?.nvml.value
        return MetricFamily("gpu_agent_nvml_info", "What NVML says about itself and the driver.", .info).known([
            ("version", nvml?.nvmlVersion), ("driver_version", nvml?.driverVersion),
            ("cuda_version", nvml?.cudaVersion.value),
        ])
    }
}

extension MetricFamily {
    /// The family with a sample that has the labels with a value; without a sample when none has one.
    fileprivate func known(_ labels: [(String, String?)]) -> MetricFamily {
        let known = labels.compactMap { name, value in value.map { (name, $0) } }
        return known.isEmpty ? self : sample(known, 1)
    }
}

extension InstallRecord {
    private enum Key: String, CodingKey {
        case state, kind, version, kernelModuleType, flavour, replaces, former, takesOver, kernelRelease, bootID,
            artifactHash, keptPackage, keptFabricManager, packages
    }

    /// Decodes records of every version of the agent.
    ///
    /// The first version named the kernel module type `flavour`.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let type = container.contains(.kernelModuleType) ? Key.kernelModuleType : .flavour
        self.init(
            state: try container.decode(State.self, forKey: .state),
            kind: try container.decode(DriverKind.self, forKey: .kind),
            version: try container.decode(String.self, forKey: .version),
            kernelModuleType: try container.decode(KernelModuleType.self, forKey: type),
            replaces: try container.decodeIfPresent(String.self, forKey: .replaces),
            former: try container.decodeIfPresent(FormerDriver.self, forKey: .former),
            takesOver: try container.decodeIfPresent(DriverOwner.self, forKey: .takesOver),
            kernelRelease: try container.decode(String.self, forKey: .kernelRelease),
            bootID: try container.decodeIfPresent(String.self, forKey: .bootID),
            artifactHash: try container.decode(String.self, forKey: .artifactHash),
            keptPackage: try container.decodeIfPresent(String.self, forKey: .keptPackage),
            keptFabricManager: try container.decodeIfPresent(KeptFile.self, forKey: .keptFabricManager),
            packages: try container.decodeIfPresent([String].self, forKey: .packages)
        )
    }
}

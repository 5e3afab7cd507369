extension NodeFacts {
    /// Facts of a node of which nothing could be read, with the reason.
    ///
    /// The agent changes nothing on such a node, and cannot tell whether its GPUs work.
    package static func unreadable(_ failure: ReadFailure) -> NodeFacts {
        NodeFacts(
            host: HostFacts(
                kernelRelease: .unreadable(failure),
                architecture: .unreadable(failure),
                osRelease: .unreadable(failure),
                dmi: .unreadable(failure),
                hypervisor: .unreadable(failure),
                bootID: .unreadable(failure),
                secureBoot: .unreadable(failure),
                lockdown: .unreadable(failure),
                signatureEnforcement: .unreadable(failure),
                usrIsReadOnly: .unreadable(failure)
            ),
            pci: .unreadable(failure),
            driver: DriverFacts(
                loadedVersion: .unreadable(failure),
                moduleLoad: .unreadable(failure),
                runningModule: .unreadable(failure),
                moduleFile: .unreadable(failure),
                nvmlLibrary: .unreadable(failure),
                cudaLibrary: .unreadable(failure),
                otherLibraries: .unreadable(failure),
                gridDaemon: .unreadable(failure),
                loadedModules: .unreadable(failure),
                nouveauLoaded: .unreadable(failure),
                deviceNodes: .unreadable(failure),
                record: .unreadable(failure)
            ),
            claims: .skipped(failure.detail),
            build: BuildFacts(
                compiler: .unreadable(failure),
                compilerVersion: .unreadable(failure),
                kernelCompiler: .unreadable(failure),
                namedCompiler: .unreadable(failure),
                make: .unreadable(failure),
                dkms: .unreadable(failure),
                headersRelease: .unreadable(failure),
                freeSpace: [],
                packageTools: .unreadable(failure),
                buildPackages: .unreadable(failure)
            ),
            vendor: .unreadable(failure),
            kernelLog: .unreadable(failure),
            seenGPUs: .unreadable(failure),
            gpuEvents: .unreadable(failure),
            licensing: .unreadable(failure),
            wantedMIG: .unreadable(failure)
        )
    }
}

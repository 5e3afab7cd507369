import NodeModel
import Testing

@testable import Host

/// What tdnf says about the packages that the repositories offer.
@Suite struct TdnfListTests {
    /// The rows are from Azure/LinuxPatchExtension (`TdnfPackageManager.py`, Azure Linux 3) and vmware/tdnf#303 (Photon 4).
    @Test func readsAllVersions() {
        let said = """
            Loaded plugin: tdnfrepogpgcheck
            azurelinux-repos-shared.noarch              3.0-3.azl3                   azurelinux-official-base
            azurelinux-repos-shared.noarch              3.0-4.azl3                   azurelinux-official-base
            azurelinux-repos-shared.noarch              3.0-3.azl3                                   @System
            Disabling Repo: 'VMware Photon Linux 4.0 (aarch64) Updates'
            nvlsm.src                                   2025.10.1-1                  cuda
            name.noarch                                 $(reboot)                    cuda
            """
        #expect(
            TdnfList.parse(said) == [
                OfferedPackage(name: "azurelinux-repos-shared", version: "3.0-4.azl3"),
                OfferedPackage(name: "azurelinux-repos-shared", version: "3.0-3.azl3"),
            ]
        )
    }

    /// The second output is from vmware/tdnf#205.
    @Test func nothingIsAnAnswerOnlyWithAnIndex() {
        #expect(TdnfList.reading("Loaded plugin: tdnfrepogpgcheck\n") == .absent)
        let said = "Disabling Repo: 'VMware Photon Linux 3.0 (x86_64)'\n"
        let why = "a repository has no index, and 'tdnf makecache' fetches it"
        #expect(TdnfList.reading(said) == .unreadable(ReadFailure(.command, why)))
        let package = OfferedPackage(name: "nvlsm", version: "2025.10.1-1")
        #expect(TdnfList.reading(said + "nvlsm.noarch 2025.10.1-1 cuda\n") == .present([package]))
    }

    @Test func theNewestVersionComesFirst() {
        let said = ["2025.9.1-1", "2025.10.1-1", "2025.10.1-2", "2025.03.9-1"].map { "nvlsm.noarch \($0) cuda" }
        #expect(
            TdnfList.parse(said.joined(separator: "\n")).map(\.version)
                == ["2025.10.1-2", "2025.10.1-1", "2025.9.1-1", "2025.03.9-1"]
        )
    }
}

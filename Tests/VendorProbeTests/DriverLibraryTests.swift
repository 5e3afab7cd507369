import Testing
import VendorProbe

@Suite struct DriverLibraryTests {
    @Test func onlyTheDriversOwnLibrariesOfOneVersionAreCompanions() {
        let directory = "/proc/1/root/usr/lib/x86_64-linux-gnu"
        let listing = [
            ("libnvidia-ptxjitcompiler.so.1", "libnvidia-ptxjitcompiler.so.580.105.08"),
            ("libnvidia-ptxjitcompiler.so.580.105.08", "libnvidia-ptxjitcompiler.so.580.105.08"),
            ("libcuda.so.1", "libcuda.so.580.105.08"),
            ("libcudadebugger.so.1", "libcudadebugger.so.580.105.08"),
            ("libnvidia-ml.so.1", "libnvidia-ml.so.580.105.08"),
            ("libGLX_nvidia.so.0", "libGLX_nvidia.so.580.105.08"),
            ("libEGL_nvidia.so.0", "libEGL_nvidia.so.580.105.08"),
            // Of a driver that was here before.
            ("libnvidia-nvvm.so.4", "libnvidia-nvvm.so.570.211.01"),
            // Of other packages.
            ("libnvidia-container.so.1", "libnvidia-container.so.1.17.8"),
            ("libcudart.so.12", "libcudart.so.12.9.79"),
            ("libc.so.6", "libc.so.6"),
            ("libGLX.so.0", "libGLX.so.580.105.08"),
            ("../libcuda.so.1", "libcuda.so.580.105.08"),
            ("libcuda.so.1", "libcuda.so.580.105.08"),
            ("libnvidia-cfg.so.1", "libnvidia-cfg.so.1580.105.08"),
        ].map { DriverLibrary(name: $0.0, path: "\(directory)/\($0.1)") }

        let companions = DriverLibrary.companions(from: listing, version: "580.105.08")
        #expect(
            companions.map(\.name) == [
                "libEGL_nvidia.so.0", "libGLX_nvidia.so.0", "libcuda.so.1", "libcudadebugger.so.1", "libnvidia-ml.so.1",
                "libnvidia-ptxjitcompiler.so.1", "libnvidia-ptxjitcompiler.so.580.105.08",
            ]
        )
        #expect(companions.allSatisfy { $0.path.hasPrefix(directory) })
    }
}

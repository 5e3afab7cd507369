/// The paths of the agent's files on the host.
///
/// All of them are below three directories, so that an operator can find and remove them. What other programs read is
/// elsewhere, and these files record it.
package enum HostLayout {
    /// The directory of the journal, the packages and the files of jobs, which survives a reboot.
    package static let state = "/var/lib/gpu-agent"
    package static let journal = "/var/lib/gpu-agent/journal.json"
    /// The most GPUs that a daemon saw on the node.
    package static let seenGPUs = "/var/lib/gpu-agent/gpus.json"
    package static let packages = "/var/lib/gpu-agent/packages"
    package static let jobs = "/var/lib/gpu-agent/jobs"
    /// The directory in which the installer unpacks itself, because hardened hosts mount `/tmp` with `noexec`.
    package static let work = "/var/lib/gpu-agent/work"
    /// The same directory for a host that mounts `/var/lib` with `noexec`, too.
    ///
    /// Programs run from `/usr` on every host.
    package static let workInUsr = "/usr/lib/gpu-agent-work"
    /// The names of the packages that the agent installed for the build, and of those that it holds.
    package static let buildPackages = "/var/lib/gpu-agent/build-packages"
    /// The names of the packages that the agent installed with a driver of the distribution, and of those that it holds.
    package static let driverPackages = "/var/lib/gpu-agent/driver-packages"
    /// The names of the packages for NVLink that the agent installed beside a driver, and of those that it holds.
    package static let fabricPackages = "/var/lib/gpu-agent/fabric-packages"
    /// The files of packages for NVLink, in a directory for each driver version: with them, the agent can install the
    /// packages again without a repository.
    package static let fabricFiles = "/var/lib/gpu-agent/fabric-files"
    /// The files of the fabric manager that the agent installed from NVIDIA's archive, with their checksums.
    package static let fabricManager = "/var/lib/gpu-agent/fabric-manager"
    /// The checksums of the license token that the agent wrote, by which it recognizes its file.
    package static let licenseToken = "/var/lib/gpu-agent/license-token"
    /// The errors of the GPUs that the kernel log reported.
    package static let gpuEvents = "/var/lib/gpu-agent/gpu-events.json"
    /// The MIG layouts that `gpu-agent mig apply` made, or was asked for.
    package static let migLayout = "/var/lib/gpu-agent/mig-layout.json"
    /// The directory of the lock and the published state, which a reboot empties.
    package static let run = "/run/gpu-agent"
    package static let lock = "/run/gpu-agent/lock"
    /// The lock that a process holds while it changes `gpuEvents`.
    package static let gpuEventsLock = "/run/gpu-agent/gpu-events.lock"
    /// How far the agent has read the kernel log.
    package static let kernelLogPosition = "/run/gpu-agent/kernel-log.json"
    /// When the phases of the start of the node ended, and how often an install was tried since.
    package static let boot = "/run/gpu-agent/boot.json"
    /// What the daemon saw in its last inspection.
    package static let results = "/run/gpu-agent/results.json"
    /// What the agent made for the pods of the GPU Operator, in `/run/nvidia/validations`.
    package static let handover = "/run/gpu-agent/handover.json"
    /// The lock that a process holds while it changes what `handover` records.
    package static let handoverLock = "/run/gpu-agent/handover.lock"
    package static let installerLog = "/var/log/gpu-agent/nvidia-installer.log"
    package static let logs = "/var/log/gpu-agent"
}

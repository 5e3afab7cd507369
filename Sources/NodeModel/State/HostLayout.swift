/// Where the agent keeps things on the host.
///
/// All of it is below three directories, so that it can be found and removed.
package enum HostLayout {
    /// The journal, the packages and the files of long jobs; kept across boots.
    package static let state = "/var/lib/gpu-agent"
    package static let journal = "/var/lib/gpu-agent/journal.json"
    package static let packages = "/var/lib/gpu-agent/packages"
    package static let jobs = "/var/lib/gpu-agent/jobs"
    /// Where the installer unpacks itself: `/tmp` is mounted noexec on hardened hosts.
    package static let work = "/var/lib/gpu-agent/work"
    /// The lock and the daemon's last report; gone with the boot.
    package static let run = "/run/gpu-agent"
    package static let lock = "/run/gpu-agent/lock"
    package static let installerLog = "/var/log/gpu-agent/nvidia-installer.log"
    package static let logs = "/var/log/gpu-agent"
}

import Glibc
import Support

extension JobRecord.Moment {
    /// Reads both clocks of the host.
    package static func now() -> JobRecord.Moment {
        var (time, uptime) = (timespec(), timespec())
        clock_gettime(CLOCK_REALTIME, &time)
        clock_gettime(CLOCK_BOOTTIME, &uptime)
        func seconds(_ value: timespec) -> Double { Double(value.tv_sec) + Double(value.tv_nsec) / 1e9 }
        return JobRecord.Moment(time: Timestamp(seconds(time)), uptime: seconds(uptime))
    }
}

import CoreSupport
import Health
import NodeModel
import Selection
import TestSupport

/// What the test of peer access says about the node.
extension ChecksTests {
    /// A machine with three GPUs and this result.
    private static func peers(_ reading: Reading<CUDAPeerFacts>, virtual: Bool = false) -> NodeFacts {
        let gpus = (0..<3).map { GPUFacts.h100.at(index: $0) }
        return NodeFacts.h100Ready.with { facts in
            facts.host.hypervisor = .present(virtual)
            facts.vendor = Reading.answering("595.71.05", gpus: gpus).map { vendor in
                var vendor = vendor
                vendor.peers = reading
                return vendor
            }
        }
    }

    private static func peers(_ pairs: CUDAPeerPair...) -> NodeFacts { peers(.present(CUDAPeerFacts(pairs: pairs))) }

    private static func uuid(_ index: Int) -> String { GPUFacts.h100.at(index: index).uuid.value ?? "" }

    private static func pair(
        _ first: Int,
        _ second: Int,
        _ failures: CUDAPeerFailure...,
        untested: String? = nil
    ) -> CUDAPeerPair {
        CUDAPeerPair(first: uuid(first), second: uuid(second), failures: failures, untested: untested)
    }

    private static func refused(_ from: Int) -> CUDAPeerFailure {
        CUDAPeerFailure(from: uuid(from), call: "cuDeviceCanAccessPeer")
    }

    static let peerCases = [
        Case(.cudaPeerFailed, "not recorded", nil, peers(.skipped(Reading<CUDAPeerFacts>.notRecorded))),
        Case(.cudaPeerFailed, "no libcuda", nil, peers(.absent)),
        Case(.cudaPeerFailed, "one GPU", nil, vendor { $0.peers = .skipped("one GPU") }),
        Case(.cudaPeerFailed, "skipped", .notApplicable, peers(.skipped("in use")), observed: "not tested: in use"),
        Case(.cudaPeerFailed, "works", .pass, peers(pair(0, 1), pair(0, 2)), observed: "2 pairs of GPUs"),
        Case(
            .cudaPeerFailed,
            "one GPU is in use",
            .pass,
            peers(pair(0, 1), pair(0, 2, untested: "python3 (7) uses the GPU")),
            observed: "1 pair of GPUs; 1 pair not tested: python3 (7) uses the GPU"
        ),
        Case(
            .cudaPeerFailed,
            "nothing was tested",
            .notApplicable,
            peers(pair(0, 1, untested: "python3 (7) uses the GPU"))
        ),
        Case(
            .cudaPeerFailed,
            "refused",
            .warning,
            peers(pair(0, 1), pair(0, 2, refused(0), refused(2)), pair(1, 2, refused(1), refused(2))),
            observed: "GPU 0 and GPU 2, GPU 1 and GPU 2: CUDA gives no peer access"
        ),
        Case(
            .cudaPeerFailed,
            "wrong values, and an error",
            .warning,
            peers(
                pair(0, 1, CUDAPeerFailure(from: uuid(1), wrongValues: 2)),
                pair(
                    0,
                    2,
                    CUDAPeerFailure(
                        from: uuid(0),
                        call: "cuMemcpyPeer",
                        result: 220,
                        errorName: "CUDA_ERROR_NVLINK_UNCORRECTABLE"
                    )
                )
            ),
            observed: "GPU 1 to GPU 0: a copy arrived with 2 wrong values; "
                + "GPU 0 to GPU 2: 220 CUDA_ERROR_NVLINK_UNCORRECTABLE in cuMemcpyPeer"
        ),
        Case(
            .cudaPeerFailed,
            "an error of one GPU alone",
            .warning,
            peers(
                pair(
                    0,
                    2,
                    CUDAPeerFailure(
                        from: uuid(2),
                        call: "cuMemAlloc_v2",
                        result: 2,
                        errorName: "CUDA_ERROR_OUT_OF_MEMORY",
                        isAlone: true
                    )
                )
            ),
            observed: "GPU 2: 2 CUDA_ERROR_OUT_OF_MEMORY in cuMemAlloc_v2"
        ),
        Case(.cudaPeerFailed, "a hang", .warning, peers(.unreadable(hang))),
        Case(.cudaPeerFailed, "a crash", .warning, peers(.unreadable(ReadFailure(.crashed, "signal 11")))),
        Case(.cudaPeerFailed, "the agent failed", .notice, peers(.unreadable(.denied))),
        Case(
            .cudaPeerFailed,
            "a virtual machine",
            .warning,
            peers(.present(CUDAPeerFacts(pairs: [pair(0, 1, refused(0))])), virtual: true)
        ),
        Case(.cudaPeerFailed, "NVML does not answer", nil, vendor { $0.nvml = .unreadable(vendorError) }),
    ]
}

package import NodeModel
import Selection
import Support

extension ReasonCode {
    package static let cudaPeerFailed = ReasonCode("cuda-peer-failed")
}

extension Check {
    static let cudaPeerFailed = Check(
        .cudaPeerFailed,
        title: "GPUs that NVLink connects can use each other's memory",
        group: .gpus,
        phase: .use,
        dependsOn: [
            .nvmlUnavailable, .deviceNodesMissing, .gpuUnreadable, .cudaHang, .fabricManagerMissing,
            .fabricManagerVersionMismatch, .fabricManagerNotRunning, .cudaFailed, .nvlinkDown, .fabricIncomplete,
        ],
        // The fabric manager connects the GPUs some time after the load of the driver.
        settlesWithin: .seconds(120),
        meaning:
            "NVLink connects two GPUs, and CUDA refuses peer access between them, a copy from one to the other fails or "
            + "does not return, or it arrives with wrong values. Programs with several GPUs (such as those with NCCL) "
            + "fail, are slow, or compute wrong results. Programs on one GPU work. The agent tests this together with the "
            + "kernel, and not on a GPU that a process uses or that is in MIG mode.",
        advice:
            "Check the links with `nvidia-smi nvlink --status` and the topology with `nvidia-smi topo -p2p n`, and "
            + "read the kernel log for Xid errors. On a machine with NVSwitch, read the log of the fabric manager. With "
            + "wrong values on bare metal, check the IOMMU and the access control of the PCIe switches (ACS)."
    ) { node in
        guard let nvml = node.nvml, let reading = node.facts.vendor.value?.peers else { return nil }
        let expected = "peer access between the GPUs that NVLink connects"
        switch reading {
        case .present(let facts): return peersAnswered(facts, nvml.gpus, on: node, expected: expected)
        case .absent, .absentBecause: return nil
        case .skipped(let why):
            guard nvml.gpus.count > 1, why != Reading<CUDAPeerFacts>.notRecorded else { return nil }
            return .notApplicable("not tested: \(why)", expected: expected)
        case .unreadable(let failure) where failure.isOurOwn:
            // Programs on one GPU work, so this test never takes the node away from them.
            return .notice(failure.detail, expected: expected, remedy: .querying(failure))
        case .unreadable(let failure):
            return .warning(failure.detail, expected: expected, remedy: .peers(areWrong: false, on: node))
        }
    }

    private static func peersAnswered(
        _ facts: CUDAPeerFacts,
        _ gpus: [GPUFacts],
        on node: CheckedNode,
        expected: String
    ) -> Outcome? {
        let names = Dictionary(gpus.map { ($0.uuid.value ?? "", "GPU \($0.index)") }) { first, _ in first }
        let failures = facts.pairs.flatMap { pair in pair.problems { names[$0] ?? $0 } }
        let tested = facts.pairs.count { $0.untested == nil }
        guard failures.isEmpty else {
            let observed = grouped(failures).map { "\(shortList($0.subjects)): \($0.text)" }.joined(separator: "; ")
            let areWrong = facts.pairs.contains { $0.failures.contains { $0.wrongValues > 0 } }
            return .warning(observed, expected: expected, remedy: .peers(areWrong: areWrong, on: node))
        }
        let untested = facts.pairs.compactMap(\.untested)
        guard tested > 0 else {
            return untested.first.map { .notApplicable("not tested: \($0)", expected: expected) }
        }
        let rest = untested.first.map { "; \(counted(untested.count, "pair")) not tested: \($0)" } ?? ""
        return .passed(counted(tested, "pair") + " of GPUs" + rest, expected: expected)
    }
}

extension CUDAPeerPair {
    /// What does not work, and between which GPUs; one problem for both directions when they fail alike.
    fileprivate func problems(_ name: (String) -> String) -> [(subject: String, text: String)] {
        if failures.count == 2, failures[0].problem == failures[1].problem, failures[0].from != failures[1].from {
            return [("\(name(first)) and \(name(second))", failures[0].problem)]
        }
        return failures.map { failure in
            // A call about one GPU says nothing about the way to the other.
            if failure.isAlone == true { return (name(failure.from), failure.problem) }
            let peer = failure.from == first ? second : first
            return ("\(name(failure.from)) to \(name(peer))", failure.problem)
        }
    }
}

extension CUDAPeerFailure {
    /// What does not work, as a clause.
    fileprivate var problem: String {
        if wrongValues > 0 { return "a copy arrived with \(counted(wrongValues, "wrong value"))" }
        guard result != 0 else { return "CUDA gives no peer access" }
        return "\(result) \(errorName ?? "") in \(call ?? "")"
    }
}

extension Remedy {
    /// What to do when GPUs cannot use each other's memory.
    fileprivate static func peers(areWrong: Bool, on node: CheckedNode) -> Remedy {
        if areWrong {
            let place =
                node.isVirtualMachine
                ? "On the host of this virtual machine, check"
                : "Check the NVLink links (nvidia-smi nvlink --status), and in the firmware"
            return """
                Take the node out of use for programs with several GPUs. \(place) the IOMMU and the access control of \
                the PCIe switches (ACS). Then test the GPUs with DCGM (dcgmi diag -r 3).
                """
        }
        if node.decision.fabricManager?.isNeeded == true {
            return """
                Read /var/log/fabricmanager.log and the kernel log (dmesg) for errors of NVLink, and check the links with \
                'nvidia-smi nvlink --status'. Then reset the GPUs or reboot.
                """
        }
        if node.isVirtualMachine {
            return """
                Check the links with 'nvidia-smi nvlink --status'. On the host of this virtual machine, check the \
                partition of the fabric manager that these GPUs belong to.
                """
        }
        return """
            Check the links with 'nvidia-smi nvlink --status' and read the kernel log (dmesg) for Xid errors. Then reset \
            the GPUs or reboot.
            """
    }
}

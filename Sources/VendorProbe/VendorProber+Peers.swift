import NodeModel
import Support

extension VendorProber {
    /// Tests peer access between the GPUs that NVLink connects, as far as `peerTest` says.
    ///
    /// - Returns: Each pair that NVLink promises. It is skipped when no pair is tested.
    func peers(
        _ exchange: VendorExchange,
        after nvml: Reading<NVMLFacts>,
        _ cuda: Reading<[CUDAFacts]>
    ) -> Reading<CUDAPeerFacts> {
        guard let path = libraries.cuda else { return .absent }
        guard let facts = nvml.value, facts.hang == nil else {
            return .skipped("NVML does not name the GPUs that NVLink connects")
        }
        if let settings = facts.confidentialComputing.value, settings.keepsGPUsApart {
            return .skipped("confidential computing keeps the GPUs apart")
        }
        let gpus = facts.gpus.filter { $0.uuid.value != nil && $0.migMode.value?.current != true }
        guard gpus.count > 1 else { return .skipped("peer access needs two GPUs that are not in MIG mode") }
        let promised = Self.promisedPairs(Array(gpus.prefix(CUDAPeerFacts.gpuLimit)))
        guard !promised.isEmpty else { return .skipped("NVLink connects no two of the GPUs") }

        let working = Set((cuda.value ?? []).filter(\.works).compactMap(\.visibleDevices))
        let tests = promised.map { first, second -> (first: GPUFacts, second: GPUFacts, test: CUDATest) in
            let work = [first, second].allSatisfy { $0.uuid.value.map(working.contains) ?? false }
            return (first, second, work ? peerTest(first, second) : .light("CUDA does not work on one of the GPUs"))
        }
        let plan = Self.plan(tests.filter { $0.test == .full }.map { ($0.first, $0.second) })
        guard !plan.pairs.isEmpty else {
            let reasons = grouped(tests.compactMap { test in test.test.why.map { ("", $0) } }).map(\.text)
            return .skipped(shortList(reasons, limit: 2))
        }
        // Without peer access, programs on one GPU work. So this test must not use up the children that may hang.
        let stuck = exchange.abandoned.count(after: exchange.deadlines.ending)
        guard stuck == 0 else {
            let children = "\(stuck) child process\(stuck == 1 ? "" : "es")"
            let detail = "peer access: not called, because \(children) of the agent cannot be killed"
            return .unreadable(ReadFailure(.hang, detail))
        }
        var exchange = exchange
        exchange.arguments += ["--cuda", path]
        exchange.environment.append("CUDA_VISIBLE_DEVICES=\(plan.gpus.map(\.uuid).joined(separator: ","))")
        exchange.peers = plan
        // Each pair has contexts of its own, and their creation takes most of the time.
        let deadline = deadlines.cudaPeers * (1 + Double(plan.pairs.count) / 60)
        let answer: Reading<CUDAPeerFacts> = exchange.ask(.cudaPeers, about: "peer access", within: deadline)
        return answer.map { answer in
            CUDAPeerFacts(pairs: tests.map { Self.result($0.first, $0.second, $0.test, in: answer) })
        }
    }

    /// The pairs of GPUs that NVLink connects, in NVML's order.
    static func promisedPairs(_ gpus: [GPUFacts]) -> [(GPUFacts, GPUFacts)] {
        gpus.indices.flatMap { index in
            gpus[(index + 1)...].filter { gpus[index].hasPeer($0) }.map { (gpus[index], $0) }
        }
    }

    private static func plan(_ pairs: [(GPUFacts, GPUFacts)]) -> CUDAPeerPlan {
        var plan = CUDAPeerPlan(gpus: [], pairs: [])
        func position(_ gpu: GPUFacts) -> Int {
            if let known = plan.gpus.firstIndex(where: { $0.index == gpu.index }) { return known }
            plan.gpus.append(CUDAPeerPlan.GPU(index: gpu.index, uuid: gpu.uuid.value ?? ""))
            return plan.gpus.count - 1
        }
        for (first, second) in pairs {
            plan.pairs.append(CUDAPeerPlan.Pair(first: position(first), second: position(second)))
        }
        return plan
    }

    /// The result of a pair, of which a library may have said anything.
    private static func result(
        _ first: GPUFacts,
        _ second: GPUFacts,
        _ test: CUDATest,
        in answer: CUDAPeerFacts
    ) -> CUDAPeerPair {
        let (first, second) = (first.uuid.value ?? "", second.uuid.value ?? "")
        if let why = test.why { return CUDAPeerPair(first: first, second: second, untested: why) }
        guard var pair = answer.pairs.first(where: { $0.first == first && $0.second == second }) else {
            return CUDAPeerPair(first: first, second: second, untested: "the answer does not name them")
        }
        // Each direction can fail once, and the end of the test, too.
        pair.failures = Array(pair.failures.prefix(3))
        return pair
    }
}

extension ConfidentialComputing {
    /// Whether no GPU can use the memory of another one, which only the modes for several GPUs allow.
    fileprivate var keepsGPUsApart: Bool {
        feature == "on" && !["protected-pcie", "nvle"].contains(multiGPU ?? "")
    }
}

extension CUDATest {
    /// Why a test is not complete; nil for one that is.
    fileprivate var why: String? {
        guard case .light(let why) = self else { return nil }
        return why
    }
}

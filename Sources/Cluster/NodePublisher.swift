import FoundationEssentials
package import Kubernetes
package import Logging
package import NodeModel
package import Reporting
import Support

/// Writes a publication to the Node, with as few requests as possible: nothing is written when nothing changed.
package actor NodePublisher {
    private let mirror: NodeMirror
    private let logger: Logger
    /// The state of the taint list, and who wrote it, at the last look at the whole Node.
    private var seenTaintOwners: [FieldOwner]?
    private var seenTaint: TaintWish?
    private var lastVerdict: Verdict?
    private var published: PublishedState

    package init(mirror: NodeMirror, logger: Logger) {
        self.mirror = mirror
        self.logger = logger
        published = PublishedState(node: mirror.node)
    }

    /// What the agent leaves on the host for the commands there: what it published, and what it knows of the Node.
    package var state: PublishedState {
        get async {
            let owners = await mirror.knownOwners
            var state = published
            state.ownerLabels = owners.last
            state.ownerLabelsFailure = owners.current.failure?.detail
            return state
        }
    }

    /// Brings the Node to the publication.
    ///
    /// A failure is remembered for `status` and thrown.
    package func publish(_ publication: Publication) async throws(KubernetesError) {
        do throws(KubernetesError) {
            try await bring(publication)
            published.at = now()
            published.failure = nil
        } catch {
            published.failure = errorChain(error)
            // What the mirror had may be the cause: the next attempt reads the Node again.
            await mirror.forget()
            seenTaintOwners = nil
            throw error
        }
    }

    private func bring(_ publication: Publication) async throws(KubernetesError) {
        let current = try await mirror.current()
        let before = current.labels["\(mirror.prefix)/verdict"]
        let update = NodeUpdate(publication, on: current, prefix: mirror.prefix)
        if !update.yielded.isEmpty {
            logger.debug("labels are left to their owners", metadata: ["keys": "\(update.yielded.sorted())"])
        }
        var latest = current
        if update.taint != .keep, !isKnown(update.taint, on: current) {
            latest = try await bringTaint(update.taint, publication.verdict)
        }
        if publication.taint != .keep { published.tainted = publication.taint == .present }
        if let labels = update.labels {
            latest = try await apply(labels, on: latest)
            logger.notice("labels applied", metadata: ["node": "\(mirror.node)", "count": "\(labels.count)"])
        }
        published.labels = update.shown
        let verdict = publication.verdict
        if verdict.rawValue != before, verdict != lastVerdict { await report(publication, on: latest) }
        lastVerdict = verdict
    }

    private func apply(
        _ labels: [String: String],
        on metadata: ObjectMetadata
    ) async throws(KubernetesError) -> ObjectMetadata {
        let body = NodeUpdate.applyBody(labels, on: metadata)
        let applied = try await mirror.request("apply") { client throws(KubernetesError) in
            try await client.applyNode(
                self.mirror.node,
                body: body,
                fieldManager: NodeUpdate.fieldManager,
                force: true
            )
        }
        await mirror.accept(applied)
        return applied
    }

    /// Whether the whole Node was looked at for this wish, and nobody has written the taints since.
    private func isKnown(_ wish: TaintWish, on metadata: ObjectMetadata) -> Bool {
        seenTaint == wish && seenTaintOwners == metadata.taintOwners
    }

    /// Puts the taint on or takes it off, and gives the Node's metadata after that.
    ///
    /// Another writer may change the Node between the read and the patch. The patch then fails its test, and the Node
    /// is read again.
    private func bringTaint(
        _ wish: TaintWish,
        _ verdict: Verdict
    ) async throws(KubernetesError) -> ObjectMetadata {
        var attempt = 1
        while true {
            let whole = try await mirror.whole()
            let operations = NodeUpdate.taintPatch(wish, verdict, on: whole, prefix: mirror.prefix)
            do throws(KubernetesError) {
                let patched = operations.isEmpty ? whole.metadata : try await patch(operations)
                (seenTaint, seenTaintOwners) = (wish, patched.taintOwners)
                return patched
            } catch {
                switch error {
                case .invalid where attempt < 5, .conflict where attempt < 5: attempt += 1
                default: throw error
                }
            }
        }
    }

    private func patch(_ operations: [JSONPatchOperation]) async throws(KubernetesError) -> ObjectMetadata {
        let patched = try await mirror.request("patch") { client throws(KubernetesError) in
            try await client.patchNode(
                self.mirror.node,
                operations: operations,
                fieldManager: NodeUpdate.fieldManager
            )
        }
        await mirror.accept(patched.metadata)
        let taint = NodeUpdate.taint(prefix: mirror.prefix).key
        let isOn = patched.taints.contains { $0.key == taint }
        logger.notice("taint changed", metadata: ["taint": "\(taint)", "present": "\(isOn)"])
        return patched.metadata
    }

    /// Reports a new verdict as an event of the Node.
    ///
    /// An event that cannot be created does not make the publication fail.
    private func report(_ publication: Publication, on metadata: ObjectMetadata) async {
        let isNormal = [.ready, .noGPU, .leftAlone, .installing, .waiting].contains(publication.verdict)
        let event = NodeEvent(
            node: mirror.node,
            nodeUID: metadata.uid,
            reason: publication.verdict.eventReason,
            message: String(publication.message.prefix(1024)),
            severity: isNormal ? .normal : .warning,
            component: "gpu-agent",
            time: Date()
        )
        do throws(KubernetesError) {
            try await mirror.request("event") { client throws(KubernetesError) in try await client.createEvent(event) }
        } catch {
            logger.warning("cannot create the event", metadata: ["error": "\(errorChain(error))"])
        }
    }
}

extension Verdict {
    /// The reason of the event that reports the verdict.
    fileprivate var eventReason: String {
        switch self {
        case .ready: "GPUReady"
        case .installing: "GPUInstalling"
        case .waiting: "GPUWaiting"
        case .degraded: "GPUDegraded"
        case .notReady: "GPUNotReady"
        case .noGPU: "NoGPU"
        case .leftAlone: "GPULeftAlone"
        case .unknown: "GPUUnknown"
        }
    }
}

import Host
import NodeModel
import Support

/// Takes kernel modules out of the kernel, and loads them again.
extension Executor {
    /// Unloads kernel modules in order, or none of them.
    ///
    /// When a module is in use, this function loads the modules again that it already unloaded. Without `nvidia-uvm`,
    /// for example, the driver cannot run new CUDA programs.
    func unload(_ modules: [String], _ deadline: Duration) async throws(HostError) {
        for (index, module) in modules.enumerated() {
            do throws(HostError) { _ = try await commands.run(["modprobe", "-r", module], deadline: deadline) } catch {
                let commands = commands
                // A new task, so that the modules are loaded again even when this task is canceled.
                await Task {
                    for gone in modules[..<index].reversed() {
                        _ = try? await commands.run(["modprobe", gone], deadline: deadline)
                    }
                }.value
                throw error
            }
        }
    }

    /// Loads a driver again, and starts its services, after an install that unloaded it and then ended before it changed
    /// anything else.
    ///
    /// A module that does not load again, such as that of another program, does not keep the driver from working.
    ///
    /// - Returns: What did not succeed; nil when everything is as it was before.
    func takeBack(_ unload: PlannedStep) async -> String? {
        progress(.noted("nothing of the old driver has changed, so the agent loads it again"))
        var problems: [String] = []
        for step in unload.inverse {
            for case .run(let list) in step.effects {
                for command in list {
                    do throws(HostError) {
                        _ = try await commands.run(command, deadline: Duration(asked: step.deadlineSeconds))
                    } catch { problems.append(errorChain(error)) }
                }
            }
        }
        if let problem = await startAgain(unload.stoppedServices) { problems.append(problem) }
        return problems.isEmpty ? nil : problems.joined(separator: "; ")
    }

    /// Loads kernel modules as far as possible, and returns those that could not be loaded.
    func load(_ modules: [String], _ deadline: Duration) async -> [String] {
        var failed: [String] = []
        for module in modules {
            do throws(HostError) { _ = try await commands.run(["modprobe", module], deadline: deadline) } catch {
                failed.append(module)
                // The next agent loads it.
                guard !Task.isCancelled else { continue }
                progress(.noted("\(module) was loaded before, and could not be loaded again: \(errorChain(error))"))
            }
        }
        return failed
    }
}

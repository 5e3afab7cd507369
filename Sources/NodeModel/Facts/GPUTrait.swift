/// A property of a GPU that NVML reports and that the choice of a driver does not depend on.
///
/// The agent shows every trait in `gpu-agent facts`, and publishes a trait that has a label. A new trait needs its
/// declaration in `GPUTrait+Declarations` and its call in `NVMLLibrary+Traits`; the texts, the label and its
/// documentation follow from them. A trait without a value is absent with the reason: the GPU does not have it, the
/// driver does not know it, or it needs more rights.
package enum GPUTrait: String, CodingKey, CaseIterable, Sendable {
    // MARK: What the GPU is

    case serial, vbios, inforom
    /// The number of the board (`nvmlDeviceGetBoardId`); GPUs on one board have the same.
    case boardID
    case boardPartNumber
    /// The position of a GPU on its baseboard, from 0.
    case moduleID
    /// The number of the device node `/dev/nvidiaN`.
    case minorNumber
    /// The NUMA node that the memory of the GPU is, on machines on which it is one.
    case numaNode
    case architecture, brand

    // MARK: How it is set up

    /// Whether ECC protects the memory now.
    ///
    /// A change takes effect only after a reset of the GPU, and this is the mode until then.
    case ecc
    /// Whether ECC protects the memory after the next reset.
    case eccPending
    /// The version of the firmware on the GPU's system processor (GSP).
    ///
    /// Absent when the driver does without this processor.
    case gspFirmware
    /// Whether the driver uses the GPU's system processor.
    case gspEnabled
    /// Whether the driver keeps the GPU initialized while no process uses it.
    case persistenceMode
    /// Which processes may use the GPU: `default`, `exclusive-process` or `prohibited`.
    case computeMode
    /// How the GPU shares addresses with the processor: `none`, `hmm` or `ats`.
    case addressingMode
    case bar1MiB
    /// The highest clocks that the GPU allows, in MHz.
    case maxGraphicsClock, maxSMClock, maxMemoryClock
    /// The best PCIe link that the GPU and its slot allow.
    case pcieMaxGeneration, pcieMaxWidth
    /// The power limit that is in force, in milliwatts.
    case powerLimit
    /// The temperatures, in degrees Celsius, at which the GPU slows down and shuts down.
    case temperatureSlowdown, temperatureShutdown

    // MARK: What is broken, or was

    /// ECC errors since the driver was loaded: corrected (single-bit) and uncorrected (double-bit) ones.
    case eccCorrected, eccUncorrected
    /// ECC errors in the life of the GPU.
    case eccCorrectedEver, eccUncorrectedEver
    /// Uncorrected errors of the SRAM in the life of the GPU.
    case sramUncorrectedEver
    /// Whether the SRAM had more errors than NVIDIA allows.
    case sramThresholdExceeded
    /// Retired pages, on GPUs before Ampere: by repeated single-bit errors, and by double-bit errors.
    case retiredPagesSingleBit, retiredPagesDoubleBit
    /// Whether a page is retired after the next reset.
    case retiredPagesPending
    /// Remapped rows, on GPUs since Ampere.
    case remappedRowsCorrectable, remappedRowsUncorrectable
    /// Whether a row is remapped after the next reset.
    case remappedRowsPending
    /// Whether a row could not be remapped.
    case remappedRowsFailed
    /// Whether the next reset repairs a memory channel or a texture processing cluster.
    case channelRepairPending, tpcRepairPending
    /// PCIe packets that were sent again.
    case pcieReplays
    /// What the driver asks for, so that the GPU works again, such as `none` or `gpu-reset`.
    case recoveryAction

    // MARK: What it does now

    /// The clocks in MHz.
    case graphicsClock, smClock, memoryClock, videoClock
    /// Why the clocks are lower than they could be.
    case clockEventReasons
    /// The performance state: 0 is the fastest.
    case performanceState
    /// The temperatures in degrees Celsius.
    case temperature, memoryTemperature
    /// The power that the board draws, in milliwatts.
    case power
    /// The share of the last second in which the GPU computed, or its memory was read or written, in percent.
    case gpuUtilization, memoryUtilization
    /// The frame buffer memory: `used` does not include what the driver reserves.
    case memoryUsedMiB, memoryFreeMiB, memoryReservedMiB, bar1UsedMiB
    /// The PCIe link now. An idle GPU uses a lower generation.
    case pcieGeneration, pcieWidth

    /// What belongs to the trait.
    package var declaration: Declaration {
        Self.declarations[self] ?? Declaration(rawValue, "", .identity)
    }
}

extension GPUTrait {
    /// What a trait is about, and how fast it changes.
    package enum Group: String, CaseIterable, Sendable {
        /// What the GPU is; it changes with an exchange of the board or of its firmware.
        case identity
        /// What an operator, the driver or the slot of the board decides.
        case setup
        /// Counters and states of faults, which change when something breaks.
        case health
        /// What changes from one moment to the next, such as clocks.
        ///
        /// No label and no decision uses these traits, so that they do not cause writes to the API server. A finding
        /// that uses them is a notice, which does not change the verdict.
        case activity
    }

    /// How the agent reads, shows and publishes a trait.
    package struct Declaration: Sendable {
        /// The name in texts, such as `ECC`.
        package let name: String
        /// The function of NVML that reports the trait; the newest one, when there are several.
        package let symbol: String
        package let group: Group
        /// The unit of a number in texts, with a space before it when it is a word; empty for a count.
        package let unit: String
        /// Nil for a trait that the agent does not publish.
        package let label: Label?

        init(_ name: String, _ symbol: String, _ group: Group, unit: String = "", label: Label? = nil) {
            self.name = name
            self.symbol = symbol
            self.group = group
            self.unit = unit
            self.label = label
        }
    }

    /// The label that publishes a trait, and its description in `docs/labels.md`.
    package struct Label: Sendable {
        /// The name after the prefix, such as `ecc`.
        package let name: String
        /// The values of the label when all GPUs have the same, in Markdown.
        package let values: String
        /// When the Node does not have the label, in Markdown: a clause such as `no GPU has ECC`.
        package let absence: String

        init(_ name: String, values: String, absence: String) {
            self.name = name
            self.values = values
            self.absence = absence
        }
    }
}

//! The words of sampled values: all versions' sets in one, the most frequent first.

use crate::record::words;

/// The version whose words are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edition {
    V16,
    V201,
    V21,
}

words! {
    /// What was measured.
    pub enum Measurand {
        EnergyActiveImportRegister = "Energy.Active.Import.Register",
        PowerActiveImport = "Power.Active.Import",
        CurrentImport = "Current.Import",
        Voltage,
        SoC,
        CurrentOffered = "Current.Offered",
        PowerOffered = "Power.Offered",
        EnergyActiveExportRegister = "Energy.Active.Export.Register",
        EnergyReactiveImportRegister = "Energy.Reactive.Import.Register",
        EnergyReactiveExportRegister = "Energy.Reactive.Export.Register",
        EnergyActiveImportInterval = "Energy.Active.Import.Interval",
        EnergyActiveExportInterval = "Energy.Active.Export.Interval",
        EnergyReactiveImportInterval = "Energy.Reactive.Import.Interval",
        EnergyReactiveExportInterval = "Energy.Reactive.Export.Interval",
        PowerActiveExport = "Power.Active.Export",
        PowerReactiveImport = "Power.Reactive.Import",
        PowerReactiveExport = "Power.Reactive.Export",
        PowerFactor = "Power.Factor",
        CurrentExport = "Current.Export",
        Frequency,
        Temperature,
        Rpm = "RPM",
        EnergyActiveNet = "Energy.Active.Net",
        EnergyReactiveNet = "Energy.Reactive.Net",
        EnergyApparentNet = "Energy.Apparent.Net",
        EnergyApparentImport = "Energy.Apparent.Import",
        EnergyApparentExport = "Energy.Apparent.Export",
        CurrentExportOffered = "Current.Export.Offered",
        CurrentExportMinimum = "Current.Export.Minimum",
        CurrentImportOffered = "Current.Import.Offered",
        CurrentImportMinimum = "Current.Import.Minimum",
        DisplayPresentSoc = "Display.PresentSOC",
        DisplayMinimumSoc = "Display.MinimumSOC",
        DisplayTargetSoc = "Display.TargetSOC",
        DisplayMaximumSoc = "Display.MaximumSOC",
        DisplayRemainingTimeToMinimumSoc = "Display.RemainingTimeToMinimumSOC",
        DisplayRemainingTimeToTargetSoc = "Display.RemainingTimeToTargetSOC",
        DisplayRemainingTimeToMaximumSoc = "Display.RemainingTimeToMaximumSOC",
        DisplayChargingComplete = "Display.ChargingComplete",
        DisplayBatteryEnergyCapacity = "Display.BatteryEnergyCapacity",
        DisplayInletHot = "Display.InletHot",
        EnergyActiveImportCableLoss = "Energy.Active.Import.CableLoss",
        EnergyActiveImportLocalGenerationRegister = "Energy.Active.Import.LocalGeneration.Register",
        EnergyActiveSetpointInterval = "Energy.Active.Setpoint.Interval",
        EnergyRequestTarget = "EnergyRequest.Target",
        EnergyRequestMinimum = "EnergyRequest.Minimum",
        EnergyRequestMaximum = "EnergyRequest.Maximum",
        EnergyRequestMinimumV2X = "EnergyRequest.Minimum.V2X",
        EnergyRequestMaximumV2X = "EnergyRequest.Maximum.V2X",
        EnergyRequestBulk = "EnergyRequest.Bulk",
        PowerActiveSetpoint = "Power.Active.Setpoint",
        PowerActiveResidual = "Power.Active.Residual",
        PowerExportMinimum = "Power.Export.Minimum",
        PowerExportOffered = "Power.Export.Offered",
        PowerImportOffered = "Power.Import.Offered",
        PowerImportMinimum = "Power.Import.Minimum",
        VoltageMinimum = "Voltage.Minimum",
        VoltageMaximum = "Voltage.Maximum",
    }
}

words! {
    /// The phase, or the pair of phases, that was measured.
    pub enum Phase {
        L1,
        L2,
        L3,
        N,
        L1N = "L1-N",
        L2N = "L2-N",
        L3N = "L3-N",
        L1L2 = "L1-L2",
        L2L3 = "L2-L3",
        L3L1 = "L3-L1",
    }
}

words! {
    /// Where it was measured.
    pub enum Location {
        Outlet,
        Inlet,
        EV,
        Cable,
        Body,
        Upstream,
    }
}

words! {
    /// Why it was measured.
    pub enum ReadingContext {
        SamplePeriodic = "Sample.Periodic",
        SampleClock = "Sample.Clock",
        TransactionBegin = "Transaction.Begin",
        TransactionEnd = "Transaction.End",
        Trigger,
        InterruptionBegin = "Interruption.Begin",
        InterruptionEnd = "Interruption.End",
        Other,
    }
}

words! {
    /// Units of 1.6 and those of 2.x that charging uses (Part 2 appendices, "Standardized Units of Measure").
    pub enum Unit {
        Wh,
        KWh = "kWh",
        W,
        KW = "kW",
        A,
        V,
        Percent,
        Hz,
        MHz = "mHz",
        Celsius,
        Varh = "varh",
        Kvarh = "kvarh",
        Var = "var",
        Kvar = "kvar",
        VA,
        KVA = "kVA",
        VAh,
        KVAh = "kVAh",
        Fahrenheit,
        K,
        Rpm = "RPM",
    }
}

impl Measurand {
    /// True when the enumeration of `edition` has this word.
    pub(crate) fn is_in(self, edition: Edition) -> bool {
        match self {
            Measurand::Temperature | Measurand::Rpm => edition == Edition::V16,
            Measurand::EnergyActiveNet
            | Measurand::EnergyReactiveNet
            | Measurand::EnergyApparentNet
            | Measurand::EnergyApparentImport
            | Measurand::EnergyApparentExport => edition != Edition::V16,
            Measurand::CurrentExportOffered
            | Measurand::CurrentExportMinimum
            | Measurand::CurrentImportOffered
            | Measurand::CurrentImportMinimum
            | Measurand::DisplayPresentSoc
            | Measurand::DisplayMinimumSoc
            | Measurand::DisplayTargetSoc
            | Measurand::DisplayMaximumSoc
            | Measurand::DisplayRemainingTimeToMinimumSoc
            | Measurand::DisplayRemainingTimeToTargetSoc
            | Measurand::DisplayRemainingTimeToMaximumSoc
            | Measurand::DisplayChargingComplete
            | Measurand::DisplayBatteryEnergyCapacity
            | Measurand::DisplayInletHot
            | Measurand::EnergyActiveImportCableLoss
            | Measurand::EnergyActiveImportLocalGenerationRegister
            | Measurand::EnergyActiveSetpointInterval
            | Measurand::EnergyRequestTarget
            | Measurand::EnergyRequestMinimum
            | Measurand::EnergyRequestMaximum
            | Measurand::EnergyRequestMinimumV2X
            | Measurand::EnergyRequestMaximumV2X
            | Measurand::EnergyRequestBulk
            | Measurand::PowerActiveSetpoint
            | Measurand::PowerActiveResidual
            | Measurand::PowerExportMinimum
            | Measurand::PowerExportOffered
            | Measurand::PowerImportOffered
            | Measurand::PowerImportMinimum
            | Measurand::VoltageMinimum
            | Measurand::VoltageMaximum => edition == Edition::V21,
            Measurand::EnergyActiveImportRegister
            | Measurand::PowerActiveImport
            | Measurand::CurrentImport
            | Measurand::Voltage
            | Measurand::SoC
            | Measurand::CurrentOffered
            | Measurand::PowerOffered
            | Measurand::EnergyActiveExportRegister
            | Measurand::EnergyReactiveImportRegister
            | Measurand::EnergyReactiveExportRegister
            | Measurand::EnergyActiveImportInterval
            | Measurand::EnergyActiveExportInterval
            | Measurand::EnergyReactiveImportInterval
            | Measurand::EnergyReactiveExportInterval
            | Measurand::PowerActiveExport
            | Measurand::PowerReactiveImport
            | Measurand::PowerReactiveExport
            | Measurand::PowerFactor
            | Measurand::CurrentExport
            | Measurand::Frequency => true,
        }
    }

    /// The unit of a sample that names none. Both versions name `Wh` as the default for every measurand, which
    /// only makes sense for energy; stations that leave the unit out of a voltage mean volts.
    pub fn default_unit(self) -> Option<Unit> {
        Some(match self {
            Measurand::EnergyActiveImportRegister
            | Measurand::EnergyActiveExportRegister
            | Measurand::EnergyActiveImportInterval
            | Measurand::EnergyActiveExportInterval
            | Measurand::EnergyActiveNet
            | Measurand::DisplayBatteryEnergyCapacity
            | Measurand::EnergyActiveImportCableLoss
            | Measurand::EnergyActiveImportLocalGenerationRegister
            | Measurand::EnergyActiveSetpointInterval
            | Measurand::EnergyRequestTarget
            | Measurand::EnergyRequestMinimum
            | Measurand::EnergyRequestMaximum
            | Measurand::EnergyRequestMinimumV2X
            | Measurand::EnergyRequestMaximumV2X
            | Measurand::EnergyRequestBulk => Unit::Wh,
            Measurand::EnergyReactiveImportRegister
            | Measurand::EnergyReactiveExportRegister
            | Measurand::EnergyReactiveImportInterval
            | Measurand::EnergyReactiveExportInterval
            | Measurand::EnergyReactiveNet => Unit::Varh,
            Measurand::EnergyApparentNet
            | Measurand::EnergyApparentImport
            | Measurand::EnergyApparentExport => Unit::VAh,
            Measurand::PowerActiveImport
            | Measurand::PowerActiveExport
            | Measurand::PowerOffered
            | Measurand::PowerActiveSetpoint
            | Measurand::PowerActiveResidual
            | Measurand::PowerExportMinimum
            | Measurand::PowerExportOffered
            | Measurand::PowerImportOffered
            | Measurand::PowerImportMinimum => Unit::W,
            Measurand::PowerReactiveImport | Measurand::PowerReactiveExport => Unit::Var,
            Measurand::CurrentImport
            | Measurand::CurrentExport
            | Measurand::CurrentOffered
            | Measurand::CurrentExportOffered
            | Measurand::CurrentExportMinimum
            | Measurand::CurrentImportOffered
            | Measurand::CurrentImportMinimum => Unit::A,
            Measurand::Voltage | Measurand::VoltageMinimum | Measurand::VoltageMaximum => Unit::V,
            Measurand::Frequency => Unit::Hz,
            Measurand::Temperature => Unit::Celsius,
            Measurand::SoC
            | Measurand::DisplayPresentSoc
            | Measurand::DisplayMinimumSoc
            | Measurand::DisplayTargetSoc
            | Measurand::DisplayMaximumSoc => Unit::Percent,
            Measurand::Rpm => Unit::Rpm,
            Measurand::PowerFactor
            | Measurand::DisplayRemainingTimeToMinimumSoc
            | Measurand::DisplayRemainingTimeToTargetSoc
            | Measurand::DisplayRemainingTimeToMaximumSoc
            | Measurand::DisplayChargingComplete
            | Measurand::DisplayInletHot => return None,
        })
    }
}

impl Location {
    /// True when the enumeration of `edition` has this word.
    pub(crate) fn is_in(self, edition: Edition) -> bool {
        self != Location::Upstream || edition == Edition::V21
    }
}

impl Unit {
    /// The unit in which [`super::number`] answers what is told in this one.
    pub fn base(self) -> Unit {
        match self {
            Unit::Wh | Unit::KWh => Unit::Wh,
            Unit::W | Unit::KW => Unit::W,
            Unit::Hz | Unit::MHz => Unit::Hz,
            Unit::Celsius | Unit::Fahrenheit | Unit::K => Unit::Celsius,
            Unit::Varh | Unit::Kvarh => Unit::Varh,
            Unit::Var | Unit::Kvar => Unit::Var,
            Unit::VA | Unit::KVA => Unit::VA,
            Unit::VAh | Unit::KVAh => Unit::VAh,
            Unit::A | Unit::V | Unit::Percent | Unit::Rpm => self,
        }
    }

    /// True when the enumeration of 1.6 has this word; 2.0.1 allows any text.
    pub(crate) fn is_in_v16(self) -> bool {
        !matches!(
            self,
            Unit::Hz | Unit::MHz | Unit::VAh | Unit::KVAh | Unit::Rpm
        )
    }
}

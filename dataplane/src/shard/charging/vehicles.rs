//! What vehicles need and plan, as far as it takes an answer.

use fleet::record::V2xChanged;
use ocpp::{v21, v201};

use super::super::facts::not_enabled;
use super::{Now, Shard, StoreUnreadable};
use crate::charging::held::Held;
use crate::charging::{
    self, Comparison, CompositeSchedule, Difference, Field, Reading, Tolerance, Unreadable,
};
use crate::config::VehicleNeeds;
use crate::grid::v2x::may_transfer;

/// What a vehicle plans, and by which of the schedules that it was offered.
pub(in crate::shard) struct VehiclePlan {
    pub(in crate::shard) evse_id: u32,
    /// The one that it chose (K18.FR.10); 2.0.1 knows it by the id of the plan.
    pub(in crate::shard) schedule_id: i64,
    pub(in crate::shard) schedule: Result<CompositeSchedule, Unreadable>,
}

impl Shard {
    /// What a 2.0.1 station is answered that tells what its vehicle needs. The plan is somebody else's, if there is one.
    pub(in crate::shard) fn needs_201(&self) -> v201::NotifyEVChargingNeedsResponse<'static> {
        use v201::NotifyEVChargingNeedsStatus as Status;

        let (status, status_info) = match self.config.vehicle_needs {
            VehicleNeeds::Rejected => (Status::Rejected, Some(not_enabled())),
            VehicleNeeds::Accepted => (Status::Accepted, None),
            VehicleNeeds::Processing => (Status::Processing, None),
        };
        v201::NotifyEVChargingNeedsResponse {
            status,
            status_info,
        }
    }

    /// The same in 2.1, which has a word of its own for a vehicle that may keep to its plan (K18.FR.04). An energy transfer
    /// that is not on the list of its transaction is refused, and the station ends that (Q01.FR.04).
    pub(in crate::shard) fn needs_21(
        &mut self,
        station: u32,
        evse_id: u32,
        transfer: &str,
    ) -> Result<v21::NotifyEVChargingNeedsResponse<'static>, StoreUnreadable> {
        use v21::NotifyEVChargingNeedsStatus as Status;

        let v2x: V2xChanged = self.grid(station)?;
        let running = self.running_at(station, evse_id);
        let driver = self.driver_transfers(station, evse_id)?;
        if !may_transfer(&v2x, &running, &driver, transfer) {
            let detail = format!("{transfer} is not allowed for this transaction");
            return Ok(v21::NotifyEVChargingNeedsResponse {
                status: Status::Rejected,
                status_info: Some(v21::StatusInfo {
                    reason_code: "InvalidValue".into(),
                    additional_info: Some(detail.into()),
                }),
            });
        }
        Ok(v21::NotifyEVChargingNeedsResponse {
            status: match self.config.vehicle_needs {
                VehicleNeeds::Rejected => Status::NoChargingProfile,
                VehicleNeeds::Accepted => Status::Accepted,
                VehicleNeeds::Processing => Status::Processing,
            },
            status_info: None,
        })
    }

    /// Whether a vehicle's plan lies within what its station's profiles allow, as far as they are known, by the schedule that
    /// it names and not by one that it chose before (K15.FR.11, K17.FR.11, K18.FR.11).
    pub(in crate::shard) fn vehicle_keeps_to(
        &mut self,
        now: Now,
        station: u32,
        plan: VehiclePlan,
    ) -> Result<bool, StoreUnreadable> {
        let VehiclePlan {
            evse_id,
            schedule_id,
            schedule,
        } = plan;
        // A plan beyond all numbers is beyond every limit.
        let Ok(plan) = schedule else {
            return Ok(false);
        };
        if !self.charging.contains_key(&station) {
            return Ok(true);
        }
        let mut view = self.charging_view(now, station)?;
        let held = Held { record: view.held };
        let here = (view.station.evses.iter_mut()).find(|evse| evse.id == evse_id);
        if let Some(running) = here.and_then(|evse| evse.transaction.as_mut()) {
            running.schedule = held.offered_at(&running.ocpp_transaction_id, schedule_id);
        }
        let request = charging::Request {
            evse_id,
            from: plan.start,
            duration_s: plan.duration_s,
            unit: plan.unit,
        };
        let Ok(ours) = charging::composite(&view.profiles, &view.station, &request) else {
            return Ok(true);
        };
        let supply = &view.station.supply;
        let exceeds = |found: &Difference| match found.field {
            Field::Limit | Field::LimitL2 | Field::LimitL3 => {
                found.theirs != Reading::None && !found.is_stricter()
            }
            Field::DischargeLimit | Field::Setpoint | Field::Phases => false,
        };
        Ok(
            match charging::compare(&ours, &plan, supply, &Tolerance::default()) {
                Comparison::Equal | Comparison::Apart => true,
                Comparison::Differs(found) => !found.iter().any(exceeds),
            },
        )
    }
}

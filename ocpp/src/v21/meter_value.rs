//! `meterValue` of 2.1: as in 2.0.1, with more words and fewer demands on a signature.

use crate::json::{Fault, Reader};
use crate::meter::{Edition, MeterColumns, NO_VALUES};
use crate::record::Wire;
use crate::v201::meter_value::{read_list, write_list};

/// A list of meter values; read them from the columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeterValueList<'a>(pub &'a MeterColumns);

impl std::ops::Deref for MeterValueList<'_> {
    type Target = MeterColumns;

    fn deref(&self) -> &MeterColumns {
        self.0
    }
}

impl<'a> Wire<'a> for MeterValueList<'a> {
    fn blank() -> Self {
        MeterValueList(&NO_VALUES)
    }

    fn read(r: &mut Reader<'a>) -> Result<Self, Fault> {
        read_list(r, Edition::V21).map(MeterValueList)
    }

    fn write(&self, out: &mut Vec<u8>) {
        write_list(self.0, Edition::V21, out);
    }
}

//! Arrays with bounds on their number of elements.

use super::Wire;
use crate::json::{Fault, Reader};

/// An array of `MIN` to `MAX` elements.
#[derive(Clone, Debug, PartialEq)]
pub struct List<T, const MIN: usize = 0, const MAX: usize = { usize::MAX }>(Vec<T>);

impl<T, const MIN: usize, const MAX: usize> From<Vec<T>> for List<T, MIN, MAX> {
    fn from(elements: Vec<T>) -> Self {
        List(elements)
    }
}

impl<T, const MIN: usize, const MAX: usize> std::ops::Deref for List<T, MIN, MAX> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'a, T: Wire<'a>, const MIN: usize, const MAX: usize> Wire<'a> for List<T, MIN, MAX> {
    fn blank() -> Self {
        List(Vec::new())
    }

    fn read(r: &mut Reader<'a>) -> Result<Self, Fault> {
        let mut list = Vec::new();
        let mut elements = r.array()?;
        while r.element(&mut elements)? {
            if list.len() == MAX {
                return Err(Fault::count(MAX + 1, format!("at most {MAX}")));
            }
            let element = T::read(r).map_err(|fault| fault.at_index(list.len()))?;
            list.push(element);
        }
        if list.len() < MIN {
            return Err(Fault::count(list.len(), format!("at least {MIN}")));
        }
        Ok(List(list))
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        for (index, element) in self.0.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            element.write(out);
        }
        out.push(b']');
    }
}

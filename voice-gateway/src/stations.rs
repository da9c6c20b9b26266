//! Which station somebody means.

use sdk::{Client, ClientError, Device, DeviceFilter};

use crate::nlu::Understood;

/// Pages of 500 stations that are looked through for a number; in a larger fleet one says the whole identifier.
const PAGES_MAX: usize = 20;
const PAGE_LEN: u32 = 500;

/// What a sentence says of a station.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Named {
    /// Its number: `5`, `007`.
    number: Option<String>,
    /// Words that may be its whole identifier, folded.
    mentions: Vec<String>,
}

/// The stations that somebody may mean.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Found {
    /// This one.
    One(Box<Device>),
    /// Several, whose numbers are the same.
    Many(Vec<Device>),
    /// None.
    Nothing,
}

/// A place, degrees north and east.
pub(crate) type Place = (f64, f64);

impl Named {
    pub(crate) fn of(understood: &Understood) -> Self {
        Self {
            number: understood.station.clone(),
            mentions: understood.mentions.clone(),
        }
    }

    /// True when the sentence says nothing of a station.
    pub(crate) fn is_empty(&self) -> bool {
        self.number.is_none() && self.mentions.iter().all(|mention| is_digits(mention))
    }
}

/// Looks for the station: by its whole identifier, whatever its case, then by the number it ends with.
pub(crate) async fn find(client: &Client, named: &Named) -> Result<Found, ClientError> {
    for mention in named.mentions.iter().filter(|mention| !is_digits(mention)) {
        for spelling in [mention.to_uppercase(), mention.clone()] {
            if let Some(device) = known(client.device(&spelling).await)? {
                return Ok(Found::One(Box::new(device)));
            }
        }
    }
    let mut filter = DeviceFilter {
        limit: Some(PAGE_LEN),
        ..DeviceFilter::default()
    };
    let mut same_number = Vec::new();
    for _ in 0..PAGES_MAX {
        let page = client.devices(&filter).await?;
        for device in page.items {
            if named
                .mentions
                .iter()
                .any(|mention| device.id.to_lowercase() == *mention)
            {
                return Ok(Found::One(Box::new(device)));
            }
            if named
                .number
                .as_deref()
                .is_some_and(|number| ends_with(&device.id, number))
            {
                same_number.push(device);
            }
        }
        filter.cursor = page.next_cursor;
        if filter.cursor.is_none() {
            break;
        }
    }
    Ok(match same_number.len() {
        0 => Found::Nothing,
        1 => Found::One(Box::new(same_number.remove(0))),
        _ => Found::Many(same_number),
    })
}

/// The device, or `None` when there is none of that name.
fn known(answer: Result<Device, ClientError>) -> Result<Option<Device>, ClientError> {
    match answer {
        Ok(device) => Ok(Some(device)),
        Err(error) => match error.problem().map(|problem| problem.status) {
            Some(400 | 404) => Ok(None),
            _ => Err(error),
        },
    }
}

/// True when the digits at the end of `id` are the number: `CP005` ends with 5, and 1005 does not.
fn ends_with(id: &str, number: &str) -> bool {
    let digits_at = id.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let value = |digits: &str| digits.parse::<u64>().ok();
    value(&id[digits_at..]).is_some_and(|end| Some(end) == value(number))
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Nearest first; stations without a place come last, in their order.
pub(crate) fn sort_by_distance(devices: &mut [Device], near: Option<Place>) {
    let Some(near) = near else { return };
    devices.sort_by(|a, b| distance_km(a, near).total_cmp(&distance_km(b, near)));
}

/// Great-circle distance (haversine); infinite for a station without a place.
fn distance_km(device: &Device, near: Place) -> f64 {
    const EARTH_RADIUS_KM: f64 = 6_371.0;
    let Some(location) = &device.location else {
        return f64::INFINITY;
    };
    let (lat_a, lat_b) = (near.0.to_radians(), location.lat.to_radians());
    let (dlat, dlng) = (lat_b - lat_a, (location.lng - near.1).to_radians());
    let h = (dlat / 2.0).sin().powi(2) + lat_a.cos() * lat_b.cos() * (dlng / 2.0).sin().powi(2);
    2.0 * EARTH_RADIUS_KM * h.clamp(0.0, 1.0).sqrt().asin()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_end_of_an_identifier() {
        for (id, number, same) in [
            ("CP005", "5", true),
            ("CP5", "005", true),
            ("5", "5", true),
            ("CP1005", "5", false),
            ("CP005A", "5", false),
            ("CP-12", "12", true),
            ("CP", "0", false),
        ] {
            assert_eq!(ends_with(id, number), same, "{id} {number}");
        }
    }
}

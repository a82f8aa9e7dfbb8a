//! `auto`: RDs and targets that a router derives.

use std::net::Ipv4Addr;

use vrfleak_engine::{Administrator, Rd, RouteTarget};

use crate::device::Table;
use crate::dialect::Format;

/// Returns the RD that a router with this id gives the VRF at position `index`: type 1, the router id and a number of
/// the VRF's own. IOS-XR and Junos take a free index, FRR and NX-OS their internal VRF id; the position of the VRF
/// stands for these, since no configuration shows them.
pub(super) fn rd(router_id: Ipv4Addr, table: &Table, index: usize) -> Rd {
    Rd::new(Administrator::Ipv4 {
        address: router_id,
        number: table.number.map_or(index as u16, |number| number as u16),
    })
}

/// Returns the target that `auto` stands for: the AS number and the VRF's VNI where it has one; otherwise the router id
/// and the VRF's number, as in the RD. Junos has the AS number and the position of the VRF.
pub(super) fn route_target(format: Format, asn: u32, router_id: Ipv4Addr, table: &Table, index: usize) -> RouteTarget {
    let number = match (table.number, format) {
        (Some(number), _) => number,
        (None, Format::Junos | Format::JunosSet) => index as u32,
        (None, _) => return RouteTarget::ipv4(router_id, index as u16),
    };
    match u16::try_from(asn) {
        Ok(asn) => RouteTarget::as2(asn, number),
        Err(_) => RouteTarget::new(Administrator::As4 { asn, number: number as u16 }),
    }
}

//! The shape of `show ipv6 route vrf`: a legend, then two lines a route.

use std::fmt::Display;
use std::io::{self, Write};

use vrfleak_engine::{Network, Protocol};

use crate::entry::{Entry, Via};

/// What the routers print above every table.
const LEGEND: &str = "\
Codes: C - Connected, L - Local, S - Static, U - Per-user Static route
       B - BGP, R - RIP, I1 - ISIS L1, I2 - ISIS L2
       IA - ISIS interarea, IS - ISIS summary, D - EIGRP, EX - EIGRP external
       ND - ND Default, NDp - ND Prefix, DCE - Destination, NDr - Redirect
       O - OSPF Intra, OI - OSPF Inter, OE1 - OSPF ext 1, OE2 - OSPF ext 2
       ON1 - OSPF NSSA ext 1, ON2 - OSPF NSSA ext 2, a - Application
";

/// Returns an IPv6 address or prefix in capitals, as the routers print it.
pub(crate) fn capitals(address: impl Display) -> String {
    address.to_string().to_uppercase()
}

/// Writes the table of a VRF from its best routes, in prefix order.
pub(crate) fn write(out: &mut impl Write, network: &Network, vrf: &str, entries: &[Entry<'_, u128>]) -> io::Result<()> {
    write!(
        out,
        "IPv6 Routing Table - {vrf} - {} entries\n{LEGEND}",
        entries.iter().filter(|entry| entry.best).count()
    )?;
    routes(out, network, entries)
}

/// Writes the routes.
pub(crate) fn routes(out: &mut impl Write, network: &Network, entries: &[Entry<'_, u128>]) -> io::Result<()> {
    for entry in entries {
        let letter = match entry.protocol {
            Protocol::Connected => "C",
            Protocol::Local => "L",
            Protocol::Static => "S",
            Protocol::Bgp => "B",
        };
        if entry.best {
            writeln!(out, "{letter:<3} {} [{}/{}]", capitals(entry.prefix), entry.distance, entry.metric)?;
        }
        // A next hop in another VRF is marked with its table.
        let table = entry.source.map_or(String::new(), |source| format!("%{}", network.vrf(source).name));
        match entry.via {
            Via::Receive(interface) => {
                let word = if entry.protocol == Protocol::Bgp { "directly connected" } else { "receive" };
                writeln!(out, "     via {interface}{table}, {word}")?;
            }
            Via::Interface(interface) => writeln!(out, "     via {interface}{table}, directly connected")?,
            Via::Discard => writeln!(out, "     via Null0, directly connected")?,
            Via::Vrf(name) => writeln!(out, "     via vrf {name}{table}")?,
            Via::Router(address, _) => {
                writeln!(out, "     via {}%default, indirectly connected", capitals(address))?;
            }
            Via::Gateway(address, interface) => {
                let interface = interface.map_or(String::new(), |name| format!(", {name}"));
                writeln!(out, "     via {}{table}{interface}", capitals(address))?;
            }
        }
    }
    Ok(())
}

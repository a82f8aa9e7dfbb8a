//! The shape of `show ip route vrf`: a legend, the gateway of last resort, and routes under their classful networks.

use std::io::{self, Write};
use std::net::IpAddr;

use vrfleak_engine::{Address as _, Ipv4Prefix, Network, Protocol};

use crate::entry::{Entry, Via};

/// What the routers print above every table.
const LEGEND: &str = "\
Codes: L - local, C - connected, S - static, R - RIP, M - mobile, B - BGP
       D - EIGRP, EX - EIGRP external, O - OSPF, IA - OSPF inter area
       N1 - OSPF NSSA external type 1, N2 - OSPF NSSA external type 2
       E1 - OSPF external type 1, E2 - OSPF external type 2
       i - IS-IS, su - IS-IS summary, L1 - IS-IS level-1, L2 - IS-IS level-2
       ia - IS-IS inter area, * - candidate default, U - per-user static route
       o - ODR, P - periodic downloaded static route, H - NHRP, l - LISP
       a - application route
       + - replicated route, % - next hop override, p - overrides from PfR
";

/// The age of a route where a router prints one. There is no clock here: everything has just been computed.
pub(crate) const AGE: &str = "00:00:00";

/// Columns of a prefix: alone, and below the heading of its classful network.
const ALONE: usize = 6;
const BELOW: usize = 9;

/// The longest line, and the column at which one that would be longer goes on below its prefix.
const WIDTH: usize = 79;
const CONTINUED: usize = 11;

/// Returns the length of the classful network that an address lies in, `None` for classes D and E.
pub(crate) fn natural_len(address: u32) -> Option<u8> {
    match address >> 24 {
        0..=127 => Some(8),
        128..=191 => Some(16),
        192..=223 => Some(24),
        _ => None,
    }
}

/// Writes the table of a VRF from its best routes, in prefix order.
pub(crate) fn write(out: &mut impl Write, network: &Network, vrf: &str, entries: &[Entry<'_, u32>]) -> io::Result<()> {
    write!(out, "Routing Table: {vrf}\n{LEGEND}\n")?;
    match entries.first().filter(|entry| entry.prefix == Ipv4Prefix::DEFAULT) {
        Some(entry) => {
            let address = entry.via.address().unwrap_or(IpAddr::V4([0, 0, 0, 0].into()));
            writeln!(out, "Gateway of last resort is {address} to network 0.0.0.0")?;
        }
        None => writeln!(out, "Gateway of last resort is not set")?,
    }
    writeln!(out)?;
    routes(out, network, entries)
}

/// Writes routes under the headings of their classful networks.
pub(crate) fn routes(out: &mut impl Write, network: &Network, entries: &[Entry<'_, u32>]) -> io::Result<()> {
    for group in entries.chunk_by(|a, b| major(a.prefix).is_some() && major(a.prefix) == major(b.prefix)) {
        let (column, with_len) = match major(group[0].prefix) {
            Some(major) if group.iter().any(|entry| entry.prefix != major) => (BELOW, heading(out, major, group)?),
            _ => (ALONE, true),
        };
        for entry in group {
            line(out, network, entry, column, with_len)?;
        }
    }
    Ok(())
}

/// Returns the classful network of which `prefix` is a part or the whole, `None` for what is larger than any.
fn major(prefix: Ipv4Prefix) -> Option<Ipv4Prefix> {
    let len = natural_len(prefix.bits()).filter(|&len| prefix.len() >= len)?;
    Some(Ipv4Prefix::containing(prefix.bits(), len))
}

/// Writes the heading of a classful network, and returns whether the lengths of its subnets are still to be said.
fn heading(out: &mut impl Write, major: Ipv4Prefix, group: &[Entry<'_, u32>]) -> io::Result<bool> {
    let mut lens: Vec<u8> = group.iter().map(|entry| entry.prefix.len()).collect();
    lens.sort_unstable();
    lens.dedup();
    let subnets = group.iter().filter(|entry| entry.best).count();
    match lens[..] {
        [len] => writeln!(out, "      {}/{len} is subnetted, {subnets} subnets", major.bits().to_ip())?,
        _ => writeln!(out, "      {major} is variably subnetted, {subnets} subnets, {} masks", lens.len())?,
    }
    Ok(lens.len() > 1)
}

fn line(
    out: &mut impl Write,
    network: &Network,
    entry: &Entry<'_, u32>,
    column: usize,
    with_len: bool,
) -> io::Result<()> {
    let letter = match entry.protocol {
        Protocol::Connected => "C",
        Protocol::Local => "L",
        Protocol::Static => "S",
        Protocol::Bgp => "B",
    };
    let default = entry.prefix == Ipv4Prefix::DEFAULT && matches!(entry.protocol, Protocol::Static | Protocol::Bgp);
    let code = format!("{letter}{}", if default { "*" } else { "" });
    let prefix = if with_len { entry.prefix.to_string() } else { entry.prefix.bits().to_ip().to_string() };
    let start = format!("{code:<column$}{prefix}");
    // A path that stands beside the best one has the prefix of the line above.
    if entry.best {
        write!(out, "{start}")?;
    } else {
        write!(out, "{:1$}", "", start.len())?;
    }
    let cost = format!("[{}/{}]", entry.distance, entry.metric);
    let age = if entry.protocol == Protocol::Bgp { format!(", {AGE}") } else { String::new() };
    let source = entry.source.map_or(String::new(), |source| format!(" ({})", network.vrf(source).name));
    let rest = match entry.via {
        Via::Receive(interface) | Via::Interface(interface) => format!("is directly connected{age}, {interface}"),
        Via::Discard => format!("is directly connected{age}, Null0"),
        Via::Vrf(name) => format!("{cost} via vrf {name}{source}{age}"),
        Via::Router(address, _) => format!("{cost} via {address}{age}"),
        Via::Gateway(address, interface) => {
            let interface = interface.map_or(String::new(), |name| format!(", {name}"));
            format!("{cost} via {address}{source}{age}{interface}")
        }
    };
    if start.len() + 1 + rest.chars().count() > WIDTH {
        writeln!(out, "\n{:1$}{rest}", "", CONTINUED)
    } else {
        writeln!(out, " {rest}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_those_of_the_first_octet() {
        let of = |text: &str| major(text.parse().expect("a prefix")).map(|major| major.to_string());
        for (prefix, network) in [
            ("10.1.2.0/24", Some("10.0.0.0/8")),
            ("10.0.0.0/8", Some("10.0.0.0/8")),
            ("10.0.0.0/7", None),
            ("0.0.0.0/0", None),
            ("127.0.0.1/32", Some("127.0.0.0/8")),
            ("128.0.0.0/16", Some("128.0.0.0/16")),
            ("191.255.1.0/24", Some("191.255.0.0/16")),
            ("192.168.0.0/16", None),
            ("223.255.255.255/32", Some("223.255.255.0/24")),
            ("224.0.0.0/24", None),
        ] {
            assert_eq!(of(prefix).as_deref(), network, "{prefix}");
        }
    }
}

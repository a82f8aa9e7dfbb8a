//! The shape of `show ip bgp vpnv4 all detail`: every attribute of each path, its route targets among them.

use std::io::{self, Write};
use std::net::IpAddr;

use vrfleak_engine::{Address, Family, OriginCode, Prefix, Rd, RouterId};

use crate::ipv6_table::capitals;
use crate::show_bgp::{View, next_hop_text, origin_word};
use crate::vpn_table::{self, Origin, Path, Section};

/// Writes the details of all paths of a router.
pub(crate) fn write<A: Address>(
    out: &mut impl Write,
    view: &View<'_, A>,
    router: RouterId,
    sections: &[Section<A>],
) -> io::Result<()> {
    // A router counts changes from 1; the entries here came one after the other.
    let mut version = 1;
    for (position, section) in sections.iter().enumerate() {
        if position > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{}", view.heading(section))?;
        for (prefix, paths) in &section.prefixes {
            version += 1;
            let nlri = nlri(section.rd, *prefix);
            let best = paths
                .iter()
                .position(|path| path.best)
                .map_or("no best path".to_owned(), |at| format!("best #{}", at + 1));
            let place = match section.vrf {
                Some(vrf) => format!("table {}", view.network.vrf(vrf).name),
                None => "no table".to_owned(),
            };
            writeln!(out, "BGP routing table entry for {nlri}, version {version}")?;
            writeln!(out, "  Paths: ({} available, {best}, {place})", paths.len())?;
            writeln!(out, "  Not advertised to any peer")?;
            for path in paths {
                self::path(out, view, router, section, *prefix, path)?;
            }
        }
    }
    Ok(())
}

fn nlri<A: Address>(rd: Rd, prefix: Prefix<A>) -> String {
    match A::FAMILY {
        Family::Ipv4 => format!("{rd}:{prefix}"),
        Family::Ipv6 => format!("[{rd}]{}", capitals(prefix)),
    }
}

fn path<A: Address>(
    out: &mut impl Write,
    view: &View<'_, A>,
    router: RouterId,
    section: &Section<A>,
    prefix: Prefix<A>,
    path: &Path,
) -> io::Result<()> {
    let network = view.network;
    let attributes = &path.attributes;
    let origin = network.vrf(path.key.origin);
    let mut head: Vec<String> = attributes.as_path.iter().map(ToString::to_string).collect();
    if head.is_empty() {
        head.push("Local".to_owned());
    }
    let mut head = head.join(" ");
    if let (Some(rd), true) = (origin.rd, path.origin == Origin::Leaked || path.origin == Origin::Router)
        && section.vrf.is_some()
        && rd != section.rd
    {
        let table = if path.origin == Origin::Leaked { origin.name.as_str() } else { "global" };
        // The default table has no RD.
        let (nlri, table) = match origin.configured_rd() {
            Some(rd) => (nlri(rd, prefix), table),
            None => (prefix.to_string(), "global"),
        };
        head.push_str(&format!(", imported path from {nlri} ({table})"));
    }
    writeln!(out, "  Refresh Epoch 1\n  {head}")?;

    let next_hop = next_hop_text(path.next_hop::<A>(network), A::FAMILY);
    let (peer, id) = match path.origin {
        Origin::Router => (network.router(origin.router).loopback, vpn_table::router_id(network, origin.router)),
        Origin::Neighbor => (path.next_hop::<A>(network), path.next_hop::<A>(network)),
        Origin::Sourced | Origin::Leaked => {
            let own = section.vrf.and_then(|vrf| network.vrf(vrf).router_id).map(IpAddr::V4);
            (A::ZERO.to_ip(), own.unwrap_or_else(|| vpn_table::router_id(network, router)))
        }
    };
    let way = match path.origin {
        Origin::Router => {
            let metric = network.igp_metric(router, origin.router);
            let metric = if metric > 0 { format!(" (metric {metric})") } else { String::new() };
            format!("{next_hop}{metric} (via default)")
        }
        Origin::Leaked => format!("{next_hop} (via vrf {0}) (via {0})", origin.name),
        _ => format!("{next_hop} (via vrf {})", origin.name),
    };
    writeln!(out, "    {way} from {} ({id})", capitals(peer))?;

    let weight = if path.weight > 0 { format!(", weight {}", path.weight) } else { String::new() };
    let kind = match path.origin {
        // A `network` statement put it there.
        Origin::Sourced if attributes.origin == OriginCode::Igp => "sourced, local",
        Origin::Sourced => "sourced",
        _ if path.internal => "internal",
        _ => "external",
    };
    let best = if path.best { ", best" } else { "" };
    let metric = if attributes.without_med { String::new() } else { format!(", metric {}", attributes.med) };
    writeln!(
        out,
        "      Origin {}{metric}, localpref {}{weight}, valid, {kind}{best}",
        origin_word(attributes.origin),
        attributes.local_preference,
    )?;
    let targets: Vec<String> = view.targets(path).map(|target| format!("RT:{target}")).collect();
    if !targets.is_empty() {
        writeln!(out, "      Extended Community: {}", targets.join(" "))?;
    }
    if let Some(label) = view.label(path) {
        writeln!(out, "      mpls labels in/out nolabel/{label}")?;
    }
    let marks = if path.best { "0x0" } else { "0" };
    writeln!(out, "      rx pathid: 0, tx pathid: {marks}")
}

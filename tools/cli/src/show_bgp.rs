//! `vrfleak show bgp`: the VPN table by RD, in the shape of `show ip bgp vpnv4 all` and its details.

use std::io::{self, Write};
use std::net::IpAddr;

use serde::Serialize;
use vrfleak_engine::{Address, Family, FamilyLeak, LabelTable, Network, OriginCode, Prefix, RouterId};

use crate::args::{Format, Global, ShowBgpArgs, VpnTable};
use crate::entry::configured;
use crate::failure::{Answer, Failure};
use crate::ipv4_table::natural_len;
use crate::ipv6_table::capitals;
use crate::output::Output;
use crate::vpn_table::{self, Origin, Path, Section};
use crate::{bgp_detail, input, prompt, scope, threads};

const LEGEND: &str = "\
Status codes: s suppressed, d damped, h history, * valid, > best, i - internal,
              r RIB-failure, S Stale, m multipath, b backup-path, f RT-Filter,
              x best-external, a additional-path, c RIB-compressed,
              t secondary path,
Origin codes: i - IGP, e - EGP, ? - incomplete
RPKI validation codes: V valid, I invalid, N Not found

     Network          Next Hop            Metric LocPrf Weight Path
";

/// Columns of the next hop, and one past the last of the metric.
const NEXT_HOP: usize = 23;
const METRIC_END: usize = 49;

/// A path in JSON.
#[derive(Debug, Serialize)]
struct PathRow<'a> {
    router: &'a str,
    rd: String,
    /// The VRF whose RD it is, null for another router's.
    vrf: Option<&'a str>,
    family: String,
    prefix: String,
    best: bool,
    source_router: &'a str,
    source_vrf: &'a str,
    source_rd: Option<String>,
    next_hop: String,
    metric: u32,
    local_preference: u32,
    weight: u32,
    as_path: Vec<u32>,
    origin: &'static str,
    internal: bool,
    route_targets: Vec<String>,
    label: Option<u32>,
}

/// What the paths are shown from.
#[derive(Clone, Copy)]
pub(crate) struct View<'a, A> {
    pub(crate) network: &'a Network,
    pub(crate) leak: &'a FamilyLeak<A>,
    pub(crate) labels: &'a LabelTable,
}

/// Runs the command.
pub(crate) fn run(args: &ShowBgpArgs, global: &Global) -> Result<Answer, Failure> {
    let network = input::read(&args.input, global.verbose)?;
    let leak = threads::leak(&threads::pool(global)?, &network);
    let mut out = Output::open(global.output.as_deref())?;
    match args.table {
        VpnTable::Vpnv4 => show::<u32>(&mut out, args, global.format, &network, leak.family())?,
        VpnTable::Vpnv6 => show::<u128>(&mut out, args, global.format, &network, leak.family())?,
    }
    out.finish()?;
    Ok(Answer::Yes)
}

fn show<A: Address>(
    out: &mut Output,
    args: &ShowBgpArgs,
    format: Format,
    network: &Network,
    leak: &FamilyLeak<A>,
) -> Result<(), Failure> {
    let view = View { network, leak, labels: &LabelTable::per_vrf(network) };
    let scopes = scope::routers(network, &args.scope)?;
    let whole = args.scope.vrf.is_none();
    let sections = scopes.iter().map(|scope| (scope.router, vpn_table::sections(network, leak, scope, whole)));
    if format == Format::Json {
        let rows = sections.flat_map(|(router, sections)| {
            sections.iter().flat_map(|section| view.rows(router, section)).collect::<Vec<_>>()
        });
        return out.json_rows(rows);
    }
    let word = if A::FAMILY == Family::Ipv4 { "ip bgp vpnv4" } else { "bgp vpnv6 unicast" };
    let which = args.scope.vrf.as_ref().map_or("all".to_owned(), |vrf| format!("vrf {vrf}"));
    let detail = if args.detail { " detail" } else { "" };
    for (position, (router, sections)) in sections.enumerate() {
        prompt::write(out, network, router, position, &format!("show {word} {which}{detail}"))?;
        if args.detail {
            bgp_detail::write(out, &view, router, &sections)?;
        } else {
            view.table(out, router, &sections)?;
        }
    }
    Ok(())
}

impl<'a, A: Address> View<'a, A> {
    /// Writes the table of a router.
    fn table(&self, out: &mut impl Write, router: RouterId, sections: &[Section<A>]) -> io::Result<()> {
        // A router counts changes from 1; each entry here came with one.
        let version = vpn_table::entries(sections) + 1;
        let id = vpn_table::router_id(self.network, router);
        write!(out, "BGP table version is {version}, local router ID is {id}\n{LEGEND}")?;
        for section in sections {
            let own = section.vrf.and_then(|vrf| self.network.vrf(vrf).router_id);
            let own = own.map_or(String::new(), |id| format!(" VRF Router ID {id}"));
            writeln!(out, "{}{own}", self.heading(section))?;
            for (prefix, paths) in &section.prefixes {
                for (at, path) in paths.iter().enumerate() {
                    self.path(out, (at == 0).then_some(*prefix), path)?;
                }
            }
        }
        Ok(())
    }

    /// Returns the line above the paths of an RD.
    pub(crate) fn heading(&self, section: &Section<A>) -> String {
        let default = |vrf| format!(" (default for vrf {})", self.network.vrf(vrf).name);
        format!("Route Distinguisher: {}{}", section.rd, section.vrf.map_or(String::new(), default))
    }

    /// Writes a path; the prefix stands before the first one only.
    fn path(&self, out: &mut impl Write, prefix: Option<Prefix<A>>, path: &Path) -> io::Result<()> {
        let internal = path.internal;
        let valid = if path.not_installed { 'r' } else { '*' };
        let best = if path.best { '>' } else { ' ' };
        let mut line = format!(" {valid}{best}{}  ", if internal { 'i' } else { ' ' });
        if let Some(prefix) = prefix {
            line.push_str(&network_text(prefix));
        }
        // The routers put what goes on below one column further left, and everything behind it.
        let left = usize::from(line.len() >= NEXT_HOP);
        column(&mut line, NEXT_HOP - left);
        line.push_str(&next_hop_text(path.next_hop::<A>(self.network), A::FAMILY));
        let attributes = &path.attributes;
        let local_preference = if internal { attributes.local_preference.to_string() } else { String::new() };
        let metric = if attributes.without_med { String::new() } else { attributes.med.to_string() };
        column(&mut line, METRIC_END - left - metric.len());
        line.push_str(&metric);
        let as_path: String = attributes.as_path.iter().map(|asn| format!("{asn} ")).collect();
        writeln!(out, "{line}{local_preference:>7}{:>7} {as_path}{}", path.weight, attributes.origin)
    }

    fn rows(&self, router: RouterId, section: &Section<A>) -> Vec<PathRow<'a>> {
        let network = self.network;
        let paths = section.prefixes.iter().flat_map(|(prefix, paths)| paths.iter().map(move |path| (prefix, path)));
        paths
            .map(|(prefix, path)| {
                let attributes = &path.attributes;
                PathRow {
                    router: &network.router(router).name,
                    rd: section.rd.to_string(),
                    vrf: section.vrf.map(|vrf| network.vrf(vrf).name.as_str()),
                    family: A::FAMILY.to_string(),
                    prefix: prefix.to_string(),
                    best: path.best,
                    source_router: &network.router_of(path.key.origin).name,
                    source_vrf: &network.vrf(path.key.origin).name,
                    source_rd: network.vrf(path.key.origin).configured_rd().map(|rd| rd.to_string()),
                    next_hop: path.next_hop::<A>(network).to_string(),
                    metric: attributes.med,
                    local_preference: attributes.local_preference,
                    weight: path.weight,
                    as_path: attributes.as_path.to_vec(),
                    origin: origin_word(attributes.origin),
                    internal: path.internal,
                    route_targets: self.targets(path).collect(),
                    label: self.label(path),
                }
            })
            .collect()
    }

    /// Returns the targets of a path as text.
    pub(crate) fn targets(&self, path: &Path) -> impl Iterator<Item = String> + use<'a, A> {
        let table = self.leak.table();
        let exported = table.exported_as(self.network, path.route).unwrap_or(path.route);
        configured(self.leak, table.targets(exported)).map(|target| target.to_string())
    }

    /// Returns the label of a path that leads to another router.
    pub(crate) fn label(&self, path: &Path) -> Option<u32> {
        let label = self.labels.label(path.key.origin).map(vrfleak_engine::Label::value);
        label.filter(|_| path.origin == Origin::Router)
    }
}

/// Returns the origin code as the details spell it.
pub(crate) fn origin_word(origin: OriginCode) -> &'static str {
    match origin {
        OriginCode::Igp => "IGP",
        OriginCode::Egp => "EGP",
        OriginCode::Incomplete => "incomplete",
    }
}

/// Returns a prefix as the table prints it: a classful network without its length.
fn network_text<A: Address>(prefix: Prefix<A>) -> String {
    match A::FAMILY {
        Family::Ipv6 => capitals(prefix),
        Family::Ipv4 => {
            let natural = natural_len(prefix.bits().widen() as u32) == Some(prefix.len());
            let bare = natural || prefix == Prefix::DEFAULT;
            if bare { prefix.bits().to_ip().to_string() } else { prefix.to_string() }
        }
    }
}

/// Returns a next hop as VPN tables print it: an IPv4 address as the IPv6 address that stands for it (RFC 4659).
pub(crate) fn next_hop_text(address: IpAddr, family: Family) -> String {
    match (address, family) {
        (IpAddr::V4(address), Family::Ipv6) => capitals(format!("::ffff:{address}")),
        _ => capitals(address),
    }
}

/// Fills the last line of `text` up to `column`, or goes on below where it is longer already.
fn column(text: &mut String, column: usize) {
    let width = |text: &str| text.rsplit('\n').next().unwrap_or("").chars().count();
    if width(text) >= column {
        text.push('\n');
    }
    for _ in width(text)..column {
        text.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classful_networks_have_no_length() {
        let text = |text: &str| network_text::<u32>(text.parse().expect("a prefix"));
        assert_eq!(text("172.16.0.0/16"), "172.16.0.0");
        assert_eq!(text("192.168.0.0/24"), "192.168.0.0");
        assert_eq!(text("10.0.0.0/8"), "10.0.0.0");
        assert_eq!(text("0.0.0.0/0"), "0.0.0.0");
        assert_eq!(text("172.16.0.0/24"), "172.16.0.0/24");
        assert_eq!(text("192.168.0.0/16"), "192.168.0.0/16");
        assert_eq!(network_text::<u128>("2001:db8::/32".parse().expect("a prefix")), "2001:DB8::/32");
    }
}

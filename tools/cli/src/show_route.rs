//! `vrfleak show route`: the routing table of each VRF, in the shape of `show ip route vrf`.

use std::io::{self, Write};

use serde::Serialize;
use vrfleak_engine::{
    Address, Candidate, Family, FamilyLeak, LabelTable, Leak, Network, Prefix, Protocol, RouteTarget, VrfId,
};

use crate::args::{Format, Global, ShowRouteArgs, Target};
use crate::entry::Entry;
use crate::failure::{Answer, Failure};
use crate::output::Output;
use crate::show_vrf::{families, is_active};
use crate::{input, ipv4_table, ipv6_table, prompt, scope, threads};

/// A candidate route in JSON. The keys and their order are what other programs rely on.
#[derive(Debug, Serialize)]
struct RouteRow<'a> {
    router: &'a str,
    vrf: &'a str,
    family: &'static str,
    prefix: String,
    protocol: String,
    distance: u8,
    metric: u32,
    best: bool,
    installed: bool,
    source_router: Option<&'a str>,
    source_vrf: Option<&'a str>,
    rd: Option<String>,
    route_targets: Vec<String>,
    next_hop: Option<String>,
    interface: Option<String>,
    label: Option<u32>,
}

/// Runs the command.
pub(crate) fn run(args: &ShowRouteArgs, global: &Global) -> Result<Answer, Failure> {
    let network = input::read(&args.input, global.verbose)?;
    let scopes = scope::routers(&network, &args.scope)?;
    let leak = threads::leak(&threads::pool(global)?, &network);
    let view = View { network: &network, leak: &leak, labels: LabelTable::per_vrf(&network) };
    let families = match args.target {
        Some(target) => vec![target.family()],
        None => families(&network, args.family.get()),
    };
    let mut out = Output::open(global.output.as_deref())?;
    let vrfs = scopes.iter().flat_map(|scope| scope.vrfs.iter().copied());
    let found = match global.format {
        Format::Json => {
            let mut found = 0;
            let rows = vrfs.flat_map(|vrf| families.iter().map(move |&family| (vrf, family)));
            let rows = rows.flat_map(|(vrf, family)| match family {
                Family::Ipv4 => view.rows::<u32>(vrf, args.target),
                Family::Ipv6 => view.rows::<u128>(vrf, args.target),
            });
            out.json_rows(rows.inspect(|_| found += 1))?;
            found
        }
        Format::Table => {
            let mut found = 0;
            for (position, scope) in scopes.iter().enumerate() {
                let mut tables = 0;
                let several = families.len() > 1;
                for (&vrf, &family) in
                    scope.vrfs.iter().flat_map(|vrf| families.iter().map(move |family| (vrf, family)))
                {
                    if several && skipped(&network, vrf, family) {
                        continue;
                    }
                    heading(&mut out, &network, vrf, family, (position, tables))?;
                    tables += 1;
                    found += match family {
                        Family::Ipv4 => view.table::<u32>(&mut out, vrf, args.target, ipv4)?,
                        Family::Ipv6 => view.table::<u128>(&mut out, vrf, args.target, ipv6)?,
                    };
                }
            }
            found
        }
    };
    out.finish()?;
    Ok(if args.target.is_some() && found == 0 { Answer::No } else { Answer::Yes })
}

/// Returns whether a VRF has nothing to show in one family, but in the other.
fn skipped(network: &Network, vrf: VrfId, family: Family) -> bool {
    let vrf = network.vrf(vrf);
    let active = (is_active::<u32>(vrf), is_active::<u128>(vrf));
    match family {
        Family::Ipv4 => !active.0 && active.1,
        Family::Ipv6 => !active.1,
    }
}

/// Separates tables: by the command where there are several routers, by a blank line where there is one.
fn heading(
    out: &mut impl Write,
    network: &Network,
    vrf: VrfId,
    family: Family,
    (router, table): (usize, usize),
) -> io::Result<()> {
    let vrf = network.vrf(vrf);
    let word = if family == Family::Ipv4 { "ip" } else { "ipv6" };
    prompt::write(out, network, vrf.router, router + table, &format!("show {word} route vrf {}", vrf.name))
}

/// What entries are made from.
struct View<'a> {
    network: &'a Network,
    leak: &'a Leak,
    labels: LabelTable,
}

/// Writes a whole table, or some of its routes.
type Writer<A> = fn(&mut Output, &Network, &str, &[Entry<'_, A>], whole: bool) -> io::Result<()>;

fn ipv4(out: &mut Output, network: &Network, vrf: &str, entries: &[Entry<'_, u32>], whole: bool) -> io::Result<()> {
    if whole { ipv4_table::write(out, network, vrf, entries) } else { ipv4_table::routes(out, network, entries) }
}

fn ipv6(out: &mut Output, network: &Network, vrf: &str, entries: &[Entry<'_, u128>], whole: bool) -> io::Result<()> {
    if whole { ipv6_table::write(out, network, vrf, entries) } else { ipv6_table::routes(out, network, entries) }
}

impl<'a> View<'a> {
    /// Returns everything that competes in the table of `vrf`, or for the prefix that `target` leads to.
    fn candidates<A: Address>(&self, vrf: VrfId, target: Option<Target>) -> Vec<(Prefix<A>, Vec<Candidate>)> {
        let leak = self.leak.family::<A>();
        match target {
            None => leak.all_candidates(self.network, vrf),
            Some(target) => matched(leak, vrf, target)
                .map(|prefix| (prefix, leak.candidates(self.network, vrf, prefix)))
                .into_iter()
                .collect(),
        }
    }

    fn entries<A: Address>(&self, vrf: VrfId, target: Option<Target>) -> Vec<Entry<'a, A>> {
        let leak = self.leak.family::<A>();
        let entry = |prefix, candidate: &_| Entry::new(self.network, leak, &self.labels, vrf, prefix, candidate);
        self.candidates(vrf, target)
            .iter()
            .flat_map(|(prefix, candidates)| candidates.iter().map(|candidate| entry(*prefix, candidate)))
            .filter(|entry| !entry.is_unused())
            .collect()
    }

    /// Writes the best routes; returns how many there are.
    fn table<A: Address>(
        &self,
        out: &mut Output,
        vrf: VrfId,
        target: Option<Target>,
        write: Writer<A>,
    ) -> io::Result<usize> {
        let mut entries = self.entries::<A>(vrf, target);
        entries.retain(|entry| entry.installed);
        if let (Some(target), true) = (target, entries.is_empty()) {
            let word = if matches!(target, Target::Prefix(_)) { "Network" } else { "Subnet" };
            writeln!(out, "% {word} not in table")?;
            return Ok(0);
        }
        write(out, self.network, &self.network.vrf(vrf).name, &entries, target.is_none())?;
        Ok(entries.iter().filter(|entry| entry.best).count())
    }

    fn rows<A: Address>(&self, vrf: VrfId, target: Option<Target>) -> Vec<RouteRow<'a>> {
        self.entries::<A>(vrf, target).iter().map(|entry| self.row(entry)).collect()
    }

    fn row<A: Address>(&self, entry: &Entry<'a, A>) -> RouteRow<'a> {
        let network = self.network;
        RouteRow {
            router: &network.router_of(entry.vrf).name,
            vrf: &network.vrf(entry.vrf).name,
            family: if A::FAMILY == Family::Ipv4 { "ipv4" } else { "ipv6" },
            prefix: entry.prefix.to_string(),
            protocol: entry.protocol.to_string(),
            distance: entry.distance,
            metric: if entry.protocol == Protocol::Bgp { entry.metric } else { 0 },
            best: entry.best,
            installed: entry.installed,
            source_router: entry.source.map(|source| network.router_of(source).name.as_str()),
            source_vrf: entry.source.map(|source| network.vrf(source).name.as_str()),
            rd: entry.rd.map(|rd| rd.to_string()),
            route_targets: entry.targets.iter().map(RouteTarget::to_string).collect(),
            next_hop: entry.via.address().map(|address| address.to_string()),
            interface: entry.via.interface().map(str::to_owned),
            label: entry.via.label(),
        }
    }
}

/// Returns the prefix of the VRF's table that `target` is or leads to.
pub(crate) fn matched<A: Address>(leak: &FamilyLeak<A>, vrf: VrfId, target: Target) -> Option<Prefix<A>> {
    match target {
        Target::Prefix(net) => Prefix::from_net(net).filter(|&prefix| leak.get(vrf, prefix).is_some()),
        Target::Address(address) => {
            let address = A::from_ip(address)?;
            let covering = (0..=A::BITS).rev().map(|len| Prefix::containing(address, len));
            covering.into_iter().find(|&prefix| leak.get(vrf, prefix).is_some())
        }
    }
}

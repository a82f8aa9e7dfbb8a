//! `vrfleak ping --matrix`: every VRF against every VRF.

use std::io::{self, Write};

use rayon::ThreadPool;
use serde::Serialize;
use vrfleak_dataplane::{Cell, Dataplane, Reachability, Verdict};
use vrfleak_engine::{Address, Family, Network, VrfId};

use crate::args::{Format, Global, PingArgs, ScopeArgs};
use crate::failure::{Answer, Failure};
use crate::output::Output;
use crate::scope::{self, vrf_name};
use crate::show_vrf::families;

/// Up to how many VRFs the matrix is drawn as one; beyond, each pair has a line.
const DRAWN: usize = 16;

/// A pair in JSON. The keys and their order are what other programs rely on.
#[derive(Debug, Serialize)]
struct PairRow<'a> {
    from_router: &'a str,
    from_vrf: &'a str,
    to_router: &'a str,
    to_vrf: &'a str,
    source: String,
    destination: String,
    verdict: &'static str,
}

/// Runs the command.
pub(crate) fn run(
    dataplane: &Dataplane<'_>,
    pool: &ThreadPool,
    args: &PingArgs,
    global: &Global,
) -> Result<Answer, Failure> {
    let network = dataplane.network();
    let scopes = scope::routers(network, &ScopeArgs { vrf: args.vrf.clone(), router: args.router.clone() })?;
    let mut from = vec![false; network.vrfs().len()];
    for vrf in scopes.iter().flat_map(|scope| &scope.vrfs) {
        from[vrf.index()] = true;
    }
    let mut out = Output::open(global.output.as_deref())?;
    let families = families(network, args.family.get());
    let has = |family: &&Family| families.contains(family);
    let ipv4 = has(&&Family::Ipv4).then(|| pool.install(|| dataplane.reachability::<u32>()));
    let ipv6 = has(&&Family::Ipv6).then(|| pool.install(|| dataplane.reachability::<u128>()));
    match global.format {
        Format::Json => {
            let ipv4 = ipv4.iter().flat_map(|matrix| rows(network, matrix, &from));
            let ipv6 = ipv6.iter().flat_map(|matrix| rows(network, matrix, &from));
            out.json_rows(ipv4.chain(ipv6))?;
        }
        Format::Table => {
            for (position, family) in families.iter().enumerate() {
                if position > 0 {
                    writeln!(out)?;
                }
                if families.len() > 1 {
                    writeln!(out, "{family}")?;
                }
                match family {
                    Family::Ipv4 => ipv4.iter().try_for_each(|matrix| table(&mut out, network, matrix, &from))?,
                    Family::Ipv6 => ipv6.iter().try_for_each(|matrix| table(&mut out, network, matrix, &from))?,
                }
            }
        }
    }
    out.finish()?;
    Ok(Answer::Yes)
}

/// Returns the verdict on a pair: a ping that another VRF answered for is told apart from one that reached its goal.
fn verdict<A: Address>(cell: &Cell<A>) -> &'static str {
    match cell.verdict {
        Verdict::Delivered { vrf } if vrf != cell.to => "delivered_elsewhere",
        verdict => verdict.name(),
    }
}

fn rows<'a, A: Address>(
    network: &'a Network,
    matrix: &'a Reachability<A>,
    from: &'a [bool],
) -> impl Iterator<Item = PairRow<'a>> {
    matrix.cells().filter(|cell| from[cell.ping.vrf.index()]).map(|cell| PairRow {
        from_router: &network.router_of(cell.ping.vrf).name,
        from_vrf: &network.vrf(cell.ping.vrf).name,
        to_router: &network.router_of(cell.to).name,
        to_vrf: &network.vrf(cell.to).name,
        source: cell.ping.source.to_ip().to_string(),
        destination: cell.ping.destination.to_ip().to_string(),
        verdict: verdict(&cell),
    })
}

fn table<A: Address>(
    out: &mut impl Write,
    network: &Network,
    matrix: &Reachability<A>,
    from: &[bool],
) -> io::Result<()> {
    let name = |vrf: VrfId| vrf_name(network, vrf);
    let width = matrix.vrfs().iter().map(|&(vrf, _)| name(vrf).chars().count()).max().unwrap_or(0).max(7);
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for cell in matrix.cells().filter(|cell| from[cell.ping.vrf.index()]) {
        let verdict = verdict(&cell);
        match counts.iter_mut().find(|(word, _)| *word == verdict) {
            Some((_, count)) => *count += 1,
            None => counts.push((verdict, 1)),
        }
    }
    if matrix.vrfs().len() <= DRAWN {
        let cell_width = counts.iter().map(|(word, _)| word.len()).max().unwrap_or(0).max(width);
        let names: String = matrix.vrfs().iter().map(|&(vrf, _)| format!("  {:<cell_width$}", name(vrf))).collect();
        writeln!(out, "{:<width$}{}", "from\\to", names.trim_end())?;
        for row in matrix.cells().collect::<Vec<_>>().chunks(matrix.vrfs().len().max(1)) {
            let Some(first) = row.first().filter(|cell| from[cell.ping.vrf.index()]) else { continue };
            let cells: String =
                row.iter().map(|cell| format!("  {:<cell_width$}", verdict(cell).replace('_', " "))).collect();
            writeln!(out, "{:<width$}{}", name(first.ping.vrf), cells.trim_end())?;
        }
    } else {
        writeln!(out, "{:<width$}  {:<width$}  verdict", "from", "to")?;
        for cell in matrix.cells().filter(|cell| from[cell.ping.vrf.index()]) {
            let (from, to) = (name(cell.ping.vrf), name(cell.to));
            writeln!(out, "{from:<width$}  {to:<width$}  {}", verdict(&cell).replace('_', " "))?;
        }
    }
    writeln!(out)?;
    let total: usize = counts.iter().map(|(_, count)| count).sum();
    counts.sort_by_key(|&(word, count)| (std::cmp::Reverse(count), word));
    let parts: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {}", word.replace('_', " "))).collect();
    let pings = if parts.is_empty() { "no VRF has an address of its own".to_owned() } else { parts.join(", ") };
    writeln!(out, "{total} pings: {pings}")
}

//! `vrfleak why`: the one reason why a route is, or is not, in the table of a VRF.

use std::io::{self, Write};

use serde::Serialize;
use vrfleak_engine::{
    Address, FamilyLeak, Leak, Network, NextHopKind, Outcome, Prefix, Protocol, Reason, RouteKey, RouteTarget, Stage,
    Step, TargetSetId, VrfId, why,
};

use crate::args::{Format, Global, Target, WhyArgs};
use crate::failure::{Answer, Failure};
use crate::output::Output;
use crate::scope::{self, vrf_name};
use crate::show_route::matched;
use crate::{input, threads};

/// The reason where no VRF has the prefix.
const UNKNOWN: &str = "no_such_route";

/// The answer in JSON.
#[derive(Debug, Serialize)]
struct WhyRow<'a> {
    router: &'a str,
    vrf: &'a str,
    family: String,
    prefix: String,
    in_table: bool,
    reason: &'static str,
    /// The step of S1 or S2 that decided, where one did.
    step: Option<&'static str>,
    explanation: String,
    routes: Vec<OutcomeRow<'a>>,
}

/// What became of one route.
#[derive(Debug, Serialize)]
struct OutcomeRow<'a> {
    source_router: &'a str,
    source_vrf: &'a str,
    protocol: String,
    rd: Option<String>,
    route_targets: Vec<String>,
    next_hop: Option<String>,
    interface: Option<&'a str>,
    stage: &'static str,
    reason: &'static str,
    step: Option<&'static str>,
    winner_router: Option<&'a str>,
    winner_vrf: Option<&'a str>,
    explanation: String,
}

/// Runs the command.
pub(crate) fn run(args: &WhyArgs, global: &Global) -> Result<Answer, Failure> {
    let network = input::read(&args.input, global.verbose)?;
    let vrf = scope::vrf(&network, &args.vrf, args.router.as_deref())?;
    let pool = threads::pool(global)?;
    let leak = threads::leak(&pool, &network);
    let out = Output::open(global.output.as_deref())?;
    pool.install(|| match args.target.family() {
        vrfleak_engine::Family::Ipv4 => answer::<u32>(&network, &leak, vrf, args.target, global.format, out),
        vrfleak_engine::Family::Ipv6 => answer::<u128>(&network, &leak, vrf, args.target, global.format, out),
    })
}

fn answer<A: Address>(
    network: &Network,
    leak: &Leak,
    vrf: VrfId,
    target: Target,
    format: Format,
    mut out: Output,
) -> Result<Answer, Failure> {
    let family = leak.family::<A>();
    let prefix = match target {
        Target::Prefix(net) => Prefix::from_net(net),
        Target::Address(address) => {
            let elsewhere = || A::from_ip(address).and_then(|address| longest(network, address));
            matched(family, vrf, target).or_else(elsewhere)
        }
    };
    let outcomes = prefix.map_or(Vec::new(), |prefix| why(network, leak, vrf, prefix));
    let view = View { network, family, vrf };
    let text = prefix.map_or_else(|| target.to_string(), |prefix| prefix.to_string());
    let in_table = outcomes.first().is_some_and(|outcome| outcome.reason.stage() == Stage::Best);
    match format {
        Format::Table => view.write(&mut out, &text, &outcomes)?,
        Format::Json => out.json(&view.row(text, in_table, &outcomes))?,
    }
    out.finish()?;
    Ok(if in_table { Answer::Yes } else { Answer::No })
}

/// Returns the longest prefix that contains `address` among what the VRFs have of their own, host routes of their own
/// addresses aside: those leave no VRF. O(source routes).
fn longest<A: Address>(network: &Network, address: A) -> Option<Prefix<A>> {
    let routes = network.vrfs().iter().flat_map(|vrf| &vrf.family::<A>().routes);
    let leaving = routes.filter(|route| route.protocol() != Protocol::Local);
    leaving
        .map(vrfleak_engine::SourceRoute::prefix)
        .filter(|prefix| prefix.contains(address))
        .max_by_key(|prefix| prefix.len())
}

/// What an answer is about.
struct View<'a, A> {
    network: &'a Network,
    family: &'a FamilyLeak<A>,
    vrf: VrfId,
}

impl<'a, A: Address> View<'a, A> {
    fn write(&self, out: &mut impl Write, prefix: &str, outcomes: &[Outcome]) -> io::Result<()> {
        let here = vrf_name(self.network, self.vrf);
        let Some(first) = outcomes.first() else {
            writeln!(out, "{prefix} is not in the table of {here}")?;
            return writeln!(out, "  {}", unknown());
        };
        let (word, sentence) = (if first.reason.stage() == Stage::Best { "" } else { "not " }, self.explain(first));
        writeln!(out, "{prefix} is {word}in the table of {here}")?;
        writeln!(out, "  {sentence}")?;
        if outcomes.len() > 1 {
            writeln!(out, "\nAll routes to it:")?;
            let rows: Vec<[String; 3]> = outcomes
                .iter()
                .map(|outcome| {
                    let key = outcome.route;
                    [vrf_name(self.network, key.origin), key.protocol.to_string(), self.way(key)]
                })
                .collect();
            let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
            let widths = [width(0), width(1), width(2)];
            for (row, outcome) in rows.iter().zip(outcomes) {
                write!(out, "  ")?;
                for (text, width) in row.iter().zip(widths) {
                    write!(out, "{text:<width$}  ")?;
                }
                writeln!(out, "{}", self.explain(outcome))?;
            }
        }
        Ok(())
    }

    fn row(&self, prefix: String, in_table: bool, outcomes: &[Outcome]) -> WhyRow<'a> {
        let first = outcomes.first();
        WhyRow {
            router: &self.network.router_of(self.vrf).name,
            vrf: &self.network.vrf(self.vrf).name,
            family: A::FAMILY.to_string(),
            prefix,
            in_table,
            reason: first.map_or(UNKNOWN, |outcome| outcome.reason.name()),
            step: first.and_then(|outcome| step(&outcome.reason)),
            explanation: first.map_or_else(unknown, |outcome| self.explain(outcome)),
            routes: outcomes.iter().map(|outcome| self.outcome(outcome)).collect(),
        }
    }

    fn outcome(&self, outcome: &Outcome) -> OutcomeRow<'a> {
        let network = self.network;
        let key = outcome.route;
        let vrf = network.vrf(key.origin);
        let winner = winner(&outcome.reason).map(|key| key.origin);
        let kind = network.next_hop(key.next_hop).kind;
        OutcomeRow {
            source_router: &network.router(vrf.router).name,
            source_vrf: &vrf.name,
            protocol: key.protocol.to_string(),
            rd: vrf.rd.filter(|_| outcome.targets != TargetSetId::NONE).map(|rd| rd.to_string()),
            route_targets: self.targets(outcome).iter().map(RouteTarget::to_string).collect(),
            next_hop: kind.address().map(|address| address.to_string()),
            interface: kind.interface().map(|interface| network.interface(interface).name.as_str()),
            stage: stage_name(outcome.reason.stage()),
            reason: outcome.reason.name(),
            step: step(&outcome.reason),
            winner_router: winner.map(|vrf| network.router_of(vrf).name.as_str()),
            winner_vrf: winner.map(|vrf| network.vrf(vrf).name.as_str()),
            explanation: self.explain(outcome),
        }
    }

    fn targets(&self, outcome: &Outcome) -> Vec<RouteTarget> {
        self.family.table().target_sets().of(outcome.targets).collect()
    }

    /// Returns where a route leads in its own VRF.
    fn way(&self, key: RouteKey) -> String {
        let kind = self.network.next_hop(key.next_hop).kind;
        let interface = kind.interface().map(|interface| self.network.interface(interface).name.clone());
        match kind {
            NextHopKind::Discard => "Null0".to_owned(),
            NextHopKind::Vrf { vrf } => format!("VRF {}", vrf_name(self.network, vrf)),
            NextHopKind::Outside { .. } => self.network.router_of(key.origin).loopback.to_string(),
            _ => kind.address().map(|address| address.to_string()).or(interface).unwrap_or_default(),
        }
    }

    /// Returns the reason in words.
    fn explain(&self, outcome: &Outcome) -> String {
        let network = self.network;
        let name = |vrf| vrf_name(network, vrf);
        let (key, here) = (outcome.route, name(self.vrf));
        let from = name(key.origin);
        let own = key.origin == self.vrf;
        let exported = list(&self.targets(outcome));
        match outcome.reason {
            Reason::Best if own => format!("best: {here} has it itself, {} through {}", key.protocol, self.way(key)),
            Reason::Best if outcome.leaked_host => {
                format!("best: the own address of {} on {}, leaked with its subnet", from, self.way(key))
            }
            Reason::Best => format!("best: imported from {from}, which exports it with {exported}"),
            Reason::NotBest { step, winner } => {
                let (other, better) = (name(winner.origin), self.way(winner));
                let other = if winner.origin == self.vrf {
                    format!("the own route through {better}")
                } else {
                    format!("the one from {other} through {better}")
                };
                format!("not best: {other} is preferred, decided by {step}")
            }
            Reason::NotRedistributed if key.protocol == Protocol::Local => {
                format!("not exported: it is the host route of an own address of {from}, which is never redistributed")
            }
            Reason::NotRedistributed => {
                format!("not exported: {from} does not redistribute {} routes", key.protocol)
            }
            Reason::Imported { via } => {
                format!(
                    "not exported: {} imported it from {from}, and what was imported is not exported again",
                    name(via)
                )
            }
            Reason::ExportMapDenied => {
                let map = network.vrf(key.origin).family::<A>().export_map;
                let map = map.map_or(String::new(), |map| format!(" `{}`", network.policies().get(map).name));
                format!("not exported: the export map{map} of {from} does not let it pass")
            }
            Reason::NoTarget => format!("not exported: {from} has no export target for it"),
            Reason::NoRd => format!("not exported: {from} has no RD"),
            Reason::OtherExported { winner } => {
                format!("not exported: {from} exports its route through {} in its place", self.way(winner))
            }
            Reason::NoCommonTarget => {
                let import = list(&network.vrf(self.vrf).family::<A>().import);
                format!("no common target: {from} exports it with {exported}, and {here} imports {import}")
            }
            Reason::LostNlri { winner } => {
                let rd = network.vrf(key.origin).rd.map_or(String::new(), |rd| format!(" {rd}"));
                format!("not imported: {} exports it with the same RD{rd}, and is preferred", name(winner.origin))
            }
            Reason::NextHopUnresolved => {
                format!("next hop unresolved: {from} has no route to {}", self.way(key))
            }
            Reason::VrfDown { vrf } => format!("VRF down: {}", name(vrf)),
            _ => outcome.reason.name().replace('_', " "),
        }
    }
}

/// Returns targets as text, or that there are none.
fn list(targets: &[RouteTarget]) -> String {
    if targets.is_empty() {
        return "none".to_owned();
    }
    targets.iter().map(|target| format!("RT:{target}")).collect::<Vec<_>>().join(" ")
}

/// Returns the step that decided, by its name in JSON.
fn step(reason: &Reason) -> Option<&'static str> {
    let Reason::NotBest { step, .. } = reason else { return None };
    Some(match step {
        Step::Reexport => "reexport",
        Step::Distance => "distance",
        Step::Weight => "weight",
        Step::LocalPreference => "local_preference",
        Step::LocallyOriginated => "locally_originated",
        Step::AsPathLength => "as_path_length",
        Step::Origin => "origin",
        Step::Med => "med",
        Step::External => "external",
        Step::IgpMetric => "igp_metric",
        Step::RouterId => "router_id",
        Step::NextHopAddress => "next_hop_address",
        Step::Rd => "rd",
        Step::Tie => "tie",
    })
}

fn winner(reason: &Reason) -> Option<RouteKey> {
    match *reason {
        Reason::NotBest { winner, .. } | Reason::LostNlri { winner } | Reason::OtherExported { winner } => Some(winner),
        _ => None,
    }
}

fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::NotExported => "not_exported",
        Stage::NotImported => "not_imported",
        Stage::NotBest => "not_best",
        Stage::Best => "best",
    }
}

/// Returns what is said of a prefix that nobody has.
fn unknown() -> String {
    "no such route: no VRF of the network has it".to_owned()
}

//! `vrfleak ping`: a request and its reply, hop by hop, and the verdict.

use std::io::{self, Write};

use serde::Serialize;
use vrfleak_dataplane::{Backend, Dataplane, Fate, Fibs, Hop, Ping, ReplyLoss, Trace, Verdict};
use vrfleak_engine::{Address, Network, NextHopKind, VrfId};

use crate::args::{Format, Global, PingArgs};
use crate::failure::{Answer, Failure};
use crate::output::Output;
use crate::scope::{self, vrf_name};
use crate::{input, ping_matrix, threads};

/// A ping in JSON: the keys of a row of the matrix, then the way there and back.
#[derive(Debug, Serialize)]
pub(crate) struct PingRow<'a> {
    from_router: &'a str,
    from_vrf: &'a str,
    /// The router and VRF that have the destination, null where the request did not arrive.
    to_router: Option<&'a str>,
    to_vrf: Option<&'a str>,
    source: String,
    destination: String,
    verdict: &'static str,
    /// The router and VRF where the verdict fell.
    decided_router: &'a str,
    decided_vrf: &'a str,
    /// What became of a reply that did not come back, null otherwise.
    reply: Option<&'static str>,
    request_hops: Vec<HopRow<'a>>,
    reply_hops: Vec<HopRow<'a>>,
}

#[derive(Debug, Serialize)]
pub(crate) struct HopRow<'a> {
    router: &'a str,
    vrf: &'a str,
    prefix: String,
    next_router: Option<&'a str>,
    next_vrf: Option<&'a str>,
    label: Option<u32>,
}

/// Runs the command.
pub(crate) fn run(args: &PingArgs, global: &Global) -> Result<Answer, Failure> {
    let network = input::read(&args.input, global.verbose)?;
    let pool = threads::pool(global)?;
    let leak = threads::leak(&pool, &network);
    let fibs = pool.install(|| Fibs::build(&leak, Backend::default()));
    let fibs = fibs.map_err(|error| Failure::request(error.to_string()))?;
    let dataplane = Dataplane::new(&network, &fibs);
    let (Some(destination), Some(name)) = (args.destination, &args.vrf) else {
        return ping_matrix::run(&dataplane, &pool, args, global);
    };
    let vrf = scope::vrf(&network, name, args.router.as_deref())?;
    if let Some(source) = args.source.filter(|source| source.is_ipv4() != destination.is_ipv4()) {
        return Err(Failure::request(format!("source `{source}` and destination `{destination}` differ in family")));
    }
    if let Some(family) =
        args.family.get().filter(|family| (*family == vrfleak_engine::Family::Ipv4) != destination.is_ipv4())
    {
        return Err(Failure::request(format!("destination `{destination}` is not an {family} address")));
    }
    let out = Output::open(global.output.as_deref())?;
    match (u32::from_ip(destination), u128::from_ip(destination)) {
        (Some(destination), _) => {
            one(&dataplane, vrf, destination, args.source.and_then(u32::from_ip), global.format, out)
        }
        (_, Some(destination)) => {
            one(&dataplane, vrf, destination, args.source.and_then(u128::from_ip), global.format, out)
        }
        (None, None) => Ok(Answer::No),
    }
}

/// Pings once and shows it.
fn one<A: Address>(
    dataplane: &Dataplane<'_>,
    vrf: VrfId,
    destination: A,
    source: Option<A>,
    format: Format,
    mut out: Output,
) -> Result<Answer, Failure> {
    let network = dataplane.network();
    let Some(source) = source.or_else(|| dataplane.default_source(vrf)) else {
        return Err(Failure::request(format!(
            "VRF `{}` has no {} address of its own to ping from",
            network.vrf(vrf).name,
            A::FAMILY
        ))
        .hint("give one with --source"));
    };
    let ping = Ping { vrf, source, destination };
    let shown = Shown::new(dataplane, ping);
    match format {
        Format::Table => shown.write(&mut out)?,
        Format::Json => out.json(&shown.row())?,
    }
    out.finish()?;
    Ok(if shown.verdict.is_delivered() { Answer::Yes } else { Answer::No })
}

/// A ping and what came of it.
pub(crate) struct Shown<'a, A: Address> {
    network: &'a Network,
    ping: Ping<A>,
    verdict: Verdict,
    pub(crate) request: Trace<A>,
    /// The way back, where the request arrived.
    reply: Option<Trace<A>>,
}

impl<'a, A: Address> Shown<'a, A> {
    /// Pings.
    pub(crate) fn new(dataplane: &Dataplane<'a>, ping: Ping<A>) -> Self {
        let request = dataplane.trace(ping.vrf, ping.destination);
        let reply = match request.fate {
            Fate::Delivered { vrf: owner, .. } => Some(dataplane.trace(owner, ping.source)),
            _ => None,
        };
        Self { network: dataplane.network(), ping, verdict: dataplane.ping(ping), request, reply }
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let (sign, percent, received) = match self.verdict {
            Verdict::Delivered { .. } => ('!', 100, 1),
            _ => ('.', 0, 0),
        };
        let (source, destination) = (self.ping.source.to_ip(), self.ping.destination.to_ip());
        writeln!(out, "Sending 1 ICMP Echo to {destination}, VRF {}:", vrf_name(self.network, self.ping.vrf))?;
        writeln!(out, "Packet sent with a source address of {source}")?;
        writeln!(out, "{sign}")?;
        writeln!(out, "Success rate is {percent} percent ({received}/1)")?;
        writeln!(out)?;
        self.write_hops(out, "")?;
        writeln!(out)?;
        writeln!(out, "{}", self.sentence())
    }

    /// Writes the way there and back, a line a lookup, each after `indent`.
    pub(crate) fn write_hops(&self, out: &mut impl Write, indent: &str) -> io::Result<()> {
        let request = steps(self.network, &self.request, self.ping.vrf);
        let reply = self.reply.as_ref().map(|reply| steps(self.network, reply, self.request.fate.vrf()));
        let both = || request.iter().chain(reply.iter().flatten());
        let width = |text: fn(&Step) -> &str| both().map(|step| text(step).chars().count()).max().unwrap_or(0);
        let (vrfs, prefixes) = (width(|step| &step.vrf), width(|step| &step.prefix));
        for (word, steps) in [("request", Some(&request)), ("reply", reply.as_ref())] {
            for (at, Step { vrf, prefix, what }) in steps.into_iter().flatten().enumerate() {
                let word = if at == 0 { word } else { "" };
                writeln!(out, "{indent}{word:<9}{vrf:<vrfs$}  {prefix:<prefixes$}  {what}")?;
            }
        }
        Ok(())
    }

    /// Returns the verdict in words.
    pub(crate) fn sentence(&self) -> String {
        let name = |vrf| vrf_name(self.network, vrf);
        let destination = self.ping.destination.to_ip();
        let source = self.ping.source.to_ip();
        match self.verdict {
            Verdict::Delivered { vrf } => {
                format!("delivered: {} has {destination}, and the reply came back", name(vrf))
            }
            Verdict::NoRoute { vrf } => format!("no route: {} has no route to {destination}", name(vrf)),
            Verdict::Discarded { vrf } => format!("discarded: the route of {} to {destination} is Null0", name(vrf)),
            Verdict::Loop { vrf } => format!("loop: the request came back to {}", name(vrf)),
            Verdict::ReplyUnroutable { vrf, reply } => {
                let what = match reply {
                    ReplyLoss::NoRoute { vrf } => format!("{} has no route to {source}", name(vrf)),
                    ReplyLoss::Discarded { vrf } => format!("the route of {} to {source} is Null0", name(vrf)),
                    ReplyLoss::Loop { vrf } => format!("the reply came back to {}", name(vrf)),
                    ReplyLoss::Unknown { vrf } => {
                        format!("what {} imports is unknown: its router is outside the model", name(vrf))
                    }
                    ReplyLoss::Elsewhere { vrf } => format!("the reply was delivered in {} instead", name(vrf)),
                };
                format!("reply unroutable: {} has {destination}, but {what}", name(vrf))
            }
        }
    }

    pub(crate) fn row(&self) -> PingRow<'a> {
        let network = self.network;
        let router = |vrf| network.router_of(vrf).name.as_str();
        let owner = match self.verdict {
            Verdict::Delivered { vrf } | Verdict::ReplyUnroutable { vrf, .. } => Some(vrf),
            _ => None,
        };
        PingRow {
            from_router: router(self.ping.vrf),
            from_vrf: &network.vrf(self.ping.vrf).name,
            to_router: owner.map(router),
            to_vrf: owner.map(|vrf| network.vrf(vrf).name.as_str()),
            source: self.ping.source.to_ip().to_string(),
            destination: self.ping.destination.to_ip().to_string(),
            verdict: self.verdict.name(),
            decided_router: router(self.verdict.vrf()),
            decided_vrf: &network.vrf(self.verdict.vrf()).name,
            reply: match self.verdict {
                Verdict::ReplyUnroutable { reply, .. } => Some(reply.name()),
                _ => None,
            },
            request_hops: hops(network, &self.request),
            reply_hops: self.reply.as_ref().map_or(Vec::new(), |reply| hops(network, reply)),
        }
    }
}

/// One line of the way of a packet.
struct Step {
    vrf: String,
    prefix: String,
    what: String,
}

/// Returns the lines of a packet's way that began in `start`.
fn steps<A: Address>(network: &Network, trace: &Trace<A>, start: VrfId) -> Vec<Step> {
    let mut steps: Vec<Step> = trace
        .hops
        .iter()
        .map(|hop| Step {
            vrf: vrf_name(network, hop.vrf),
            prefix: hop.prefix.to_string(),
            what: describe(network, hop),
        })
        .collect();
    match trace.fate {
        Fate::NoRoute { vrf } => {
            steps.push(Step { vrf: vrf_name(network, vrf), prefix: "-".to_owned(), what: "no route".to_owned() });
        }
        Fate::Loop { vrf } => {
            let what = "seen before: forwarding loop".to_owned();
            steps.push(Step { vrf: vrf_name(network, vrf), prefix: "-".to_owned(), what });
        }
        Fate::Delivered { .. } | Fate::Discarded { .. } => {}
    }
    if steps.is_empty() {
        steps.push(Step { vrf: vrf_name(network, start), prefix: "-".to_owned(), what: "no route".to_owned() });
    }
    steps
}

fn describe<A: Address>(network: &Network, hop: &Hop<A>) -> String {
    let next_hop = network.next_hop(hop.next_hop);
    if let Some(to) = hop.to {
        let how = if next_hop.vrf == hop.vrf { "static route into" } else { "leaked from" };
        let label = hop.label.map_or(String::new(), |label| format!(", label {label}"));
        return format!("{how} {}{label}", vrf_name(network, to));
    }
    let name = |interface| network.interface(interface).name.as_str();
    match next_hop.kind {
        NextHopKind::Receive { interface } => format!("delivered: own address on {}", name(interface)),
        NextHopKind::Attached { interface } => format!("delivered: on the subnet of {}", name(interface)),
        NextHopKind::Gateway { address, interface: Some(interface) } => {
            format!("delivered: to {address} on {}", name(interface))
        }
        NextHopKind::Gateway { address, interface: None } => format!("delivered: to {address}"),
        NextHopKind::Vrf { vrf } => format!("static route into {}", vrf_name(network, vrf)),
        NextHopKind::Discard => "discarded: Null0".to_owned(),
        NextHopKind::Outside { .. } => "delivered: to a router outside the model".to_owned(),
    }
}

fn hops<'a, A: Address>(network: &'a Network, trace: &Trace<A>) -> Vec<HopRow<'a>> {
    let row = |hop: &Hop<A>| HopRow {
        router: &network.router_of(hop.vrf).name,
        vrf: &network.vrf(hop.vrf).name,
        prefix: hop.prefix.to_string(),
        next_router: hop.to.map(|to| network.router_of(to).name.as_str()),
        next_vrf: hop.to.map(|to| network.vrf(to).name.as_str()),
        label: hop.label.map(vrfleak_engine::Label::value),
    };
    trace.hops.iter().map(row).collect()
}

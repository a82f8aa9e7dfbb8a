//! `vrfleak why`: one prefix or address followed through everything, and the one reason why it is, or is not, in the table
//! of a VRF.

mod explain;
mod places;
mod row;

use std::io::{self, Write};

use vrfleak_dataplane::{Backend, Dataplane, Fibs, Hop, Ping};
use vrfleak_engine::near_target::{WantedTarget, wanted_targets};
use vrfleak_engine::policy::ClauseId;
use vrfleak_engine::{
    Address, FamilyLeak, Leak, Network, Outcome, Prefix, Reason, RouteKey, RouteTarget, Stage, VrfId, why,
};

use self::explain::target_text;
use self::places::{Places, Side};
use crate::args::{Format, Global, Target, WhyArgs};
use crate::failure::{Answer, Failure};
use crate::output::Output;
use crate::ping::Shown;
use crate::scope::{self, vrf_name};
use crate::show_route::matched;
use crate::{input, threads};

/// How many names a line of text lists.
const LISTED: usize = 8;
/// How many routes are written as text.
const ROUTES: usize = 20;

/// Runs the command.
pub(crate) fn run(args: &WhyArgs, global: &Global) -> Result<Answer, Failure> {
    let (network, source) = input::read_with_source(&args.input, global.verbose, false)?;
    let vrf = scope::vrf(&network, &args.vrf, args.router.as_deref())?;
    let pool = threads::pool(global)?;
    let leak = threads::leak(&pool, &network);
    let fibs = pool.install(|| Fibs::build(&leak, Backend::default()));
    let fibs = fibs.map_err(|error| Failure::request(error.to_string()))?;
    let asked = Asked {
        dataplane: Dataplane::new(&network, &fibs),
        leak: &leak,
        places: Places { network: &network, provenance: &source.provenance },
        vrf,
        target: args.target,
    };
    let out = Output::open(global.output.as_deref())?;
    pool.install(|| match args.target.family() {
        vrfleak_engine::Family::Ipv4 => answer::<u32>(&asked, global.format, out),
        vrfleak_engine::Family::Ipv6 => answer::<u128>(&asked, global.format, out),
    })
}

/// What was asked, of what.
struct Asked<'a> {
    dataplane: Dataplane<'a>,
    leak: &'a Leak,
    places: Places<'a>,
    vrf: VrfId,
    target: Target,
}

fn answer<A: Address>(asked: &Asked<'_>, format: Format, mut out: Output) -> Result<Answer, Failure> {
    let Asked { dataplane, leak, vrf, target, .. } = asked;
    let (network, family) = (dataplane.network(), leak.family::<A>());
    let (prefix, longer) = match *target {
        Target::Prefix(net) => (Prefix::from_net(net), None),
        Target::Address(address) => {
            let elsewhere = A::from_ip(address).and_then(|address| longest(network, address));
            let here = matched(family, *vrf, *target);
            let longer = here.and_then(|here| elsewhere.filter(|elsewhere| elsewhere.len() > here.len()));
            (here.or(elsewhere), longer)
        }
    };
    let longer = longer.and_then(|prefix| Some((prefix, *why(network, leak, *vrf, prefix).first()?)));
    let view = View {
        network,
        family,
        places: asked.places,
        vrf: *vrf,
        outcomes: prefix.map_or(Vec::new(), |prefix| why(network, leak, *vrf, prefix)),
        wanted: wanted_targets::<A>(network, leak, *vrf),
        prefix,
        longer,
        text: prefix.map_or_else(|| target.to_string(), |prefix| prefix.to_string()),
        way: Way::new(dataplane, *vrf, *target, prefix),
    };
    match format {
        Format::Table => view.write(&mut out)?,
        Format::Json => out.json(&view.row())?,
    }
    out.finish()?;
    Ok(if view.in_table() { Answer::Yes } else { Answer::No })
}

/// Returns the longest prefix that contains `address` among what the VRFs have of their own, host routes of their own
/// addresses aside: those leave no VRF. O(source routes).
fn longest<A: Address>(network: &Network, address: A) -> Option<Prefix<A>> {
    let routes = network.vrfs().iter().flat_map(|vrf| &vrf.family::<A>().routes);
    let leaving = routes.filter(|route| route.protocol() != vrfleak_engine::Protocol::Local);
    leaving
        .map(vrfleak_engine::SourceRoute::prefix)
        .filter(|prefix| prefix.contains(address))
        .max_by_key(|prefix| prefix.len())
}

/// The way of a packet from the asking VRF to what was asked for, and of its reply.
struct Way<'a, A: Address> {
    destination: A,
    asked_for_prefix: bool,
    /// The entry of the VRF's table that it takes, `None` where it has none.
    first: Option<Hop<A>>,
    /// `None` where the VRF has no address that a packet could come from.
    shown: Option<Shown<'a, A>>,
}

impl<'a, A: Address> Way<'a, A> {
    /// Sends a packet to the address that was asked for, or else into the prefix: to an address for which its table has
    /// no longer prefix, if the first or the second is such a one.
    fn new(dataplane: &Dataplane<'a>, vrf: VrfId, target: Target, prefix: Option<Prefix<A>>) -> Option<Self> {
        let destination = match target {
            Target::Address(address) => A::from_ip(address)?,
            Target::Prefix(_) => {
                let prefix = prefix?;
                let first = prefix.bits();
                let second = if prefix.len() + 1 < A::BITS { first.next().unwrap_or(first) } else { first };
                let exact = |&address: &A| {
                    dataplane.fibs().lookup_match(vrf, address).is_some_and(|found| found.prefix == prefix)
                };
                [second, first].into_iter().find(exact).unwrap_or(first)
            }
        };
        let source = dataplane.default_source::<A>(vrf);
        let shown = source.map(|source| Shown::new(dataplane, Ping { vrf, source, destination }));
        let first = dataplane.trace(vrf, destination).hops.first().copied();
        let asked_for_prefix = matches!(target, Target::Prefix(_));
        Some(Self { destination, asked_for_prefix, first, shown })
    }
}

/// An answer.
struct View<'a, A: Address> {
    network: &'a Network,
    family: &'a FamilyLeak<A>,
    places: Places<'a>,
    vrf: VrfId,
    prefix: Option<Prefix<A>>,
    /// A longer prefix that contains the address and is not in the table, with the reason.
    longer: Option<(Prefix<A>, Outcome)>,
    /// The prefix, or what was asked for where there is none.
    text: String,
    outcomes: Vec<Outcome>,
    wanted: Vec<WantedTarget>,
    way: Option<Way<'a, A>>,
}

impl<A: Address> View<'_, A> {
    fn in_table(&self) -> bool {
        self.outcomes.first().is_some_and(|outcome| outcome.reason.stage() == Stage::Best)
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let here = vrf_name(self.network, self.vrf);
        let word = if self.in_table() { "" } else { "not " };
        writeln!(out, "{} is {word}in the table of {here}", self.text)?;
        match (self.outcomes.first(), self.prefix) {
            (Some(first), Some(prefix)) => {
                let at = self.places.deciding(self.vrf, prefix, first);
                writeln!(out, "  {}{}", self.explain(first), self.places.beside(at))?;
            }
            _ => writeln!(out, "  {}", unknown())?,
        }
        if let Some((prefix, outcome)) = &self.longer {
            let at = self.places.beside(self.places.deciding(self.vrf, *prefix, outcome));
            writeln!(out, "{prefix} is not in the table of {here}\n  {}{at}", self.explain(outcome))?;
        }
        if let Some(prefix) = self.prefix {
            self.write_routes(out, prefix)?;
        }
        if !self.in_table() {
            self.write_wanted(out)?;
        }
        self.write_way(out)
    }

    /// Writes each route and how far it came, those that came farthest first.
    fn write_routes(&self, out: &mut impl Write, prefix: Prefix<A>) -> io::Result<()> {
        let mut written: Vec<RouteKey> = Vec::new();
        for (at, outcome) in self.outcomes.iter().enumerate() {
            let key = outcome.route;
            if written.contains(&key) {
                continue;
            }
            if written.len() == ROUTES {
                let more = self.outcomes.len() - at;
                return writeln!(out, "\nand {more} more, which came no farther than the last; --format json has all");
            }
            written.push(key);
            let (from, way) = (vrf_name(self.network, key.origin), self.way(key));
            let at = self.places.beside(self.places.route(prefix, key));
            let number = written.len();
            if self.is_reexport(key) {
                writeln!(out, "\n{number}. {from}, exported again")?;
            } else {
                writeln!(out, "\n{number}. {from}, {} through {way}{at}", key.protocol)?;
            }
            let mut line = |word: &str, text: String| writeln!(out, "   {word:<15}{text}");
            match outcome.unexported {
                None => line("exported", self.exported(prefix, outcome))?,
                Some(reason) => {
                    let at = self.places.deciding(self.vrf, prefix, &Outcome { reason, ..*outcome });
                    let text = self.explain_as(outcome, reason);
                    let text = text.strip_prefix("not exported: ").unwrap_or(&text);
                    line("not exported", format!("{text}{}", self.places.beside(at)))?;
                }
            }
            let stage = outcome.reason.stage();
            if outcome.leaked_host {
                line("imported", "with the connected route of its interface".to_owned())?;
            } else if key.origin != self.vrf && stage >= Stage::NotBest {
                line("imported", self.imported(outcome))?;
            }
            if outcome.unexported != Some(outcome.reason) {
                let text = self.explain(outcome);
                let (word, text) = match (stage, text.split_once(": ")) {
                    (Stage::Best | Stage::NotBest, Some((word, text))) => (word, text),
                    (_, Some(("not imported" | "not exported", text))) => ("not imported", text),
                    _ => ("not imported", text.as_str()),
                };
                let beside = if self.is_installed(outcome) { "; installed beside it (maximum-paths)" } else { "" };
                let at = self.places.beside(self.places.deciding(self.vrf, prefix, outcome));
                line(word, format!("{text}{beside}{at}"))?;
            }
            let again = self.outcomes.iter().filter(|other| other.route == key).skip(1);
            for other in again {
                let text = self.explain(other);
                let text = text.strip_prefix("not exported: ").unwrap_or(&text);
                line("not passed on", text.to_owned())?;
            }
        }
        Ok(())
    }

    /// Returns what brought a route into BGP, and what it is there.
    fn exported(&self, prefix: Prefix<A>, outcome: &Outcome) -> String {
        let key = outcome.route;
        let mut parts = Vec::new();
        if let Some((words, place)) = self.places.redistributed(prefix, key) {
            parts.push(format!("{words}{}", self.places.beside(Some(place))));
        }
        parts.extend(outcome.export_clause.and_then(|id| self.clause("export map", id)));
        parts.extend(self.unheeded_map(outcome).map(|name| {
            let at = self.places.beside(self.places.map::<A>(key.origin, Side::Export));
            format!("not accepted by export map `{name}`, which here leaves it the VRF's targets{at}")
        }));
        if let Some(rd) = self.network.vrf(key.origin).configured_rd() {
            parts.push(format!("RD {rd}{}", self.places.beside(self.places.rd(key.origin))));
        }
        parts.extend(self.targets(outcome).into_iter().map(|target| {
            let named = self.places.target::<A>(key.origin, Side::Export, target);
            // What the VRF does not name, its export map sets.
            let at = named.or_else(|| self.places.clause(outcome.export_clause?));
            format!("{}{}", target_text(target), self.places.beside(at))
        }));
        parts.join(", ")
    }

    /// Returns by what a route was imported.
    fn imported(&self, outcome: &Outcome) -> String {
        let mut parts: Vec<String> = self
            .matched(outcome)
            .into_iter()
            .map(|target| {
                let at = self.places.target::<A>(self.vrf, Side::Import, target);
                format!("{}{}", target_text(target), self.places.beside(at))
            })
            .collect();
        parts.extend(outcome.import_clause.and_then(|id| self.clause("import map", id)));
        parts.join(", ")
    }

    /// Returns a clause by its policy and name, with its place.
    fn clause(&self, what: &str, id: ClauseId) -> Option<String> {
        let (policy, label) = self.clause_name(id)?;
        Some(format!("{what} `{policy}` clause {label}{}", self.places.beside(self.places.clause(id))))
    }

    /// Returns the targets of a VPN route, ascending.
    fn targets(&self, outcome: &Outcome) -> Vec<RouteTarget> {
        self.family.table().target_sets().of(outcome.targets).collect()
    }

    /// Returns those targets of a route that the asking VRF imports.
    fn matched(&self, outcome: &Outcome) -> Vec<RouteTarget> {
        let import = &self.network.vrf(self.vrf).family::<A>().import;
        let mut targets = self.targets(outcome);
        targets.retain(|target| import.contains(target));
        targets
    }

    /// Returns whether a route is one that its VRF imported and exported again (SEMANTICS E1).
    fn is_reexport(&self, key: RouteKey) -> bool {
        self.family.table().paths(self.network).depth(key.attributes) > 0
    }

    /// Returns whether a route that is not the best is installed all the same (SEMANTICS S4).
    fn is_installed(&self, outcome: &Outcome) -> bool {
        let rib = self.family.rib(self.vrf);
        let Some(prefix) = self.prefix.filter(|_| rib.multipath_routes() > 0) else { return false };
        let table = self.family.table();
        let best = self.family.get(self.vrf, prefix);
        matches!(outcome.reason, Reason::NotBest { .. })
            && best.is_some_and(|best| rib.multipath(best).any(|id| table.key(id) == outcome.route))
    }

    /// Writes what the VRF asks for and who exports that.
    fn write_wanted(&self, out: &mut impl Write) -> io::Result<()> {
        let here = vrf_name(self.network, self.vrf);
        if self.network.router_of(self.vrf).outside {
            return writeln!(out, "\nWhat {here} imports is unknown: its router is outside the model");
        }
        if self.wanted.is_empty() {
            return writeln!(out, "\n{here} imports no target");
        }
        writeln!(out, "\n{here} imports")?;
        let rows: Vec<(String, String)> = self
            .wanted
            .iter()
            .map(|wanted| {
                let at = self.places.target::<A>(self.vrf, Side::Import, wanted.target);
                let names = wanted.exporters.iter().map(|&vrf| vrf_name(self.network, vrf));
                let near = wanted.near.iter().map(|target| format!("RT:{target}"));
                let said = match (wanted.exporters.len(), wanted.near.len()) {
                    (0, 0) => "exported by nobody".to_owned(),
                    (0, _) => format!("exported by nobody; one digit away: {}", listed(near)),
                    _ => format!("exported by {}", listed(names)),
                };
                (format!("{}{}", target_text(wanted.target), self.places.beside(at)), said)
            })
            .collect();
        let width = rows.iter().map(|(target, _)| target.chars().count()).max().unwrap_or(0);
        for (target, said) in rows.iter().take(LISTED) {
            writeln!(out, "   {target:<width$}  {said}")?;
        }
        if rows.len() > LISTED {
            writeln!(out, "   and {} more", rows.len() - LISTED)?;
        }
        Ok(())
    }

    /// Writes where a packet goes, and its reply.
    fn write_way(&self, out: &mut impl Write) -> io::Result<()> {
        let Some(way) = &self.way else { return Ok(()) };
        let inside = match (way.asked_for_prefix, self.prefix) {
            (true, Some(prefix)) => format!(", in {prefix}"),
            _ => String::new(),
        };
        writeln!(out, "\nA packet to {}{inside}", way.destination.to_ip())?;
        if let Some(entry) = self.fib() {
            writeln!(out, "   entry    {entry}")?;
        }
        if let Some(shown) = &way.shown {
            shown.write_hops(out, "   ")?;
            return writeln!(out, "   {}", shown.sentence());
        }
        let here = vrf_name(self.network, self.vrf);
        if way.first.is_none() {
            writeln!(out, "   no route: {here} has no route to {}", way.destination.to_ip())?;
        }
        writeln!(out, "   {here} has no address that a reply could go to")
    }
}

/// Returns the first few names, and how many more there are.
fn listed(names: impl ExactSizeIterator<Item = String>) -> String {
    let more = names.len().saturating_sub(LISTED);
    let text = names.take(LISTED).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{text} and {more} more") } else { text }
}

/// Returns what is said of a prefix that nobody has.
fn unknown() -> String {
    "no such route: no VRF of the network has it".to_owned()
}

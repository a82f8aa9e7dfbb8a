//! `vrfleak show vrf`: VRFs with their RDs, families, interfaces and targets, in the shape of `show vrf`.

use std::io::Write;

use serde::Serialize;
use vrfleak_bench_data::{Place, Provenance};
use vrfleak_config::short_interface_name;
use vrfleak_engine::{Address, Family, Network, RouteTarget, Vrf, VrfId};

use crate::args::{Format, Global, ShowVrfArgs};
use crate::failure::{Answer, Failure};
use crate::output::Output;
use crate::scope::{self, RouterScope};
use crate::{input, prompt};

/// Columns at which `show vrf` puts the RD, the protocols and the interfaces.
const RD: usize = 35;
const PROTOCOLS: usize = 57;
const INTERFACES: usize = 69;

/// One VRF in JSON.
#[derive(Debug, Serialize)]
struct VrfRow<'a> {
    router: &'a str,
    vrf: &'a str,
    rd: Option<String>,
    up: bool,
    interfaces: Vec<&'a str>,
    ipv4: FamilyRow,
    ipv6: FamilyRow,
}

#[derive(Debug, Serialize)]
struct FamilyRow {
    active: bool,
    import: Vec<String>,
    export: Vec<String>,
    redistribute_connected: bool,
    redistribute_static: bool,
    routes: usize,
}

/// Runs the command.
pub(crate) fn run(args: &ShowVrfArgs, global: &Global) -> Result<Answer, Failure> {
    let (network, source) = input::read_with_source(&args.input, global.verbose, false)?;
    let scopes = scope::routers(&network, &args.scope)?;
    let mut out = Output::open(global.output.as_deref())?;
    match global.format {
        Format::Json => {
            let vrfs = scopes.iter().flat_map(|scope| &scope.vrfs);
            out.json_rows(vrfs.map(|&id| row(&network, id)))?;
        }
        Format::Table => {
            for (index, scope) in scopes.iter().enumerate() {
                let command = if args.detail { "show vrf detail" } else { "show vrf" };
                prompt::write(&mut out, &network, scope.router, index, command)?;
                if args.detail {
                    detail(&mut out, &network, &source.provenance, scope)?;
                } else {
                    brief(&mut out, &network, scope)?;
                    writeln!(out)?;
                    targets(&mut out, &network, scope)?;
                }
            }
        }
    }
    out.finish()?;
    Ok(Answer::Yes)
}

/// Returns whether the VRF has anything to do with the family.
pub(crate) fn is_active<A: Address>(vrf: &Vrf) -> bool {
    let family = vrf.family::<A>();
    let redistribute = family.redistribute;
    let targets = family.import.len() + family.export.len();
    targets + family.routes.len() > 0 || redistribute.connected || redistribute.statics
}

/// Returns the names of a VRF's interfaces, in the order of the input.
fn interfaces(network: &Network, id: VrfId) -> impl Iterator<Item = &str> {
    network.interfaces().iter().filter(move |interface| interface.vrf == id).map(|interface| interface.name.as_str())
}

fn protocols(vrf: &Vrf) -> &'static str {
    match (is_active::<u32>(vrf), is_active::<u128>(vrf)) {
        (true, true) => "ipv4,ipv6",
        (true, false) => "ipv4",
        (false, true) => "ipv6",
        (false, false) => "",
    }
}

fn rd(vrf: &Vrf) -> String {
    vrf.configured_rd().map_or_else(|| "<not set>".to_owned(), |rd| rd.to_string())
}

/// Writes the table of `show vrf`.
fn brief(out: &mut impl Write, network: &Network, scope: &RouterScope) -> Result<(), Failure> {
    writeln!(out, "  Name                             Default RD            Protocols   Interfaces")?;
    for &id in &scope.vrfs {
        let vrf = network.vrf(id);
        let mut line = String::from("  ");
        for (column, text) in [(0, vrf.name.clone()), (RD, rd(vrf)), (PROTOCOLS, protocols(vrf).to_owned())] {
            pad(&mut line, column);
            line.push_str(&text);
        }
        let mut interfaces = interfaces(network, id).map(short_interface_name).peekable();
        while let Some(interface) = interfaces.next() {
            pad(&mut line, INTERFACES);
            line.push_str(&interface);
            if interfaces.peek().is_some() {
                line.push('\n');
            }
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Fills the last line of `text` up to `column`; goes on below where it is longer already.
fn pad(text: &mut String, column: usize) {
    let width = |text: &str| text.rsplit('\n').next().unwrap_or("").chars().count();
    if column > 0 && width(text) >= column {
        text.push('\n');
    }
    for _ in width(text)..column {
        text.push(' ');
    }
}

/// Writes what each VRF imports and exports, which routers show in the details only.
fn targets(out: &mut impl Write, network: &Network, scope: &RouterScope) -> Result<(), Failure> {
    writeln!(out, "  Name                             Family  Import targets            Export targets")?;
    for &id in &scope.vrfs {
        let vrf = network.vrf(id);
        if is_active::<u32>(vrf) {
            family_targets::<u32>(out, vrf)?;
        }
        if is_active::<u128>(vrf) {
            family_targets::<u128>(out, vrf)?;
        }
    }
    Ok(())
}

fn family_targets<A: Address>(out: &mut impl Write, vrf: &Vrf) -> Result<(), Failure> {
    let family = vrf.family::<A>();
    let [import, export] = [&family.import, &family.export].map(|targets| configured(targets).collect::<Vec<_>>());
    let rows = import.len().max(export.len()).max(1);
    let text =
        |targets: &[RouteTarget], row: usize| targets.get(row).map_or(String::new(), |target| format!("RT:{target}"));
    for row in 0..rows {
        let name = if row == 0 { vrf.name.as_str() } else { "" };
        let label = if row == 0 { A::FAMILY.to_string() } else { String::new() };
        let line = format!("  {name:<32} {label:<7} {:<25} {}", text(&import, row), text(&export, row));
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Writes what `show vrf detail` says, as far as the model has it.
fn detail(
    out: &mut impl Write,
    network: &Network,
    provenance: &Provenance,
    scope: &RouterScope,
) -> Result<(), Failure> {
    for (index, &id) in scope.vrfs.iter().enumerate() {
        let vrf = network.vrf(id);
        if index > 0 {
            writeln!(out)?;
        }
        writeln!(out, "VRF {} (VRF Id = {}); default RD {}; default VPNID <not set>", vrf.name, index + 1, rd(vrf))?;
        if !vrf.up {
            writeln!(out, "  VRF is down")?;
        }
        let names: Vec<String> = interfaces(network, id).map(short_interface_name).collect();
        if names.is_empty() {
            writeln!(out, "  No interfaces")?;
        } else {
            writeln!(out, "  Interfaces:")?;
            columns(out, &names)?;
        }
        family_detail::<u32>(out, network, provenance, id)?;
        family_detail::<u128>(out, network, provenance, id)?;
    }
    Ok(())
}

fn family_detail<A: Address>(
    out: &mut impl Write,
    network: &Network,
    provenance: &Provenance,
    id: VrfId,
) -> Result<(), Failure> {
    let vrf = network.vrf(id);
    if !is_active::<A>(vrf) {
        writeln!(out, "Address family {} unicast not active", A::FAMILY)?;
        return Ok(());
    }
    let family = vrf.family::<A>();
    writeln!(out, "Address family {} unicast:", A::FAMILY)?;
    for (word, targets) in [("Export", &family.export), ("Import", &family.import)] {
        let texts: Vec<String> = configured(targets).map(|target| format!("RT:{target}")).collect();
        if texts.is_empty() {
            writeln!(out, "  No {word} VPN route-target communities")?;
        } else {
            writeln!(out, "  {word} VPN route-target communities")?;
            columns(out, &texts)?;
        }
    }
    // As the configuration names them: what sessions and default tables ask of a route besides is no map of its own.
    let origin = provenance.vrf(id).map(|origin| origin.family(A::FAMILY));
    let named = |place: Option<Place>| provenance.sources().get(place?.source())?.text().get(place?.span());
    let default = |targets: &[(RouteTarget, Place)]| {
        named(targets.iter().find(|(target, _)| target.is_of_default_table()).map(|&(_, place)| place))
    };
    let [import, export] = ["import", "export"].map(|word| match (origin, word) {
        (Some(origin), "import") => (word, named(origin.import_map), default(&origin.import)),
        (Some(origin), _) => (word, named(origin.export_map), default(&origin.export)),
        (None, _) => (word, None, None),
    });
    for (word, map, default) in [import, export] {
        let capital = format!("{}{}", word[..1].to_uppercase(), &word[1..]);
        match map {
            Some(name) => writeln!(out, "  {capital} route-map: {name}")?,
            None => writeln!(out, "  No {word} route-map")?,
        }
        if let Some(name) = default {
            writeln!(out, "  {capital} route-map for {} unicast: {name}", A::FAMILY)?;
        }
    }
    writeln!(out, "  VRF label allocation mode: per-vrf")?;
    Ok(())
}

/// Returns the targets that the configuration has; what stands for default tables is left out (SEMANTICS I8).
fn configured(targets: &[RouteTarget]) -> impl Iterator<Item = RouteTarget> + '_ {
    targets.iter().copied().filter(|target| !target.is_of_default_table())
}

/// Writes texts three a line, as the routers list targets and interfaces.
fn columns(out: &mut impl Write, texts: &[String]) -> Result<(), Failure> {
    for row in texts.chunks(3) {
        let line: String = row.iter().map(|text| format!("{text:<25}")).collect();
        writeln!(out, "    {}", line.trim_end())?;
    }
    Ok(())
}

fn row(network: &Network, id: VrfId) -> VrfRow<'_> {
    let vrf = network.vrf(id);
    VrfRow {
        router: &network.router(vrf.router).name,
        vrf: &vrf.name,
        rd: vrf.configured_rd().map(|rd| rd.to_string()),
        up: vrf.up,
        interfaces: interfaces(network, id).collect(),
        ipv4: family_row::<u32>(vrf),
        ipv6: family_row::<u128>(vrf),
    }
}

fn family_row<A: Address>(vrf: &Vrf) -> FamilyRow {
    let family = vrf.family::<A>();
    let texts = |targets: &[RouteTarget]| configured(targets).map(|target| target.to_string()).collect();
    FamilyRow {
        active: is_active::<A>(vrf),
        import: texts(&family.import),
        export: texts(&family.export),
        redistribute_connected: family.redistribute.connected,
        redistribute_static: family.redistribute.statics,
        routes: family.routes.len(),
    }
}

/// Returns the families that are in use in a network, or the one that was asked for.
pub(crate) fn families(network: &Network, asked: Option<Family>) -> Vec<Family> {
    if let Some(family) = asked {
        return vec![family];
    }
    let has = |family| match family {
        Family::Ipv4 => network.source_routes::<u32>() > 0,
        Family::Ipv6 => network.source_routes::<u128>() > 0,
    };
    let used: Vec<Family> = Family::ALL.into_iter().filter(|&family| has(family)).collect();
    if used.is_empty() { vec![Family::Ipv4] } else { used }
}

//! Adds what feeds and files of CE routes tell to the network of a command.

use std::fmt::Write as _;

use vrfleak_bench_data::{Diagnostics, Place, Provenance, SourceText};
use vrfleak_engine::{Network, VrfId};
use vrfleak_feeds::{Added, CeRoutes, Feed};

use crate::args::{CeRoutesArg, FeedArgs};
use crate::failure::{Failure, colour};
use crate::scope::vrf_name;

/// How many next hops a note lists.
const LISTED: usize = 8;
/// The most bytes of a list that is kept to find lines in.
const LIST_BYTES: usize = 256 << 20;

/// Returns the network with everything that `args` name, and what there is to say about it.
pub(crate) fn add(network: Network, args: &FeedArgs, verbose: bool) -> Result<(Network, String), Failure> {
    if args.is_empty() {
        return Ok((network, String::new()));
    }
    let mut warnings = Diagnostics::default();
    let mut feeds = Vec::new();
    for path in &args.feeds {
        let (feed, found) = Feed::read(path)?;
        warnings.append(found);
        feeds.push(feed);
    }
    let mut ce_routes = Vec::new();
    for arg in &args.ce_routes {
        ce_routes.push((vrf(&network, arg)?, CeRoutes::read(&arg.path)?));
    }
    let left_out: usize = ce_routes.iter().map(|(_, routes)| routes.left_out()).sum();
    let (network, added) = vrfleak_feeds::add(network, &feeds, &ce_routes)
        .map_err(|errors| Failure::request(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
    let mut text = if warnings.is_empty() { String::new() } else { warnings.render(colour()) };
    text.push_str(&notes(&network, &added, left_out));
    if verbose {
        for feed in &feeds {
            let (name, counts) = (feed.name(), feed.counts());
            let routes = feed.vpn_routes::<u32>().len() + feed.vpn_routes::<u128>().len();
            let sites = feed.site_routes::<u32>().len() + feed.site_routes::<u128>().len();
            let _ = writeln!(
                text,
                "note: {name}: {routes} VPN routes and {sites} of CEs at the end; {} BMP messages, {} announcements, {} \
                 withdrawals, {} peers down, {} routes of other families",
                counts.messages, counts.announced, counts.withdrawn, counts.peers_down, counts.others,
            );
        }
        let Added { routers, vpn_routes, ce_routes, .. } = added;
        let _ = writeln!(
            text,
            "note: added {vpn_routes} VPN routes of {routers} routers outside the model and {ce_routes} CE routes"
        );
    }
    Ok((network, text))
}

/// Keeps the texts that list routes of CEs, so that each route's line is found. Those that are no text, or too long, are
/// left to whoever reads their routes.
pub(crate) fn remember_lists(network: &Network, args: &FeedArgs, provenance: &mut Provenance) -> Result<(), Failure> {
    for arg in &args.ce_routes {
        // A pipe gives what it has once.
        if !arg.path.is_file() {
            continue;
        }
        let Ok(text) = SourceText::read(&arg.path, LIST_BYTES) else { continue };
        let place = Place::new(provenance.sources.len() as u32, 0..text.text().len());
        if let Some(origin) = provenance.vrfs.get_mut(vrf(network, arg)?.index()) {
            origin.lists.push(place);
            provenance.sources.push(text);
        }
    }
    Ok(())
}

/// Returns what was left out, a line each.
fn notes(network: &Network, added: &Added, left_out: usize) -> String {
    let mut text = String::new();
    for (count, what) in [
        (
            added.of_modelled_routers,
            "VPN routes of feeds left out: their routers are in the model, which makes them itself",
        ),
        (left_out, "paths of VRFs left out: they are the VRF's own or leaked, which the model makes itself"),
        (added.without_next_hop, "CE routes left out: no next hop beside them, and no interface in their VRF"),
    ] {
        if count > 0 {
            let _ = writeln!(text, "note: {count} {what}");
        }
    }
    if !added.unresolved.is_empty() {
        let name = |&(vrf, address): &(VrfId, _)| format!("{address} in {}", vrf_name(network, vrf));
        let mut names = added.unresolved.iter().take(LISTED).map(name).collect::<Vec<_>>().join(", ");
        if added.unresolved.len() > LISTED {
            let _ = write!(names, " and {} more", added.unresolved.len() - LISTED);
        }
        let _ = writeln!(text, "note: next hops of CE routes that lead nowhere: {names}");
    }
    text
}

/// Returns the VRF that is meant by `VRF` or `ROUTER:VRF`.
fn vrf(network: &Network, arg: &CeRoutesArg) -> Result<VrfId, Failure> {
    let name = &arg.vrf;
    let mut found: Vec<VrfId> = network.vrfs_named(name).collect();
    if let (true, Some((router, vrf))) = (found.is_empty(), name.split_once(':')) {
        found = network.vrfs_named(vrf).filter(|&id| network.router_of(id).name == router).collect();
    }
    match found[..] {
        [vrf] => Ok(vrf),
        [] => Err(Failure::request(format!("there is no VRF `{name}` to add CE routes to"))),
        _ => Err(Failure::request(format!("VRF `{name}` is on {} routers", found.len()))
            .hint(format!("choose one with --ce-routes ROUTER:{name}=FILE"))),
    }
}

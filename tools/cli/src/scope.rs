//! Which routers and VRFs a command is about: names that were typed become ids, or an error that names the choice.

use vrfleak_engine::{Network, RouterId, VrfId};

use crate::args::ScopeArgs;
use crate::failure::Failure;

/// How many names an error lists.
const LISTED: usize = 8;

/// A router and those of its VRFs that are meant, by name as the routers list them.
#[derive(Clone, Debug)]
pub(crate) struct RouterScope {
    pub(crate) router: RouterId,
    pub(crate) vrfs: Vec<VrfId>,
}

/// Returns the routers that are meant, in the order of the network, each with at least one VRF unless it has none at all.
pub(crate) fn routers(network: &Network, args: &ScopeArgs) -> Result<Vec<RouterScope>, Failure> {
    let only = args.router.as_deref().map(|name| router(network, name)).transpose()?;
    let mut scopes: Vec<RouterScope> = (0..network.routers().len())
        .map(|index| RouterScope { router: RouterId::from_index(index), vrfs: Vec::new() })
        .collect();
    for id in network.vrf_ids() {
        let vrf = network.vrf(id);
        if args.vrf.as_deref().is_none_or(|name| name == vrf.name) {
            scopes[vrf.router.index()].vrfs.push(id);
        }
    }
    // Of a router outside the model there is nothing to show unless it is asked for.
    scopes.retain(|scope| only.map_or(!network.router(scope.router).outside, |only| only == scope.router));
    if let Some(name) = &args.vrf {
        scopes.retain(|scope| !scope.vrfs.is_empty());
        if scopes.is_empty() {
            return Err(unknown_vrf(network, name, only));
        }
    }
    for scope in &mut scopes {
        scope.vrfs.sort_by(|&a, &b| network.vrf(a).name.cmp(&network.vrf(b).name));
    }
    Ok(scopes)
}

/// Returns the one VRF that is meant.
pub(crate) fn vrf(network: &Network, name: &str, router_name: Option<&str>) -> Result<VrfId, Failure> {
    let only = router_name.map(|name| router(network, name)).transpose()?;
    let found: Vec<VrfId> =
        network.vrfs_named(name).filter(|&id| only.is_none_or(|only| network.vrf(id).router == only)).collect();
    match found[..] {
        [] => Err(unknown_vrf(network, name, only)),
        [vrf] => Ok(vrf),
        _ => {
            let routers = listed(found.iter().map(|&id| network.router_of(id).name.as_str()));
            Err(Failure::request(format!("VRF `{name}` is on {} routers: {routers}", found.len()))
                .hint("choose one with --router"))
        }
    }
}

fn router(network: &Network, name: &str) -> Result<RouterId, Failure> {
    let position = network.routers().iter().position(|router| router.name == name);
    position.map(RouterId::from_index).ok_or_else(|| {
        let names = listed(network.routers().iter().map(|router| router.name.as_str()));
        Failure::request(format!("there is no router `{name}`, expected {names}"))
    })
}

fn unknown_vrf(network: &Network, name: &str, on: Option<RouterId>) -> Failure {
    let mut names: Vec<&str> =
        network.vrfs().iter().filter(|vrf| on.is_none_or(|on| vrf.router == on)).map(|vrf| vrf.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let place = on.map_or(String::new(), |on| format!(" on router `{}`", network.router(on).name));
    if names.is_empty() {
        return Failure::request(format!("there is no VRF `{name}`{place}, nor any other"));
    }
    Failure::request(format!("there is no VRF `{name}`{place}, expected {}", listed(names.into_iter())))
}

/// Returns the first few names in backticks, and how many more there are.
fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = names.len().saturating_sub(LISTED);
    let mut text = names.take(LISTED).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text.push_str(&format!(" or one of {more} more"));
    }
    text
}

/// Returns how a VRF is called where several routers may have it: `VRF`, or `ROUTER/VRF` if there are several.
pub(crate) fn vrf_name(network: &Network, id: VrfId) -> String {
    let vrf = network.vrf(id);
    if network.routers().len() > 1 {
        format!("{}/{}", network.router(vrf.router).name, vrf.name)
    } else {
        vrf.name.clone()
    }
}

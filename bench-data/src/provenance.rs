//! [`Provenance`]: where the parts of a network stand in the texts that it was read from.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use vrfleak_engine::{Family, InterfaceId, PolicyId, RouteTarget, RouterId, VrfId};

use crate::place::Place;
use crate::source_text::SourceText;

/// Where the parts of a network stand in the configurations or the scenario that it was read from.
///
/// Holds the texts: that is what a line and a column are found in. Whoever reads a network fills the lists in the order
/// of its ids. What joins a network later, from a feed or a file of CE routes, stands in none of these texts: the
/// methods return `None` for it.
#[derive(Clone, Debug, Default)]
pub struct Provenance {
    /// The texts, in the order that [`Place::source`] counts.
    pub sources: Vec<SourceText>,
    /// Where the name of each router is set, by [`RouterId`].
    pub routers: Vec<Place>,
    /// Where the parts of each VRF stand, by [`VrfId`].
    pub vrfs: Vec<VrfOrigin>,
    /// Where each interface is configured, by [`InterfaceId`].
    pub interfaces: Vec<Place>,
    /// Where each policy is defined, or where it is named if it is not defined, by [`PolicyId`].
    pub policies: Vec<Place>,
    /// Where the clauses of policies stand, by [`Clause::source`](vrfleak_engine::policy::Clause::source).
    pub clauses: Vec<Place>,
}

impl Provenance {
    /// Returns the texts, in the order that [`Place::source`] counts.
    pub fn sources(&self) -> &[SourceText] {
        &self.sources
    }

    /// Returns where the name of a router is set.
    pub fn router(&self, id: RouterId) -> Option<Place> {
        self.routers.get(id.index()).copied()
    }

    /// Returns where the parts of a VRF stand.
    pub fn vrf(&self, id: VrfId) -> Option<&VrfOrigin> {
        self.vrfs.get(id.index())
    }

    /// Returns where an interface is configured.
    pub fn interface(&self, id: InterfaceId) -> Option<Place> {
        self.interfaces.get(id.index()).copied()
    }

    /// Returns where a policy is defined, or where it is named if it is not defined.
    pub fn policy(&self, id: PolicyId) -> Option<Place> {
        self.policies.get(id.index()).copied()
    }

    /// Returns where a clause stands, by its [`Clause::source`](vrfleak_engine::policy::Clause::source).
    pub fn clause(&self, source: u32) -> Option<Place> {
        self.clauses.get(source as usize).copied()
    }

    /// Returns where a route that `vrf` has from a CE comes from: the line that the CE's own configuration or a list has
    /// for it, or else the neighbour or the group that brings it.
    ///
    /// A list is searched for the prefix as it is printed; O(length of the list).
    pub fn ce_route(&self, vrf: VrfId, prefix: IpNet, gateway: Option<IpAddr>) -> Option<Place> {
        let origin = self.vrf(vrf)?;
        let family = origin.family(if prefix.addr().is_ipv4() { Family::Ipv4 } else { Family::Ipv6 });
        let grouped = || {
            let groups = origin.neighbors.iter().filter(|(address, _)| address.is_none() || *address == gateway);
            groups.clone().find_map(|&(_, place)| self.quoted(place, prefix)).or(groups.map(|&(_, place)| place).next())
        };
        let listed =
            || origin.lists.iter().find_map(|&place| self.line_of(place, prefix).or(self.quoted(place, prefix)));
        RouteOrigin::find(&family.ce_routes, prefix, gateway).or_else(listed).or_else(grouped)
    }

    /// Returns where `prefix` stands in quotes within `place`.
    fn quoted(&self, place: Place, prefix: IpNet) -> Option<Place> {
        let text = self.sources.get(place.source())?.text().get(place.span())?;
        let quoted = format!("\"{prefix}\"");
        let at = place.span().start + text.find(&quoted)?;
        Some(Place::new(place.source, at..at + quoted.len()))
    }

    /// Returns where `prefix` stands at the start of a line within `place`.
    fn line_of(&self, place: Place, prefix: IpNet) -> Option<Place> {
        let text = self.sources.get(place.source())?.text().get(place.span())?;
        let prefix = prefix.to_string();
        let mut ends = text.match_indices(&prefix).filter(|&(at, _)| {
            let ended = text.as_bytes().get(at + prefix.len()).is_none_or(u8::is_ascii_whitespace);
            ended && (at == 0 || text.as_bytes()[at - 1] == b'\n')
        });
        let at = place.span().start + ends.next()?.0;
        Some(Place::new(place.source, at..at + prefix.len()))
    }

    /// Returns the file, line and column of a place. Costs a scan of up to 64 KiB, once a text one of all its bytes.
    ///
    /// # Panics
    ///
    /// If the place is not one of these texts.
    pub fn resolve(&self, place: Place) -> FileLine<'_> {
        let source = &self.sources[place.source()];
        let at = source.locate(place.span());
        FileLine { file: source.name(), line: at.line(), column: at.column() }
    }
}

/// A file, a line and a column, written `FILE:LINE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileLine<'a> {
    /// The name of the file.
    pub file: &'a str,
    /// The line, from 1 on.
    pub line: usize,
    /// The column in characters, from 1 on.
    pub column: usize,
}

impl fmt::Display for FileLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Where the parts of a VRF stand.
#[derive(Clone, Debug)]
pub struct VrfOrigin {
    /// Where it is defined.
    pub definition: Place,
    /// Where its RD stands. A VRF that has an RD and no place for it has one that no text names.
    pub rd: Option<Place>,
    /// The neighbours and groups of routes that bring routes of CEs, by the address that is their next hop; `None` where
    /// the routes name it themselves.
    pub neighbors: Vec<(Option<IpAddr>, Place)>,
    /// Texts of their own that list routes of CEs: prefixes at the start of lines, or in quotes.
    pub lists: Vec<Place>,
    /// What each family has, IPv4 first.
    pub families: [FamilyOrigin; 2],
}

impl VrfOrigin {
    /// Returns what stands where in `family`.
    pub fn family(&self, family: Family) -> &FamilyOrigin {
        &self.families[family as usize]
    }
}

/// Where a route stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteOrigin {
    /// Its prefix.
    pub prefix: IpNet,
    /// The address of its next hop, if it has one.
    pub gateway: Option<IpAddr>,
    /// Where it stands.
    pub place: Place,
}

impl RouteOrigin {
    /// Returns where the route to `prefix` through `gateway` stands among `routes`; the first to the prefix if none has
    /// that gateway.
    pub fn find(routes: &[Self], prefix: IpNet, gateway: Option<IpAddr>) -> Option<Place> {
        let of_prefix = || routes.iter().filter(|route| route.prefix == prefix);
        let exact = of_prefix().find(|route| route.gateway == gateway);
        exact.or_else(|| of_prefix().next()).map(|route| route.place)
    }
}

/// Where the parts of one address family of a VRF stand.
#[derive(Clone, Debug, Default)]
pub struct FamilyOrigin {
    /// Whether the family is enabled in the VRF's definition.
    pub enabled: bool,
    /// Whether BGP carries the family of this VRF. Without it nothing is imported or exported, whatever the targets.
    pub in_bgp: bool,
    /// The import targets as configured, those without effect included, each with its place.
    pub import: Vec<(RouteTarget, Place)>,
    /// The export targets as configured.
    pub export: Vec<(RouteTarget, Place)>,
    /// Where the import map is named.
    pub import_map: Option<Place>,
    /// Where the export map is named.
    pub export_map: Option<Place>,
    /// Where connected routes are put into BGP.
    pub connected: Option<Place>,
    /// Where static routes are put into BGP.
    pub statics: Option<Place>,
    /// The prefixes that are put into BGP one by one (`network`), each with its place.
    pub networks: Vec<(IpNet, Place)>,
    /// Where the number of routes is limited.
    pub maximum_routes: Option<Place>,
    /// The static routes, in the order of the text.
    pub static_routes: Vec<RouteOrigin>,
    /// Routes of CEs whose own configuration has them, in the order of neighbours and prefixes.
    pub ce_routes: Vec<RouteOrigin>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(start: usize) -> Place {
        Place::new(0, start..start + 1)
    }

    #[test]
    fn what_joined_later_stands_nowhere() {
        let provenance = Provenance::default();
        assert_eq!(provenance.router(RouterId::from_index(3)), None);
        assert!(provenance.vrf(VrfId::from_index(3)).is_none());
        assert_eq!(provenance.interface(InterfaceId::from_index(3)), None);
        assert_eq!(provenance.policy(PolicyId(3)), None);
        assert_eq!(provenance.clause(3), None);
    }

    #[test]
    fn a_route_is_found_by_its_gateway_first() {
        let prefix: IpNet = "10.0.0.0/8".parse().expect("a prefix");
        let [first, second] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse::<IpAddr>().ok());
        let route = |gateway, start| RouteOrigin { prefix, gateway, place: place(start) };
        let routes = [route(first, 1), route(second, 2)];
        assert_eq!(RouteOrigin::find(&routes, prefix, second), Some(place(2)));
        assert_eq!(RouteOrigin::find(&routes, prefix, None), Some(place(1)));
        assert_eq!(RouteOrigin::find(&routes, "10.0.0.0/9".parse().expect("a prefix"), first), None);
    }
}

//! [`Places`]: where everything that an answer speaks of is written.

use serde::Serialize;
use vrfleak_bench_data::{FamilyOrigin, Place, Provenance, RouteOrigin};
use vrfleak_engine::policy::ClauseId;
use vrfleak_engine::{Address, Network, NextHopKind, Outcome, Prefix, Protocol, Reason, RouteKey, RouteTarget, VrfId};

/// A place in JSON, null where what is spoken of stands in no file.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct PlaceRow<'a> {
    pub(super) file: Option<&'a str>,
    pub(super) line: Option<usize>,
}

/// Which list of a VRF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Import,
    Export,
}

/// Finds places in the texts that a network was read from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places<'a> {
    pub(super) network: &'a Network,
    pub(super) provenance: &'a Provenance,
}

impl<'a> Places<'a> {
    /// Returns ` (FILE:LINE)`, or nothing where there is no place.
    pub(super) fn beside(self, place: Option<Place>) -> String {
        place.map_or(String::new(), |place| format!(" ({})", self.provenance.resolve(place)))
    }

    pub(super) fn row(self, place: Option<Place>) -> PlaceRow<'a> {
        let at = place.map(|place| self.provenance.resolve(place));
        PlaceRow { file: at.map(|at| at.file), line: at.map(|at| at.line) }
    }

    fn family<A: Address>(self, vrf: VrfId) -> Option<&'a FamilyOrigin> {
        Some(self.provenance.vrf(vrf)?.family(A::FAMILY))
    }

    pub(super) fn definition(self, vrf: VrfId) -> Option<Place> {
        self.provenance.vrf(vrf).map(|origin| origin.definition)
    }

    pub(super) fn rd(self, vrf: VrfId) -> Option<Place> {
        self.provenance.vrf(vrf)?.rd
    }

    /// Returns where a route of a VRF's own is written: its interface, the static route, or what brings it from a CE.
    pub(super) fn route<A: Address>(self, prefix: Prefix<A>, key: RouteKey) -> Option<Place> {
        let kind = self.network.next_hop(key.next_hop).kind;
        match key.protocol {
            Protocol::Connected | Protocol::Local => self.provenance.interface(kind.interface()?),
            Protocol::Static => {
                RouteOrigin::find(&self.family::<A>(key.origin)?.static_routes, prefix.to_net(), kind.address())
            }
            // It was exported again: the VRF itself is its next hop.
            Protocol::Bgp if kind == (NextHopKind::Vrf { vrf: key.origin }) => None,
            Protocol::Bgp => self.provenance.ce_route(key.origin, prefix.to_net(), kind.address()),
        }
    }

    /// Returns what puts a route of a VRF's own into BGP, as the configuration calls it, and where that is said.
    pub(super) fn redistributed<A: Address>(self, prefix: Prefix<A>, key: RouteKey) -> Option<(&'static str, Place)> {
        let origin = self.family::<A>(key.origin)?;
        let listed = || origin.networks.iter().find(|(network, _)| *network == prefix.to_net());
        let network = || listed().map(|&(_, place)| ("network", place));
        match key.protocol {
            Protocol::Connected => network().or(origin.connected.map(|place| ("redistribute connected", place))),
            Protocol::Static => network().or(origin.statics.map(|place| ("redistribute static", place))),
            Protocol::Local | Protocol::Bgp => None,
        }
    }

    /// Returns where a VRF names a target.
    pub(super) fn target<A: Address>(self, vrf: VrfId, side: Side, target: RouteTarget) -> Option<Place> {
        let origin = self.family::<A>(vrf)?;
        let list = if side == Side::Import { &origin.import } else { &origin.export };
        list.iter().find(|(named, _)| *named == target).map(|&(_, place)| place)
    }

    /// Returns where a VRF names its map.
    pub(super) fn map<A: Address>(self, vrf: VrfId, side: Side) -> Option<Place> {
        let origin = self.family::<A>(vrf)?;
        if side == Side::Import { origin.import_map } else { origin.export_map }
    }

    pub(super) fn clause(self, id: ClauseId) -> Option<Place> {
        let clause = self.network.policies().get(id.policy).clauses.get(id.clause as usize)?;
        self.provenance.clause(clause.source)
    }

    /// Returns the one place that an outcome is decided at, as `vrf` sees it.
    pub(super) fn deciding<A: Address>(self, vrf: VrfId, prefix: Prefix<A>, outcome: &Outcome) -> Option<Place> {
        let key = outcome.route;
        match outcome.reason {
            Reason::NotRedistributed | Reason::NoTarget | Reason::NoRd => self.definition(key.origin),
            Reason::Imported { via } => self.definition(via),
            Reason::ExportMapDenied { clause } => {
                clause.and_then(|id| self.clause(id)).or_else(|| self.map::<A>(key.origin, Side::Export))
            }
            Reason::ImportMapDenied { clause } => {
                clause.and_then(|id| self.clause(id)).or_else(|| self.map::<A>(vrf, Side::Import))
            }
            Reason::OtherExported { winner } | Reason::NotBest { winner, .. } => self.route(prefix, winner),
            Reason::NoCommonTarget => {
                let first = self.family::<A>(vrf)?.import.first();
                first.map(|&(_, place)| place).or_else(|| self.definition(vrf))
            }
            Reason::OverLimit { .. } => self.family::<A>(vrf)?.maximum_routes.or_else(|| self.definition(vrf)),
            Reason::LostNlri { .. } => self.rd(key.origin).or_else(|| self.definition(key.origin)),
            Reason::VrfDown { vrf } => self.definition(vrf),
            Reason::OwnOrigin | Reason::AsLoop => self.definition(vrf),
            _ => self.route(prefix, key),
        }
    }
}

//! Routers, and the VRFs on them.

use std::net::Ipv4Addr;

use ahash::AHashMap;
use vrfleak_engine::{Dialect, Rd, Redistribute, RouteTarget, RouterId, VrfId};

use super::TARGET_LIMIT;
use super::build::{Build, Span, place};
use super::document::{DialectName, FamilyTable, Item, Key, Redistributed, RouterTable, VrfTable};
use crate::place::Place;
use crate::provenance::{FamilyOrigin, VrfOrigin};

impl Build<'_> {
    pub(super) fn router(&mut self, table: &RouterTable) {
        let id = table.router_id.value().zip(table.router_id.span());
        let router_id = id.and_then(|(text, span)| self.parsed(text, span, "expected the form of an IPv4 address"));
        let loopback = self.address(&table.loopback);
        let Some(name) = table.name.value() else { return };
        let dialect = match table.dialect.value() {
            None | Some(DialectName::Native) => Dialect::NATIVE,
            Some(DialectName::Ios) => Dialect::IOS,
            Some(DialectName::Xr) => Dialect::XR,
            Some(DialectName::Frr) => Dialect::FRR,
            Some(DialectName::Junos) => Dialect::JUNOS,
        };
        if self.routers.contains_key(name) {
            self.error(table.name.span(), format!("router `{name}` is defined twice"), "expected another name");
            return;
        }
        let asn = table.asn.value().copied().unwrap_or_default();
        let id = self.builder.router(name, asn, router_id.unwrap_or(Ipv4Addr::UNSPECIFIED), dialect);
        if let Some(loopback) = loopback {
            self.builder.router_mut(id).loopback = loopback;
        }
        self.provenance.routers.push(place(table.name.span()));
        self.routers.insert(name.clone(), id);
    }

    pub(super) fn router_named(&mut self, name: &str, span: Option<Span>) -> Option<RouterId> {
        let found = self.routers.get(name).copied();
        if found.is_none() {
            self.unknown("router", name, span, |build| build.routers.keys().cloned().collect());
        }
        found
    }

    /// Adds the VRF on each of its routers.
    pub(super) fn vrf(&mut self, table: &VrfTable, rds: &mut AHashMap<(RouterId, Rd), String>) -> Vec<VrfId> {
        let mut homes = Vec::new();
        if let Some(name) = table.router.value() {
            homes.extend(self.router_named(name, table.router.span()));
        }
        for Item(name) in table.routers.value().into_iter().flatten() {
            let home = self.router_named(name.get_ref(), Some(name.span()));
            if home.is_some_and(|home| homes.contains(&home)) {
                let message = format!("router `{}` is named twice", name.get_ref());
                self.error(Some(name.span()), message, "expected another router");
            } else {
                homes.extend(home);
            }
        }
        let import = self.targets(&table.import);
        let export = self.targets(&table.export);
        let origins = [&table.ipv4, &table.ipv6].map(|family| family_origin(table, family));
        let redistribute = redistribute(&table.redistribute).unwrap_or_default();
        let families = [&table.ipv4, &table.ipv6].map(|family| self.family(family));
        let auto = table.rd.value().is_some_and(|rd| rd == "auto");
        let rd = match (table.rd.value(), table.rd.span()) {
            (Some(text), Some(span)) if !auto => {
                self.parsed::<Rd>(text, span, "expected AS:NUMBER, IPV4:NUMBER or auto")
            }
            _ => None,
        };
        let Some(name) = table.name.value() else { return Vec::new() };
        if table.router.value().is_none() && table.routers.value().is_none_or(Vec::is_empty) && !self.lenient {
            let message = format!("VRF `{name}` is on no router");
            self.error(table.name.span(), message, "expected `router = ...` or `routers = [...]` as well");
        }
        let listed: usize = origins.iter().map(|family| family.import.len() + family.export.len()).sum();
        self.targets = self.targets.saturating_add(listed.saturating_mul(homes.len()));
        if self.targets > TARGET_LIMIT {
            let message = format!("{} route targets up to here, the limit is {TARGET_LIMIT}", self.targets);
            self.error(table.name.span(), message, "expected fewer targets or fewer routers");
            return Vec::new();
        }
        let mut ids = Vec::new();
        for home in homes {
            if self.vrfs.contains_key(&(home, name.clone())) {
                let router = self.builder.router_mut(home).name.clone();
                let message = format!("VRF `{name}` of router `{router}` is defined twice");
                self.error(table.name.span(), message, "expected another name");
                continue;
            }
            let router = self.builder.router_mut(home);
            let (router_id, shares_rd, router) = (router.router_id, router.dialect.shares_rd, router.name.clone());
            let number = self.vrfs_of.entry(home).or_default();
            *number += 1;
            let number = *number;
            let rd = if auto { Some(Rd::ipv4(router_id, u16::try_from(number).unwrap_or(u16::MAX))) } else { rd };
            if let Some(rd) = rd {
                let other = rds.insert((home, rd), name.clone());
                if let Some(other) = other.filter(|_| !shares_rd || (auto && number > usize::from(u16::MAX))) {
                    let message = format!("RD `{rd}` is already that of VRF `{other}` on router `{router}`");
                    self.error(table.rd.span(), message, "expected another RD");
                }
            }
            let id = self.builder.vrf(home, name, rd);
            let vrf = self.builder.vrf_mut(id);
            vrf.up = table.up.value().copied().unwrap_or(true);
            vrf.reexport_imported = table.reexport_imported.value().copied().unwrap_or(false);
            let [ipv4, ipv6] = families.clone();
            vrf.families.ipv4.import = ipv4.0.unwrap_or_else(|| import.clone());
            vrf.families.ipv4.export = ipv4.1.unwrap_or_else(|| export.clone());
            vrf.families.ipv4.redistribute = ipv4.2.unwrap_or(redistribute);
            vrf.families.ipv6.import = ipv6.0.unwrap_or_else(|| import.clone());
            vrf.families.ipv6.export = ipv6.1.unwrap_or_else(|| export.clone());
            vrf.families.ipv6.redistribute = ipv6.2.unwrap_or(redistribute);
            self.provenance.vrfs.push(VrfOrigin {
                definition: place(table.name.span()),
                rd: table.rd.span().map(|span| place(Some(span))),
                neighbors: Vec::new(),
                lists: Vec::new(),
                families: origins.clone(),
            });
            self.vrfs.insert((home, name.clone()), id);
            ids.push(id);
        }
        ids
    }

    pub(super) fn family(
        &mut self,
        table: &FamilyTable,
    ) -> (Option<Vec<RouteTarget>>, Option<Vec<RouteTarget>>, Option<Redistribute>) {
        let import = table.import.value().map(|_| self.targets(&table.import));
        let export = table.export.value().map(|_| self.targets(&table.export));
        (import, export, redistribute(&table.redistribute))
    }

    pub(super) fn targets(&mut self, key: &Key<Vec<Item<String>>>) -> Vec<RouteTarget> {
        let items = key.value().into_iter().flatten();
        items.filter_map(|Item(text)| self.parsed(text.get_ref(), text.span(), "expected a route target")).collect()
    }

    /// Returns those of `homes` that an entry is meant for: the ones on `router` where it names one.
    pub(super) fn on(&mut self, router: &Key<String>, homes: &[VrfId]) -> Vec<VrfId> {
        let Some(name) = router.value() else { return homes.to_vec() };
        let Some(id) = self.router_named(name, router.span()) else { return Vec::new() };
        let here: Vec<VrfId> = homes.iter().copied().filter(|&vrf| self.builder.vrf_mut(vrf).router == id).collect();
        if here.is_empty() && !self.lenient && !homes.is_empty() {
            let message = format!("the VRF is not on router `{name}`");
            self.error(router.span(), message, "expected one of the VRF's routers");
        }
        here
    }
}

/// Returns where the parts of one family stand: its own keys before those of the VRF.
fn family_origin(table: &VrfTable, family: &FamilyTable) -> FamilyOrigin {
    let redistributed = if family.redistribute.value().is_some() { &family.redistribute } else { &table.redistribute };
    let redistributed = |which: Redistributed| {
        let items = redistributed.value().into_iter().flatten();
        let found = items.filter(|Item(item)| *item.get_ref() == which).map(|Item(item)| item.span()).next();
        found.map(|span| place(Some(span)))
    };
    let own = |own: &Key<Vec<Item<String>>>, vrf: &Key<Vec<Item<String>>>| {
        placed(if own.value().is_some() { own } else { vrf })
    };
    FamilyOrigin {
        enabled: true,
        in_bgp: true,
        import: own(&family.import, &table.import),
        export: own(&family.export, &table.export),
        connected: redistributed(Redistributed::Connected),
        statics: redistributed(Redistributed::Static),
        ..FamilyOrigin::default()
    }
}

/// Returns the targets of a list that are right, each with its place.
fn placed(key: &Key<Vec<Item<String>>>) -> Vec<(RouteTarget, Place)> {
    let items = key.value().into_iter().flatten();
    items.filter_map(|Item(text)| Some((text.get_ref().parse().ok()?, place(Some(text.span()))))).collect()
}

fn redistribute(key: &Key<Vec<Item<Redistributed>>>) -> Option<Redistribute> {
    let has = |which: Redistributed| key.value().into_iter().flatten().any(|Item(item)| *item.get_ref() == which);
    key.value().map(|_| Redistribute { connected: has(Redistributed::Connected), statics: has(Redistributed::Static) })
}

//! Groups of CE routes: listed, generated, or from a file.

use std::net::IpAddr;
use std::sync::Arc;

use ahash::AHashMap;
use vrfleak_engine::{
    Address, Attributes, AttributesId, InterfaceId, Ipv4Prefix, Ipv6Prefix, NextHopId, NextHopKind, OriginCode, Prefix,
    Protocol, SourceRoute, VrfId,
};

use super::build::{AnyPrefix, Build, Gateways, Span, place};
use super::document::{GenerateTable, Item, Key, OriginName, RoutesTable};
use super::generate::{room, scatter};
use crate::diagnostic::Severity;
use crate::prefix_list::PrefixList;
use crate::random::Random;

impl Build<'_> {
    /// Adds a group of CE routes to each of `homes`.
    pub(super) fn routes(&mut self, Item(table): &Item<RoutesTable>, homes: &[VrfId], group: u64) {
        let head = self.source.first_line(table.span());
        let table = table.get_ref();
        let route_targets = table.route_targets.value().map(|_| self.targets(&table.route_targets).into());
        let default = Attributes::default();
        let attributes = Attributes {
            local_preference: table.local_preference.value().copied().unwrap_or(default.local_preference),
            as_path: table.as_path.value().cloned().unwrap_or_default().into(),
            origin: match table.origin.value() {
                Some(OriginName::Igp) => OriginCode::Igp,
                Some(OriginName::Egp) => OriginCode::Egp,
                Some(OriginName::Incomplete) | None => default.origin,
            },
            med: table.med.value().copied().unwrap_or_default(),
            weight: table.weight.value().copied().unwrap_or_default(),
            internal: table.internal.value().copied().unwrap_or_default(),
            route_targets,
            ..default
        };
        let attributes = self.builder.attributes(attributes);
        let next_hop = self.address(&table.next_hop);
        let homes = self.on(&table.router, homes);
        let source = self.group(table, group);
        let at = table.prefixes.span().or(table.file.span()).or(table.generate.span()).unwrap_or(head);
        let given = [table.prefixes.span(), table.file.span(), table.generate.span()];
        if given.iter().flatten().count() != 1 && !self.lenient {
            let message = "a group of routes comes from one source".to_owned();
            self.error(Some(at), message, "expected one of `prefixes`, `generate` and `file`");
            return;
        }
        let Some(source) = source else { return };
        self.routes = self.routes.saturating_add(source.len().saturating_mul(homes.len()));
        if self.routes > self.inputs.route_limit {
            let (routes, limit) = (self.routes, self.inputs.route_limit);
            self.error(Some(at), format!("{routes} routes up to here, the limit is {limit}"), "expected fewer routes");
            return;
        }
        if table.next_hop.span().is_some() && next_hop.is_none() {
            return;
        }
        for home in homes {
            let Ok(interface) = self.interface_of(&table.interface, home) else { continue };
            let next_hop_at = table.next_hop.span().unwrap_or_else(|| at.clone());
            self.provenance.vrfs[home.index()].neighbors.push((next_hop, place(Some(at.clone()))));
            let target = Target { vrf: home, attributes, next_hop, interface, at: at.clone(), next_hop_at };
            match &source {
                Group::Prefixes { ipv4, ipv6 } => {
                    self.group_routes(&target, ipv4.iter().map(|&prefix| (prefix, None)));
                    self.group_routes(&target, ipv6.iter().map(|&prefix| (prefix, None)));
                }
                Group::List(list) => {
                    let entry = list.entries::<u32>().iter();
                    self.group_routes(&target, entry.map(|entry| (entry.prefix, list.next_hop(entry))));
                    let entry = list.entries::<u128>().iter();
                    self.group_routes(&target, entry.map(|entry| (entry.prefix, list.next_hop(entry))));
                }
            }
        }
    }

    fn group(&mut self, table: &RoutesTable, group: u64) -> Option<Group> {
        if let Some(items) = table.prefixes.value() {
            let (mut ipv4, mut ipv6) = (Vec::new(), Vec::new());
            for Item(text) in items {
                match self.prefix(text.get_ref(), text.span()) {
                    Some(AnyPrefix::Ipv4(prefix)) => ipv4.push(prefix),
                    Some(AnyPrefix::Ipv6(prefix)) => ipv6.push(prefix),
                    None => {}
                }
            }
            return Some(Group::Prefixes { ipv4, ipv6 });
        }
        if let Some(table) = table.generate.value() {
            let base = table.base.value().zip(table.base.span()).and_then(|(text, span)| self.prefix(text, span))?;
            return match base {
                AnyPrefix::Ipv4(base) => {
                    Some(Group::Prefixes { ipv4: self.generate(table, base, 24, group)?, ipv6: Vec::new() })
                }
                AnyPrefix::Ipv6(base) => {
                    Some(Group::Prefixes { ipv4: Vec::new(), ipv6: self.generate(table, base, 48, group)? })
                }
            };
        }
        self.list(&table.file).map(Group::List)
    }

    fn generate<A: Address>(
        &mut self,
        table: &GenerateTable,
        base: Prefix<A>,
        usual: u8,
        group: u64,
    ) -> Option<Vec<Prefix<A>>> {
        let mut lengths = Vec::new();
        for Item(len) in table.lengths.value().into_iter().flatten() {
            if (base.len()..=A::BITS).contains(len.get_ref()) {
                lengths.push(*len.get_ref());
            } else {
                let message = format!("length {} is not that of a prefix inside `{base}`", len.get_ref());
                self.error(Some(len.span()), message, &format!("expected {} to {}", base.len(), A::BITS));
            }
        }
        if table.lengths.value().is_none() {
            lengths.push(usual.max(base.len()));
        }
        let count = *table.count.value()?;
        let room = room(base, &lengths);
        if u64::from(count) > room {
            let message = format!("`{base}` has no room for {count} prefixes of these lengths");
            self.error(table.count.span(), message, &format!("expected at most {room}"));
            return None;
        }
        if count as usize > self.inputs.route_limit {
            let message = format!("{count} routes, the limit is {}", self.inputs.route_limit);
            self.error(table.count.span(), message, "expected fewer routes");
            return None;
        }
        let seed = match table.seed.value() {
            Some(&seed) => u64::from(seed),
            None => Random::stream(self.seed, group).next_u64(),
        };
        Some(scatter(base, &lengths, count, seed))
    }

    /// Reads a prefix list, each file once.
    fn list(&mut self, key: &Key<String>) -> Option<Arc<PrefixList>> {
        let name = key.value()?;
        let path = match (name.strip_prefix('$'), &self.inputs.folder) {
            (Some(name), _) => {
                self.named.insert(name.to_owned());
                let path = self.inputs.files.get(name).cloned();
                if path.is_none() {
                    let source = self.source;
                    let span = key.span().unwrap_or_default();
                    self.diagnostics.push_with(Severity::Error, || {
                        source
                            .diagnostic(Severity::Error, span, format!("no path was given for `${name}`"))
                            .expected("expected a path from the command line")
                            .hint(format!("add `--file {name}=PATH`"))
                    });
                }
                path?
            }
            (None, Some(folder)) => folder.join(name),
            (None, None) => {
                self.error(key.span(), format!("file `{name}` may not be read from here"), "expected no file");
                return None;
            }
        };
        if let Some(list) = self.lists.get(&path) {
            return list.clone();
        }
        let list = match PrefixList::read(&path) {
            Ok(list) => Some(Arc::new(list)),
            Err(diagnostics) => {
                let count = diagnostics.errors();
                self.diagnostics.append(diagnostics);
                let message = format!("file `{name}` is not a prefix list: {count} errors in `{}`", path.display());
                self.error(key.span(), message, "expected a list of PREFIX or PREFIX NEXT_HOP lines");
                None
            }
        };
        self.lists.insert(path, list.clone());
        list
    }

    fn group_routes<A: Address>(
        &mut self,
        target: &Target,
        prefixes: impl Iterator<Item = (Prefix<A>, Option<IpAddr>)>,
    ) {
        let mut ids: AHashMap<Option<IpAddr>, NextHopId> = AHashMap::new();
        let mut bare = Vec::new();
        let mut last = None;
        for (prefix, own) in prefixes {
            let address = own.or(target.next_hop);
            let next_hop = match last {
                Some((of, id)) if of == address => id,
                _ => {
                    let kind = match (address, target.interface) {
                        (Some(address), interface) => NextHopKind::Gateway { address, interface },
                        (None, Some(interface)) => NextHopKind::Attached { interface },
                        (None, None) => {
                            let message = format!("route `{prefix}` has no next hop");
                            let expected = "expected `next_hop` or `interface` beside it";
                            self.error(Some(target.at.clone()), message, expected);
                            return;
                        }
                    };
                    *ids.entry(address).or_insert_with(|| {
                        let id = self.builder.next_hop(target.vrf, kind);
                        bare.extend(address.filter(|_| target.interface.is_none()).map(|address| (address, id)));
                        id
                    })
                }
            };
            last = Some((address, next_hop));
            let route = SourceRoute::new(prefix, Protocol::Bgp, target.attributes, next_hop);
            self.builder.route(target.vrf, route);
        }
        if !bare.is_empty() {
            self.gateways.push(Gateways { span: target.next_hop_at.clone(), vrf: target.vrf, next_hops: bare });
        }
    }
}

/// The prefixes of a group.
enum Group {
    Prefixes { ipv4: Vec<Ipv4Prefix>, ipv6: Vec<Ipv6Prefix> },
    List(Arc<PrefixList>),
}

impl Group {
    fn len(&self) -> usize {
        match self {
            Self::Prefixes { ipv4, ipv6 } => ipv4.len() + ipv6.len(),
            Self::List(list) => list.len(),
        }
    }
}

/// Where the routes of a group go.
struct Target {
    vrf: VrfId,
    attributes: AttributesId,
    next_hop: Option<IpAddr>,
    interface: Option<InterfaceId>,
    /// The key that names the routes.
    at: Span,
    /// The key that names the next hop, or the routes.
    next_hop_at: Span,
}

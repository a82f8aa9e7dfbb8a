//! Gives a checked document its meaning: names become ids, texts become prefixes, RDs and targets.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::net::IpAddr;
use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use ahash::AHashMap;
use ipnet::IpNet;
use vrfleak_engine::{
    Address, Attributes, AttributesId, Dialect, InterfaceId, Ipv4Prefix, Ipv6Prefix, Network, NetworkBuilder,
    NextHopId, NextHopKind, OriginCode, ParsePrefixError, Prefix, Protocol, Rd, Redistribute, RouteTarget, RouterId,
    SourceRoute, VrfId,
};

use super::Inputs;
use super::check::nearest;
use super::document::{
    DialectName, Document, FamilyTable, GenerateTable, InterfaceTable, Item, Key, OriginName, Redistributed,
    RouterTable, RoutesTable, StaticTable, VrfTable,
};
use super::generate::{room, scatter};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::prefix_list::PrefixList;
use crate::random::Random;
use crate::source_text::SourceText;

type Span = Range<usize>;

/// Returns the network of `document`, or `None` if the model refuses it; what is wrong is in `diagnostics`.
///
/// `lenient` says that lines were lost to syntax errors, so that a name may be missing without being wrong.
pub(super) fn build(
    document: &Document,
    source: &SourceText,
    inputs: &Inputs,
    lenient: bool,
    diagnostics: &mut Diagnostics,
) -> Option<Network> {
    let mut build = Build {
        source,
        inputs,
        lenient,
        diagnostics,
        builder: NetworkBuilder::default(),
        routers: AHashMap::new(),
        vrfs: AHashMap::new(),
        interfaces: AHashMap::new(),
        reachable: AHashMap::new(),
        lists: AHashMap::new(),
        named: BTreeSet::new(),
        routes: 0,
        seed: u64::from(document.seed.value().copied().unwrap_or(1)),
    };
    let mut rds = AHashMap::new();
    for router in &document.router {
        build.router(router);
    }
    let homes: Vec<Vec<VrfId>> = document.vrf.iter().map(|vrf| build.vrf(vrf, &mut rds)).collect();
    for (vrf, homes) in document.vrf.iter().zip(&homes) {
        vrf.interface.iter().for_each(|interface| build.interface(interface, homes));
    }
    for (vrf, homes) in document.vrf.iter().zip(&homes) {
        vrf.statics.iter().for_each(|route| build.static_route(route, homes));
    }
    let mut group = 0;
    for (vrf, homes) in document.vrf.iter().zip(&homes) {
        for routes in &vrf.routes {
            group += 1;
            build.routes(routes, homes, group);
        }
    }
    for name in inputs.files.keys().filter(|name| !build.named.contains(*name)) {
        let warning = Diagnostic::warning(source.name(), format!("no group of routes has `file = \"${name}\"`"));
        build.diagnostics.push(warning);
    }
    if build.diagnostics.errors() > 0 {
        return None;
    }
    let network = build.builder.build();
    let report = |error: &dyn Display| diagnostics.push(Diagnostic::error(source.name(), error.to_string()));
    network.map_err(|errors| errors.iter().map(|error| error as &dyn Display).for_each(report)).ok()
}

struct Build<'a> {
    source: &'a SourceText,
    inputs: &'a Inputs,
    lenient: bool,
    diagnostics: &'a mut Diagnostics,
    builder: NetworkBuilder,
    routers: AHashMap<String, RouterId>,
    vrfs: AHashMap<(RouterId, String), VrfId>,
    interfaces: AHashMap<(RouterId, String), (VrfId, InterfaceId)>,
    /// Subnets and static destinations of each VRF: where a next hop resolves (SEMANTICS S5).
    reachable: AHashMap<VrfId, Vec<IpNet>>,
    lists: AHashMap<PathBuf, Option<Arc<PrefixList>>>,
    /// The `$NAME`s that were used.
    named: BTreeSet<String>,
    /// Routes of groups so far.
    routes: usize,
    seed: u64,
}

/// A prefix of either family.
enum AnyPrefix {
    Ipv4(Ipv4Prefix),
    Ipv6(Ipv6Prefix),
}

impl Build<'_> {
    fn error(&mut self, span: Option<Span>, message: String, expected: &str) {
        let source = self.source;
        self.diagnostics.push_with(Severity::Error, || {
            source.diagnostic(Severity::Error, span.unwrap_or_default(), message).expected(expected)
        });
    }

    /// Reports a name that nobody has, unless the lines that define it may have been lost.
    fn unknown<'n>(&mut self, what: &str, name: &str, span: Option<Span>, names: impl Iterator<Item = &'n str>) {
        if self.lenient {
            return;
        }
        let source = self.source;
        // The nearest name, and of equally near ones always the same, whatever the order of the map.
        let mut names: Vec<&str> = names.collect();
        names.sort_unstable();
        let near = nearest(name, names.into_iter()).map(|near| format!("did you mean `{near}`?"));
        self.diagnostics.push_with(Severity::Error, || {
            let message = format!("there is no {what} `{name}`");
            let diagnostic = source
                .diagnostic(Severity::Error, span.unwrap_or_default(), message)
                .expected(format!("expected the name of a {what}"));
            near.map_or(diagnostic.clone(), |near| diagnostic.hint(near))
        });
    }

    fn parsed<T: FromStr<Err: Display>>(&mut self, text: &str, span: Span, expected: &str) -> Option<T> {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                let error = error.to_string();
                // The engine's errors end with the expectation; it stands at the caret here.
                let (message, expected) = match error.split_once(": expected ") {
                    Some((message, detail)) => (message.to_owned(), format!("expected {detail}")),
                    None => (error, expected.to_owned()),
                };
                let message = if message.contains('`') { message } else { format!("`{text}` is no address") };
                self.error(Some(span), message, &expected);
                None
            }
        }
    }

    fn address(&mut self, key: &Key<String>) -> Option<IpAddr> {
        self.parsed(key.value()?, key.span()?, "expected an IPv4 or IPv6 address")
    }

    fn prefix(&mut self, text: &str, span: Span) -> Option<AnyPrefix> {
        let result =
            if text.contains(':') { text.parse().map(AnyPrefix::Ipv6) } else { text.parse().map(AnyPrefix::Ipv4) };
        let (message, expected) = match result {
            Ok(prefix) => return Some(prefix),
            Err(ParsePrefixError::HostBits { masked, .. }) => {
                (format!("`{text}` has host bits set"), format!("expected `{masked}`"))
            }
            Err(_) => (format!("`{text}` is not a prefix"), "expected ADDRESS/LENGTH".to_owned()),
        };
        self.error(Some(span), message, &expected);
        None
    }

    fn router(&mut self, table: &RouterTable) {
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
        let id = self.builder.router(name, asn, router_id.unwrap_or(std::net::Ipv4Addr::UNSPECIFIED), dialect);
        if let Some(loopback) = loopback {
            self.builder.router_mut(id).loopback = loopback;
        }
        self.routers.insert(name.clone(), id);
    }

    fn router_named(&mut self, name: &str, span: Option<Span>) -> Option<RouterId> {
        let found = self.routers.get(name).copied();
        if found.is_none() {
            let names: Vec<String> = self.routers.keys().cloned().collect();
            self.unknown("router", name, span, names.iter().map(String::as_str));
        }
        found
    }

    /// Adds the VRF on each of its routers.
    fn vrf(&mut self, table: &VrfTable, rds: &mut AHashMap<(RouterId, Rd), String>) -> Vec<VrfId> {
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
            let number = 1 + self.vrfs.keys().filter(|(of, _)| *of == home).count();
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
            let [ipv4, ipv6] = families.clone();
            vrf.families.ipv4.import = ipv4.0.unwrap_or_else(|| import.clone());
            vrf.families.ipv4.export = ipv4.1.unwrap_or_else(|| export.clone());
            vrf.families.ipv4.redistribute = ipv4.2.unwrap_or(redistribute);
            vrf.families.ipv6.import = ipv6.0.unwrap_or_else(|| import.clone());
            vrf.families.ipv6.export = ipv6.1.unwrap_or_else(|| export.clone());
            vrf.families.ipv6.redistribute = ipv6.2.unwrap_or(redistribute);
            self.vrfs.insert((home, name.clone()), id);
            ids.push(id);
        }
        ids
    }

    fn family(
        &mut self,
        table: &FamilyTable,
    ) -> (Option<Vec<RouteTarget>>, Option<Vec<RouteTarget>>, Option<Redistribute>) {
        let import = table.import.value().map(|_| self.targets(&table.import));
        let export = table.export.value().map(|_| self.targets(&table.export));
        (import, export, redistribute(&table.redistribute))
    }

    fn targets(&mut self, key: &Key<Vec<Item<String>>>) -> Vec<RouteTarget> {
        let items = key.value().into_iter().flatten();
        items.filter_map(|Item(text)| self.parsed(text.get_ref(), text.span(), "expected a route target")).collect()
    }

    /// Returns those of `homes` that an entry is meant for: the ones on `router` where it names one.
    fn on(&mut self, router: &Key<String>, homes: &[VrfId]) -> Vec<VrfId> {
        let Some(name) = router.value() else { return homes.to_vec() };
        let Some(id) = self.router_named(name, router.span()) else { return Vec::new() };
        let here: Vec<VrfId> = homes.iter().copied().filter(|&vrf| self.builder.vrf_mut(vrf).router == id).collect();
        if here.is_empty() && !self.lenient && !homes.is_empty() {
            let message = format!("the VRF is not on router `{name}`");
            self.error(router.span(), message, "expected one of the VRF's routers");
        }
        here
    }

    fn interface(&mut self, table: &InterfaceTable, homes: &[VrfId]) {
        let addresses = table.addresses.value().into_iter().flatten();
        let addresses: Vec<IpNet> =
            addresses.filter_map(|Item(text)| self.subnet(text.get_ref(), text.span())).collect();
        let homes = self.on(&table.router, homes);
        let Some(name) = table.name.value() else { return };
        for home in homes {
            let router = self.builder.vrf_mut(home).router;
            if self.interfaces.contains_key(&(router, name.clone())) {
                let router = self.builder.router_mut(router).name.clone();
                let message = format!("interface `{name}` of router `{router}` is defined twice");
                self.error(table.name.span(), message, "expected another name");
                continue;
            }
            let id = self.builder.interface(home, name);
            self.interfaces.insert((router, name.clone()), (home, id));
            for &address in &addresses {
                self.builder.address(id, address);
                self.reachable.entry(home).or_default().push(address.trunc());
            }
        }
    }

    /// Reads an interface address with the length of its subnet; host bits are what it is about.
    fn subnet(&mut self, text: &str, span: Span) -> Option<IpNet> {
        let parts = text.split_once('/');
        let address = parts.and_then(|(address, _)| address.parse::<IpAddr>().ok());
        let len = parts.and_then(|(_, len)| len.parse().ok().filter(|_| len.bytes().all(|byte| byte.is_ascii_digit())));
        let net = address.zip(len).and_then(|(address, len)| IpNet::new(address, len).ok());
        if net.is_none() {
            let message = format!("`{text}` is not an interface address");
            self.error(Some(span), message, "expected ADDRESS/LENGTH");
        }
        net
    }

    #[expect(
        clippy::option_option,
        reason = "the outer one is whether the text is right, the inner one whether it names any"
    )]
    fn interface_of(&mut self, key: &Key<String>, vrf: VrfId) -> Option<Option<InterfaceId>> {
        let Some(name) = key.value() else { return Some(None) };
        let router = self.builder.vrf_mut(vrf).router;
        match self.interfaces.get(&(router, name.clone())) {
            Some(&(of, id)) if of == vrf => Some(Some(id)),
            Some(_) => {
                let message = format!("interface `{name}` is of another VRF");
                self.error(key.span(), message, "expected an interface of this VRF");
                None
            }
            None => {
                let names = self.interfaces.iter().filter(|(_, (of, _))| *of == vrf).map(|((_, name), _)| name.clone());
                let names: Vec<String> = names.collect();
                self.unknown("interface", name, key.span(), names.iter().map(String::as_str));
                None
            }
        }
    }

    fn static_route(&mut self, table: &StaticTable, homes: &[VrfId]) {
        let prefix = table.prefix.value().zip(table.prefix.span()).and_then(|(text, span)| self.prefix(text, span));
        let via = self.address(&table.via);
        let discard = table.discard.value() == Some(&true);
        let ways =
            [table.via.value().is_some() || table.interface.value().is_some(), table.vrf.value().is_some(), discard];
        if ways.iter().filter(|&&way| way).count() != 1 && !self.lenient {
            let message = "a static route leads to one next hop".to_owned();
            self.error(table.prefix.span(), message, "expected `via` or `interface`, or `vrf`, or `discard` beside it");
        }
        let homes = self.on(&table.router, homes);
        let Some(prefix) = prefix else { return };
        let attributes = Attributes { distance: table.distance.value().copied(), ..Attributes::default() };
        let attributes = self.builder.attributes(attributes);
        for home in homes {
            let Some(interface) = self.interface_of(&table.interface, home) else { continue };
            let kind = match (via, interface, table.vrf.value()) {
                (Some(address), interface, _) => NextHopKind::Gateway { address, interface },
                (None, Some(interface), _) => NextHopKind::Attached { interface },
                (None, None, Some(name)) => {
                    let router = self.builder.vrf_mut(home).router;
                    let Some(&vrf) = self.vrfs.get(&(router, name.clone())) else {
                        let names = self.vrfs.keys().filter(|(of, _)| *of == router).map(|(_, name)| name.clone());
                        let names: Vec<String> = names.collect();
                        self.unknown("VRF", name, table.vrf.span(), names.iter().map(String::as_str));
                        continue;
                    };
                    NextHopKind::Vrf { vrf }
                }
                (None, None, None) => NextHopKind::Discard,
            };
            let next_hop = self.builder.next_hop(home, kind);
            let net = match &prefix {
                AnyPrefix::Ipv4(prefix) => self.add(home, *prefix, Protocol::Static, attributes, next_hop),
                AnyPrefix::Ipv6(prefix) => self.add(home, *prefix, Protocol::Static, attributes, next_hop),
            };
            self.reachable.entry(home).or_default().push(net);
        }
    }

    fn add<A: Address>(
        &mut self,
        vrf: VrfId,
        prefix: Prefix<A>,
        protocol: Protocol,
        attributes: AttributesId,
        next_hop: NextHopId,
    ) -> IpNet {
        self.builder.route(vrf, SourceRoute::new(prefix, protocol, attributes, next_hop));
        prefix.to_net()
    }

    /// Adds a group of CE routes to each of `homes`.
    fn routes(&mut self, table: &RoutesTable, homes: &[VrfId], group: u64) {
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
        let at = table.prefixes.span().or(table.file.span()).or(table.generate.span());
        let given = [table.prefixes.span(), table.file.span(), table.generate.span()];
        if given.iter().flatten().count() != 1 && !self.lenient {
            let at = at.or(table.next_hop.span()).or(table.interface.span());
            let message = "a group of routes comes from one source".to_owned();
            self.error(at, message, "expected one of `prefixes`, `generate` and `file`");
            return;
        }
        let Some(source) = source else { return };
        self.routes = self.routes.saturating_add(source.len().saturating_mul(homes.len()));
        if self.routes > self.inputs.route_limit {
            let (routes, limit) = (self.routes, self.inputs.route_limit);
            self.error(at, format!("{routes} routes up to here, the limit is {limit}"), "expected fewer routes");
            return;
        }
        if table.next_hop.span().is_some() && next_hop.is_none() {
            return;
        }
        for home in homes {
            let Some(interface) = self.interface_of(&table.interface, home) else { continue };
            let target = Target { vrf: home, attributes, next_hop, interface, at: at.clone(), group: table };
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
        target: &Target<'_>,
        prefixes: impl Iterator<Item = (Prefix<A>, Option<IpAddr>)>,
    ) {
        let mut last: Option<(Option<IpAddr>, NextHopId)> = None;
        let mut unresolved = BTreeSet::new();
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
                            self.error(target.at.clone(), message, "expected `next_hop` or `interface` beside it");
                            return;
                        }
                    };
                    if let (Some(address), None) = (address, target.interface) {
                        let nets = self.reachable.get(&target.vrf);
                        if !nets.is_some_and(|nets| nets.iter().any(|net| net.contains(&address))) {
                            unresolved.insert(address);
                        }
                    }
                    self.builder.next_hop(target.vrf, kind)
                }
            };
            last = Some((address, next_hop));
            let route = SourceRoute::new(prefix, Protocol::Bgp, target.attributes, next_hop);
            self.builder.route(target.vrf, route);
        }
        if let Some(first) = unresolved.first() {
            let more = match unresolved.len() {
                1 => String::new(),
                count => format!(" and {} others", count - 1),
            };
            let vrf = self.builder.vrf_mut(target.vrf).name.clone();
            let (source, at) = (self.source, target.group.next_hop.span().or(target.at.clone()).unwrap_or_default());
            self.diagnostics.push_with(Severity::Warning, || {
                let message =
                    format!("next hop `{first}`{more} does not resolve in VRF `{vrf}`: its routes are not used");
                source
                    .diagnostic(Severity::Warning, at, message)
                    .expected("expected an address in a subnet of the VRF, or `interface` beside it")
            });
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
struct Target<'a> {
    vrf: VrfId,
    attributes: AttributesId,
    next_hop: Option<IpAddr>,
    interface: Option<InterfaceId>,
    at: Option<Span>,
    group: &'a RoutesTable,
}

fn redistribute(key: &Key<Vec<Item<Redistributed>>>) -> Option<Redistribute> {
    let has = |which: Redistributed| key.value().into_iter().flatten().any(|Item(item)| *item.get_ref() == which);
    key.value().map(|_| Redistribute { connected: has(Redistributed::Connected), statics: has(Redistributed::Static) })
}

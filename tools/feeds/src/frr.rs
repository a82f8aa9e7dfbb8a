//! What FRR prints as JSON: `show bgp ipv4 vpn`, `show bgp ipv6 vpn` and `show bgp vrf X ipv4 unicast`, brief or in detail.

use std::fmt;
use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;
use std::sync::Arc;

use ipnet::IpNet;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use vrfleak_bench_data::{Diagnostic, SourceText};
use vrfleak_engine::{
    Attributes, Community, Ipv4Prefix, Ipv6Prefix, Label, OriginCode, PerFamily, Prefix, Rd, RouteTarget,
};

use crate::route::{View, VpnRoute, VpnRoutes};

/// Returns the VPN routes of a text.
///
/// A route of the router itself, which has no next hop or one in a VRF, is announced by that router.
///
/// # Errors
///
/// What is no such text, with line and column.
pub(crate) fn vpn_routes(source: &SourceText) -> Result<PerFamily<VpnRoutes>, Diagnostic> {
    let table: Table<VpnTable> = parse(source, "expected the output of `show bgp ipv4 vpn json`")?;
    let PerFamily { mut ipv4, mut ipv6 } = PerFamily::<VpnRoutes>::default();
    for (rd, prefixes) in table.routes.rds.0 {
        for (prefix, paths) in prefixes.0 {
            for path in paths.0.into_iter().filter(|path| path.valid != Some(false)) {
                let Some(pe) = path.pe(table.router_id) else { continue };
                let attributes = Arc::new(path.attributes(table.local_preference));
                let label = path.label.and_then(Label::new);
                let (router_id, asn, view) = (path.originator, table.asn.unwrap_or(0), View::LocRib);
                match prefix.0 {
                    IpNet::V4(net) => {
                        let prefix = Prefix::from(net);
                        ipv4.push(VpnRoute { pe, rd: rd.0, prefix, label, attributes, router_id, asn, view });
                    }
                    IpNet::V6(net) => {
                        let prefix = Prefix::from(net);
                        ipv6.push(VpnRoute { pe, rd: rd.0, prefix, label, attributes, router_id, asn, view });
                    }
                }
            }
        }
    }
    Ok(PerFamily { ipv4, ipv6 })
}

/// A route that a VRF has from a neighbour.
#[derive(Debug)]
pub(crate) struct NeighborRoute {
    pub(crate) prefix: IpNet,
    pub(crate) next_hop: IpAddr,
    pub(crate) attributes: Attributes,
}

/// What a VRF's unicast table has.
#[derive(Debug, Default)]
pub(crate) struct VrfTable {
    pub(crate) routes: Vec<NeighborRoute>,
    /// How many paths are the VRF's own, or come from other VRFs: the model makes them itself.
    pub(crate) others: usize,
}

/// Returns what a VRF has from its neighbours.
///
/// # Errors
///
/// What is no such text, with line and column.
pub(crate) fn vrf_table(source: &SourceText) -> Result<VrfTable, Diagnostic> {
    let table: Table<Entries<PrefixKey, Paths>> =
        parse(source, "expected the output of `show bgp vrf NAME ipv4 unicast json`")?;
    let mut read = VrfTable::default();
    for (prefix, paths) in table.routes.0 {
        for path in paths.0.into_iter().filter(|path| path.valid != Some(false)) {
            let foreign = |vrf: &str| table.vrf.as_deref() != Some(vrf);
            let leaked = path.next_hop_vrf.as_deref().is_some_and(foreign) || path.imported_from.is_some();
            match path.next_hop().filter(|next_hop| !leaked && !next_hop.is_unspecified()) {
                Some(next_hop) => {
                    let mut attributes = path.attributes(table.local_preference);
                    attributes.route_targets = attributes.route_targets.filter(|targets| !targets.is_empty());
                    attributes.internal = path.is_internal();
                    attributes.weight = path.weight.unwrap_or(0);
                    read.routes.push(NeighborRoute { prefix: prefix.0, next_hop, attributes });
                }
                None => read.others += 1,
            }
        }
    }
    Ok(read)
}

fn parse<'a, T: Deserialize<'a>>(source: &'a SourceText, expected: &str) -> Result<T, Diagnostic> {
    let mut deserializer = serde_json::Deserializer::from_str(source.text());
    let read = T::deserialize(&mut deserializer).and_then(|read| deserializer.end().map(|()| read));
    read.map_err(|error| {
        let text = error.to_string();
        let message = text.rsplit_once(" at line ").map_or(&*text, |(message, _)| message);
        let line = source.text().lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
        let at = error.column().saturating_sub(1).min(line.len());
        Diagnostic::error(source.name(), message).at(error.line().max(1), line, at..at + 1).expected(expected)
    })
}

/// What stands around the routes of either table.
#[derive(Debug, Deserialize)]
struct Table<R> {
    #[serde(rename = "vrfName")]
    vrf: Option<String>,
    #[serde(rename = "routerId")]
    router_id: Option<Ipv4Addr>,
    #[serde(rename = "defaultLocPrf")]
    local_preference: Option<u32>,
    #[serde(rename = "localAS")]
    asn: Option<u32>,
    routes: R,
}

#[derive(Debug, Deserialize)]
struct VpnTable {
    #[serde(rename = "routeDistinguishers")]
    rds: Entries<RdKey, Entries<PrefixKey, Paths>>,
}

/// A JSON object in the order of its text.
#[derive(Debug)]
struct Entries<K, V>(Vec<(K, V)>);

impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Entries<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read<K, V>(PhantomData<(K, V)>);
        impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Visitor<'de> for Read<K, V> {
            type Value = Entries<K, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Read(PhantomData))
    }
}

/// The paths to a prefix: a list, or in detail an object that has one.
#[derive(Debug)]
struct Paths(Vec<Path>);

impl<'de> Deserialize<'de> for Paths {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Paths;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("paths")
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Paths, S::Error> {
                let mut paths = Vec::new();
                while let Some(path) = seq.next_element()? {
                    paths.push(path);
                }
                Ok(Paths(paths))
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Paths, M::Error> {
                let mut paths = Vec::new();
                while let Some(key) = map.next_key::<String>()? {
                    if key == "paths" {
                        paths = map.next_value()?;
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Paths(paths))
            }
        }
        deserializer.deserialize_any(Read)
    }
}

/// Text that stands alone or, in detail, in an object beside its parts.
#[derive(Debug)]
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Text, M::Error> {
                let mut text = String::new();
                while let Some(key) = map.next_key::<String>()? {
                    if key == "string" {
                        text = map.next_value()?;
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Text(text))
            }
        }
        deserializer.deserialize_any(Read)
    }
}

#[derive(Debug)]
struct RdKey(Rd);

impl<'de> Deserialize<'de> for RdKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Rd::from_str(&String::deserialize(deserializer)?).map(Self).map_err(D::Error::custom)
    }
}

#[derive(Debug)]
struct PrefixKey(IpNet);

impl<'de> Deserialize<'de> for PrefixKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let net = if text.contains(':') {
            Ipv6Prefix::from_str(&text).map(Prefix::to_net)
        } else {
            Ipv4Prefix::from_str(&text).map(Prefix::to_net)
        };
        net.map(Self).map_err(D::Error::custom)
    }
}

/// A path as it stands in the list of those to one prefix.
#[derive(Debug, Deserialize)]
#[expect(clippy::struct_field_names, reason = "an AS path is no path in this sense")]
struct Path {
    valid: Option<bool>,
    #[serde(rename = "pathFrom")]
    from: Option<String>,
    #[serde(alias = "med")]
    metric: Option<u32>,
    #[serde(rename = "locPrf", alias = "localPref")]
    local_preference: Option<u32>,
    weight: Option<u32>,
    #[serde(rename = "path", alias = "aspath")]
    as_path: Option<Text>,
    origin: Option<String>,
    community: Option<Text>,
    #[serde(rename = "extendedCommunity")]
    extended_community: Option<Text>,
    #[serde(rename = "remoteLabel")]
    label: Option<u32>,
    #[serde(rename = "originatorId")]
    originator: Option<Ipv4Addr>,
    #[serde(rename = "nhVrfName")]
    next_hop_vrf: Option<String>,
    #[serde(rename = "importedFrom")]
    imported_from: Option<IgnoredAny>,
    #[serde(default, rename = "nexthops")]
    next_hops: Vec<NextHop>,
    peer: Option<Peer>,
}

#[derive(Debug, Deserialize)]
struct NextHop {
    ip: Option<IpAddr>,
    scope: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Peer {
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl Path {
    /// Returns the next hop, the global one of two.
    fn next_hop(&self) -> Option<IpAddr> {
        let global = self.next_hops.iter().find(|next_hop| next_hop.scope.as_deref() != Some("link-local"));
        global.or(self.next_hops.first()).and_then(|next_hop| next_hop.ip).map(|ip| ip.to_canonical())
    }

    /// Returns the router that announces a VPN route: the one that was asked where the next hop is its own affair.
    fn pe(&self, own: Option<Ipv4Addr>) -> Option<IpAddr> {
        let next_hop = self.next_hop().filter(|next_hop| !next_hop.is_unspecified() && self.next_hop_vrf.is_none());
        next_hop.or(own.map(IpAddr::V4))
    }

    fn is_internal(&self) -> bool {
        let kind = self.peer.as_ref().and_then(|peer| peer.kind.as_deref()).or(self.from.as_deref());
        kind == Some("internal")
    }

    /// Returns the attributes. Sets of ASes count as their lowest, and words that are no numbers not at all.
    fn attributes(&self, local_preference: Option<u32>) -> Attributes {
        let words = |text: &Option<Text>| -> Vec<String> {
            let text = text.as_ref().map_or("", |text| &text.0);
            text.split_ascii_whitespace().map(str::to_owned).collect()
        };
        let asn = |word: &String| {
            let set = word.trim_matches(['{', '}', '(', ')', '[', ']']);
            set.split(',').filter_map(|asn| asn.parse().ok()).min()
        };
        let mut communities: Vec<Community> =
            words(&self.community).iter().filter_map(|word| word.parse().ok()).collect();
        communities.sort_unstable();
        communities.dedup();
        let targets = self.extended_community.as_ref().map(|text| {
            let targets = text.0.split_ascii_whitespace().filter_map(|word| word.strip_prefix("RT:"));
            let mut targets: Vec<RouteTarget> = targets.filter_map(|target| target.parse().ok()).collect();
            targets.sort_unstable();
            targets.dedup();
            targets.into()
        });
        Attributes {
            local_preference: self.local_preference.or(local_preference).unwrap_or(100),
            as_path: words(&self.as_path).iter().filter_map(asn).collect(),
            origin: match self.origin.as_deref() {
                Some("IGP" | "i") => OriginCode::Igp,
                Some("EGP" | "e") => OriginCode::Egp,
                _ => OriginCode::Incomplete,
            },
            med: self.metric.unwrap_or(0),
            route_targets: targets,
            communities: communities.into(),
            ..Attributes::default()
        }
    }
}

//! What a scenario file may hold, key by key: the source of its JSON Schema and of what `check` enforces.

use std::borrow::Cow;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

/// The value of a key with its place in the file, or nothing where the key is absent.
#[derive(Clone, Debug)]
pub(super) struct Key<T>(pub(super) Option<Spanned<T>>);

impl<T> Key<T> {
    pub(super) fn value(&self) -> Option<&T> {
        self.0.as_ref().map(Spanned::get_ref)
    }

    pub(super) fn span(&self) -> Option<Range<usize>> {
        self.0.as_ref().map(Spanned::span)
    }
}

impl<T> Default for Key<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Key<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(|value| Self(Some(value)))
    }
}

/// A value with its place, within a list.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Item<T>(pub(super) Spanned<T>);

macro_rules! schema_of_the_value {
    ($name:ident) => {
        impl<T: JsonSchema> JsonSchema for $name<T> {
            fn inline_schema() -> bool {
                T::inline_schema()
            }

            fn schema_name() -> Cow<'static, str> {
                T::schema_name()
            }

            fn schema_id() -> Cow<'static, str> {
                T::schema_id()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                T::json_schema(generator)
            }
        }
    };
}
schema_of_the_value!(Key);
schema_of_the_value!(Item);

/// A network of routers and VRFs, from which vrfleak computes what every VRF holds.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "vrfleak scenario")]
pub(super) struct Document {
    /// The seed of everything that is generated where the group gives none. Default 1.
    pub(super) seed: Key<u32>,
    /// The routers: PEs, each with a name of its own.
    pub(super) router: Vec<RouterTable>,
    /// The VRFs and what they have.
    pub(super) vrf: Vec<VrfTable>,
}

/// A router.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["name", "asn", "router_id"]))]
pub(super) struct RouterTable {
    /// The name, unique in the scenario.
    pub(super) name: Key<String>,
    /// The AS number.
    pub(super) asn: Key<u32>,
    /// The BGP identifier, in the form of an IPv4 address.
    pub(super) router_id: Key<String>,
    /// The address that other routers send its VPN traffic to. Default: the router id.
    pub(super) loopback: Key<String>,
    /// Whose habits the router has where systems differ. Default: `native`.
    pub(super) dialect: Key<DialectName>,
}

/// A system whose habits a router has.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(super) enum DialectName {
    Native,
    Ios,
    Xr,
    Frr,
    Junos,
}

/// A protocol whose routes the VRF puts into BGP.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(super) enum Redistributed {
    Connected,
    Static,
}

/// A VRF, on one router or the same on several.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["name"]))]
pub(super) struct VrfTable {
    /// The name, unique on each router.
    pub(super) name: Key<String>,
    /// The router that has it. This or `routers`.
    pub(super) router: Key<String>,
    /// The routers that have it, with everything below on each of them unless it names one. This or `router`.
    pub(super) routers: Key<Vec<Item<String>>>,
    /// The route distinguisher: `AS:NUMBER`, `IPV4:NUMBER`, or `auto` for `ROUTER_ID:N`, N counting the router's VRFs
    /// from 1. A VRF without one exports nothing.
    pub(super) rd: Key<String>,
    /// Route targets of which a route must have one to be imported, both families.
    pub(super) import: Key<Vec<Item<String>>>,
    /// Route targets that exported routes get, both families.
    pub(super) export: Key<Vec<Item<String>>>,
    /// What is exported besides routes from a CE, both families. Default: nothing.
    pub(super) redistribute: Key<Vec<Item<Redistributed>>>,
    /// Whether the VRF is up. Default: true.
    pub(super) up: Key<bool>,
    /// Whether it exports again what it imported, under its own RD and targets. Default: false.
    pub(super) reexport_imported: Key<bool>,
    /// What differs for IPv4.
    pub(super) ipv4: FamilyTable,
    /// What differs for IPv6.
    pub(super) ipv6: FamilyTable,
    /// Its interfaces.
    pub(super) interface: Vec<InterfaceTable>,
    /// Its static routes.
    #[serde(rename = "static")]
    pub(super) statics: Vec<StaticTable>,
    /// Its routes from CEs, in groups that share their attributes.
    pub(super) routes: Vec<Item<RoutesTable>>,
}

/// What a VRF has otherwise in one address family: each key replaces the one of the VRF.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FamilyTable {
    /// Import targets.
    pub(super) import: Key<Vec<Item<String>>>,
    /// Export targets.
    pub(super) export: Key<Vec<Item<String>>>,
    /// What is exported besides routes from a CE.
    pub(super) redistribute: Key<Vec<Item<Redistributed>>>,
}

/// An interface.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["name"]))]
pub(super) struct InterfaceTable {
    /// The name.
    pub(super) name: Key<String>,
    /// Its addresses, each with the length of its subnet: `192.0.2.1/24`.
    pub(super) addresses: Key<Vec<Item<String>>>,
    /// The only one of the VRF's routers that has it.
    pub(super) router: Key<String>,
}

/// A static route: `via` and `interface`, one of them, `vrf`, or `discard`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["prefix"]))]
pub(super) struct StaticTable {
    /// The destination.
    pub(super) prefix: Key<String>,
    /// The address of the next router.
    pub(super) via: Key<String>,
    /// The interface that leads there.
    pub(super) interface: Key<String>,
    /// The VRF of the same router in which the lookup goes on.
    pub(super) vrf: Key<String>,
    /// Whether to drop what matches.
    pub(super) discard: Key<bool>,
    /// The administrative distance. Default: 1.
    pub(super) distance: Key<u8>,
    /// The only one of the VRF's routers that has it.
    pub(super) router: Key<String>,
}

/// Routes from a CE that share their attributes: from `prefixes`, `generate` or `file`, one of them.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RoutesTable {
    /// The prefixes themselves.
    pub(super) prefixes: Key<Vec<Item<String>>>,
    /// Prefixes from a seed.
    pub(super) generate: Key<GenerateTable>,
    /// A list of `PREFIX` or `PREFIX NEXT_HOP` lines, plain or gzip, relative to the scenario; `$NAME` stands for a path
    /// given on the command line.
    pub(super) file: Key<String>,
    /// The address of the CE. A next hop in `file` goes before it.
    pub(super) next_hop: Key<String>,
    /// The interface that next hops are on. Without it they must lie in a subnet of the VRF or under a static route.
    pub(super) interface: Key<String>,
    /// AS_PATH, nearest AS first. Default: empty.
    pub(super) as_path: Key<Vec<u32>>,
    /// LOCAL_PREF. Default: 100.
    pub(super) local_preference: Key<u32>,
    /// MULTI_EXIT_DISC. Default: 0.
    pub(super) med: Key<u32>,
    /// ORIGIN. Default: `incomplete`.
    pub(super) origin: Key<OriginName>,
    /// The weight on this router. Default: 0.
    pub(super) weight: Key<u32>,
    /// Whether the CE is an iBGP neighbour. Default: false.
    pub(super) internal: Key<bool>,
    /// Route targets of these routes in place of the VRF's.
    pub(super) route_targets: Key<Vec<Item<String>>>,
    /// The only one of the VRF's routers that has them.
    pub(super) router: Key<String>,
}

/// The ORIGIN attribute.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(super) enum OriginName {
    Igp,
    Egp,
    Incomplete,
}

/// Distinct prefixes inside `base`, scattered by a seed.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["count", "base"]))]
pub(super) struct GenerateTable {
    /// How many.
    pub(super) count: Key<u32>,
    /// The prefix that contains them all.
    pub(super) base: Key<String>,
    /// Their lengths in bits, each as likely as the others; repeat one to make it likelier. Default: 24 or 48.
    pub(super) lengths: Key<Vec<Item<u8>>>,
    /// The seed. Default: the scenario's, and the position of the group.
    pub(super) seed: Key<u32>,
}

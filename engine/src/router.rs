//! [`Router`] and [`Dialect`]: a PE and the habits of its operating system.

use std::net::{IpAddr, Ipv4Addr};

use crate::attributes::Attributes;

/// What happens to a route that the export map denies or does not match (SEMANTICS E5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExportMapMiss {
    /// It is not exported: FRR, IOS-XR, Junos.
    Drop,
    /// It is exported with the VRF's export targets: IOS, IOS-XE.
    KeepDefault,
}

/// Which paths of equal cost may stand beside the best one (SEMANTICS S4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EqualPaths {
    /// All of them: AS paths are as long as each other.
    Length,
    /// Those through the same neighbouring AS: Junos.
    NeighborAs,
    /// Those with the same AS path: IOS, IOS-XR.
    AsPath,
    /// What was imported beside what was imported, and of what the VRF learned itself that of one neighbouring AS, over
    /// internal sessions that with the same AS path: FRR.
    Learned,
}

impl EqualPaths {
    /// Returns whether a path may stand beside another of equal cost, each given with its attributes and whether the VRF
    /// imported it.
    pub(crate) fn allows(self, path: (&Attributes, bool), best: (&Attributes, bool)) -> bool {
        let same_neighbor = path.0.neighbor_as() == best.0.neighbor_as();
        let same_path = path.0.as_path == best.0.as_path;
        match self {
            Self::Length => true,
            Self::NeighborAs => same_neighbor,
            Self::AsPath => same_path,
            Self::Learned if path.1 && best.1 => true,
            Self::Learned if path.1 != best.1 => false,
            Self::Learned => {
                if path.0.internal {
                    same_path
                } else {
                    same_neighbor
                }
            }
        }
    }
}

/// The points in which real systems differ. The model carries the choice, a front end sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is a point of its own in which systems differ")]
pub struct Dialect {
    /// The name of the system, lower case.
    pub name: &'static str,
    /// Whether weight 32768 of a redistributed route survives the leak inside one router (SEMANTICS S3).
    pub weight_survives_leak: bool,
    /// Whether the host route of the interface stands in a VRF that imports its connected route (SEMANTICS S3a).
    pub leaks_host_routes: bool,
    /// What an export map's miss means (SEMANTICS E5).
    pub export_map_miss: ExportMapMiss,
    /// Whether two VRFs of the router may have the same RD.
    pub shares_rd: bool,
    /// The administrative distances of routes over eBGP and over iBGP (SEMANTICS S1): 20 and 200, on Junos 170 both.
    pub bgp_distances: [u8; 2],
    /// Whether a connected or static route keeps its protocol and distance in the router's other VRFs (SEMANTICS S1).
    pub leaks_protocols: bool,
    /// Which paths of equal cost may stand beside each other (SEMANTICS S4).
    pub equal_paths: EqualPaths,
}

impl Dialect {
    /// The native scenario format: the first value that SEMANTICS names at each point.
    pub const NATIVE: Self = Self {
        name: "native",
        weight_survives_leak: false,
        leaks_host_routes: false,
        export_map_miss: ExportMapMiss::Drop,
        shares_rd: true,
        bgp_distances: [20, 200],
        leaks_protocols: false,
        equal_paths: EqualPaths::Length,
    };
    /// Cisco IOS and IOS-XE.
    pub const IOS: Self = Self {
        name: "ios",
        weight_survives_leak: true,
        leaks_host_routes: true,
        export_map_miss: ExportMapMiss::KeepDefault,
        shares_rd: false,
        bgp_distances: [20, 200],
        leaks_protocols: false,
        equal_paths: EqualPaths::AsPath,
    };
    /// Cisco IOS-XR.
    pub const XR: Self = Self { name: "xr", equal_paths: EqualPaths::AsPath, ..Self::NATIVE };
    /// FRR.
    pub const FRR: Self =
        Self { name: "frr", weight_survives_leak: true, equal_paths: EqualPaths::Learned, ..Self::NATIVE };
    /// Juniper Junos.
    pub const JUNOS: Self = Self {
        name: "junos",
        bgp_distances: [170, 170],
        leaks_protocols: true,
        equal_paths: EqualPaths::NeighborAs,
        ..Self::NATIVE
    };

    /// Returns the distance of a route over iBGP, or over eBGP.
    #[inline]
    pub fn bgp_distance(&self, internal: bool) -> u8 {
        self.bgp_distances[usize::from(internal)]
    }

    /// Every dialect, in the order of their names above.
    pub const ALL: [Self; 5] = [Self::NATIVE, Self::IOS, Self::XR, Self::FRR, Self::JUNOS];
}

/// A router that holds VRFs: a PE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Router {
    /// Its host name, unique in the network.
    pub name: String,
    /// The AS it belongs to.
    pub asn: u32,
    /// Its BGP identifier (RFC 4271 section 1.1).
    pub router_id: Ipv4Addr,
    /// The address that it gives other routers as next hop of its VPN routes.
    pub loopback: IpAddr,
    /// How its system decides where systems differ.
    pub dialect: Dialect,
    /// Whether the router is outside the model: of its VRFs nothing is known but VPN routes. They import nothing here, and
    /// what becomes of a reply from them is unknown.
    pub outside: bool,
}

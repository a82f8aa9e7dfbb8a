//! [`Network`], the model: routers, their VRFs, and what the VRFs have of their own.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use ahash::AHashMap;
use ipnet::IpNet;

use crate::address::{Address, Family};
use crate::attributes::Attributes;
use crate::id::{AttributesId, InterfaceId, NextHopId, RouterId, VrfId};
use crate::memory::MemoryPart;
use crate::next_hop::{NextHop, NextHopKind};
use crate::per_family::PerFamily;
use crate::policy::Policies;
use crate::prefix::Prefix;
use crate::rd::Rd;
use crate::route_target::RouteTarget;
use crate::router::{Dialect, Router};
use crate::source_route::{Protocol, SourceRoute};
use crate::vrf::{Interface, Vrf, VrfFamily};

/// A network as it is configured, before any leaking: immutable, checked, ids dense.
///
/// Made by a [`NetworkBuilder`]. Its size is that of its routes: 16 bytes an IPv4 route, 32 an IPv6 one.
#[derive(Clone, Debug, Default)]
pub struct Network {
    routers: Vec<Router>,
    vrfs: Vec<Vrf>,
    interfaces: Vec<Interface>,
    next_hops: Vec<NextHop>,
    attributes: Vec<Attributes>,
    policies: Policies,
    igp_metrics: AHashMap<(RouterId, RouterId), u32>,
    /// The VRFs that export again what they import, ascending, with the next hop that such routes get.
    reexporters: Vec<(VrfId, NextHopId)>,
}

impl Network {
    /// Returns the routers, by [`RouterId`].
    pub fn routers(&self) -> &[Router] {
        &self.routers
    }

    /// Returns the VRFs of all routers, by [`VrfId`].
    pub fn vrfs(&self) -> &[Vrf] {
        &self.vrfs
    }

    /// Returns the interfaces of all VRFs, by [`InterfaceId`].
    pub fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    /// Returns the distinct next hops, by [`NextHopId`].
    pub fn next_hops(&self) -> &[NextHop] {
        &self.next_hops
    }

    /// Returns the distinct attributes, by [`AttributesId`].
    pub fn attributes(&self) -> &[Attributes] {
        &self.attributes
    }

    /// Returns the policies that the maps of VRFs name.
    pub fn policies(&self) -> &Policies {
        &self.policies
    }

    /// Returns the VRFs that export again what they import, or some of it (SEMANTICS E1), ascending, each with the next hop of such
    /// routes: the VRF itself.
    pub fn reexporters(&self) -> &[(VrfId, NextHopId)] {
        &self.reexporters
    }

    /// Returns the router of this id.
    pub fn router(&self, id: RouterId) -> &Router {
        &self.routers[id.index()]
    }

    /// Returns the VRF of this id.
    pub fn vrf(&self, id: VrfId) -> &Vrf {
        &self.vrfs[id.index()]
    }

    /// Returns the router that has the VRF of this id.
    pub fn router_of(&self, vrf: VrfId) -> &Router {
        self.router(self.vrf(vrf).router)
    }

    /// Returns what the IGP of the provider's core says that the way between two routers costs; 0 where nothing was
    /// said, and from a router to itself.
    ///
    /// It is the interior cost to the next hop of RFC 4271 section 9.1.2.2 e). Each direction has its own. One hash
    /// lookup, and no hash while the network has no metric at all; 13 bytes a pair that has one.
    pub fn igp_metric(&self, from: RouterId, to: RouterId) -> u32 {
        self.igp_metrics.get(&(from, to)).copied().unwrap_or(0)
    }

    /// Returns whether the IGP says anything at all.
    pub fn has_igp_metrics(&self) -> bool {
        !self.igp_metrics.is_empty()
    }

    /// Returns the interface of this id.
    pub fn interface(&self, id: InterfaceId) -> &Interface {
        &self.interfaces[id.index()]
    }

    /// Returns the next hop of this id.
    pub fn next_hop(&self, id: NextHopId) -> NextHop {
        self.next_hops[id.index()]
    }

    /// Returns the ids of all VRFs in ascending order.
    pub fn vrf_ids(&self) -> impl ExactSizeIterator<Item = VrfId> + use<> {
        (0..self.vrfs.len()).map(VrfId::from_index)
    }

    /// Returns the VRFs of this name, one a router at most, in ascending order of their ids.
    pub fn vrfs_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = VrfId> + 'a {
        self.vrf_ids().filter(move |&id| self.vrf(id).name == name)
    }

    /// Returns how many routes the VRFs have of their own in the family of `A`, exported or not.
    pub fn source_routes<A: Address>(&self) -> usize {
        self.vrfs.iter().map(|vrf| vrf.family::<A>().routes.len()).sum()
    }

    /// Returns the addresses that the router itself has in this VRF and family, in the order of its routes: the
    /// sources that a ping may have (SEMANTICS F7).
    pub fn own_addresses<A: Address>(&self, vrf: VrfId) -> impl Iterator<Item = A> + '_ {
        let receives =
            |route: &&SourceRoute<A>| matches!(self.next_hop(route.next_hop()).kind, NextHopKind::Receive { .. });
        self.vrf(vrf).family::<A>().routes.iter().filter(receives).map(|route| route.prefix().bits())
    }

    /// Returns the bytes that the model holds, spare capacity included, names and AS paths at their lengths.
    pub fn bytes(&self) -> usize {
        self.memory().iter().map(|part| part.bytes).sum()
    }

    /// Returns the same by part; policies are in none. O(VRFs + interfaces + attributes).
    pub fn memory(&self) -> [MemoryPart; 6] {
        let families = || self.vrfs.iter().map(|vrf| &vrf.families);
        let own_routes = families().map(|families| {
            families.ipv4.routes.capacity() * size_of::<SourceRoute<u32>>()
                + families.ipv6.routes.capacity() * size_of::<SourceRoute<u128>>()
        });
        let targets = families().map(|families| {
            let (ipv4, ipv6) = (&families.ipv4, &families.ipv6);
            ipv4.import.capacity() + ipv4.export.capacity() + ipv6.import.capacity() + ipv6.export.capacity()
        });
        let vrfs = self.vrfs.capacity() * size_of::<Vrf>()
            + self.vrfs.iter().map(|vrf| vrf.name.capacity()).sum::<usize>()
            + targets.sum::<usize>() * size_of::<RouteTarget>();
        let interfaces = self.interfaces.iter().map(|interface| interface.name.capacity()).sum::<usize>()
            + self.interfaces.capacity() * size_of::<Interface>();
        let attributes = self.attributes.iter().map(|attributes| attributes.as_path.len() * 4).sum::<usize>()
            + self.attributes.capacity() * size_of::<Attributes>();
        // The map keeps one control byte beside each slot.
        let metrics = self.igp_metrics.capacity() * (size_of::<((RouterId, RouterId), u32)>() + 1);
        let routers = self.routers.capacity() * size_of::<Router>() + metrics;
        let routes = self.source_routes::<u32>() + self.source_routes::<u128>();
        [
            MemoryPart::new("own routes", routes, own_routes.sum()),
            MemoryPart::new("VRFs", self.vrfs.len(), vrfs),
            MemoryPart::new("interfaces", self.interfaces.len(), interfaces),
            MemoryPart::new("next hops", self.next_hops.len(), self.next_hops.capacity() * size_of::<NextHop>()),
            MemoryPart::new("attribute sets", self.attributes.len(), attributes),
            MemoryPart::new("routers", self.routers.len(), routers),
        ]
    }
}

/// Makes a [`Network`], handing out ids on the way.
///
/// ```
/// use std::net::Ipv4Addr;
/// use vrfleak_engine::{Dialect, NetworkBuilder, Rd};
///
/// let mut builder = NetworkBuilder::default();
/// let pe = builder.router("pe1", 65000, Ipv4Addr::new(10, 0, 0, 1), Dialect::NATIVE);
/// let red = builder.vrf(pe, "red", Some(Rd::as2(65000, 1)));
/// let loopback = builder.interface(red, "Loopback1");
/// builder.address(loopback, "192.0.2.1/24".parse()?);
/// let network = builder.build().expect("one router, one VRF");
/// assert_eq!(network.source_routes::<u32>(), 2); // connected and local
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct NetworkBuilder {
    pub(crate) network: Network,
    next_hop_ids: AHashMap<NextHop, NextHopId>,
    attributes_ids: AHashMap<Attributes, AttributesId>,
}

impl From<Network> for NetworkBuilder {
    /// Takes a network up again, to be added to: O(next hops + attributes). Its ids stay.
    fn from(network: Network) -> Self {
        let next_hop_ids = (0..).map(NextHopId::from_index);
        let attributes_ids = (0..).map(AttributesId::from_index);
        Self {
            next_hop_ids: network.next_hops.iter().copied().zip(next_hop_ids).collect(),
            attributes_ids: network.attributes.iter().cloned().zip(attributes_ids).collect(),
            network,
        }
    }
}

impl NetworkBuilder {
    /// Adds a router. Its loopback is its router id until [`Self::router_mut`] says otherwise.
    pub fn router(&mut self, name: &str, asn: u32, router_id: Ipv4Addr, dialect: Dialect) -> RouterId {
        let id = RouterId::from_index(self.network.routers.len());
        let loopback = IpAddr::V4(router_id);
        self.network.routers.push(Router { name: name.to_owned(), asn, router_id, loopback, dialect, outside: false });
        id
    }

    /// Returns a router to be changed.
    pub fn router_mut(&mut self, id: RouterId) -> &mut Router {
        &mut self.network.routers[id.index()]
    }

    /// Sets what the way from one router to another costs in the IGP; the way back is not touched. A way from a router
    /// to itself costs nothing, whatever is set.
    pub fn igp_metric(&mut self, from: RouterId, to: RouterId, metric: u32) {
        if metric == 0 || from == to {
            self.network.igp_metrics.remove(&(from, to));
        } else {
            self.network.igp_metrics.insert((from, to), metric);
        }
    }

    /// Adds a VRF without targets or routes, up.
    pub fn vrf(&mut self, router: RouterId, name: &str, rd: Option<Rd>) -> VrfId {
        let id = VrfId::from_index(self.network.vrfs.len());
        let (name, families) = (name.to_owned(), PerFamily::default());
        self.network.vrfs.push(Vrf {
            name,
            router,
            rd,
            router_id: None,
            up: true,
            reexport_imported: false,
            reexport_from_default: false,
            families,
        });
        id
    }

    /// Returns a VRF to be changed.
    pub fn vrf_mut(&mut self, id: VrfId) -> &mut Vrf {
        &mut self.network.vrfs[id.index()]
    }

    /// Returns what a VRF has in one family, to be changed.
    pub fn family<A: Address>(&mut self, id: VrfId) -> &mut VrfFamily<A> {
        self.network.vrfs[id.index()].family_mut()
    }

    /// Adds an interface.
    pub fn interface(&mut self, vrf: VrfId, name: &str) -> InterfaceId {
        let id = InterfaceId::from_index(self.network.interfaces.len());
        self.network.interfaces.push(Interface { name: name.to_owned(), vrf });
        id
    }

    /// Gives an interface an address: its VRF gets the connected route of the subnet and the local host route of the
    /// address, or the connected host route alone where the prefix is one (SEMANTICS E2, V3).
    pub fn address(&mut self, interface: InterfaceId, address: IpNet) {
        match address {
            IpNet::V4(net) => self.interface_address(interface, net.addr().to_bits(), net.prefix_len()),
            IpNet::V6(net) => self.interface_address(interface, net.addr().to_bits(), net.prefix_len()),
        }
    }

    fn interface_address<A: Address>(&mut self, interface: InterfaceId, address: A, len: u8) {
        let vrf = self.network.interface(interface).vrf;
        let attributes = self.attributes(Attributes::default());
        let receive = self.next_hop(vrf, NextHopKind::Receive { interface });
        let subnet = Prefix::containing(address, len);
        if subnet.is_host() {
            self.route(vrf, SourceRoute::new(subnet, Protocol::Connected, attributes, receive));
        } else {
            let attached = self.next_hop(vrf, NextHopKind::Attached { interface });
            self.route(vrf, SourceRoute::new(subnet, Protocol::Connected, attributes, attached));
            self.route(vrf, SourceRoute::new(Prefix::host(address), Protocol::Local, attributes, receive));
        }
    }

    /// Returns the id of these attributes, the same for equal ones.
    pub fn attributes(&mut self, attributes: Attributes) -> AttributesId {
        *self.attributes_ids.entry(attributes).or_insert_with_key(|attributes| {
            self.network.attributes.push(attributes.clone());
            AttributesId::from_index(self.network.attributes.len() - 1)
        })
    }

    /// Returns the id of this next hop of `vrf`, the same for equal ones.
    pub fn next_hop(&mut self, vrf: VrfId, kind: NextHopKind) -> NextHopId {
        *self.next_hop_ids.entry(NextHop { vrf, kind }).or_insert_with_key(|&next_hop| {
            self.network.next_hops.push(next_hop);
            NextHopId::from_index(self.network.next_hops.len() - 1)
        })
    }

    /// Returns the policies, to be added to.
    pub fn policies(&mut self) -> &mut Policies {
        &mut self.network.policies
    }

    /// Adds a route of the VRF's own.
    pub fn route<A: Address>(&mut self, vrf: VrfId, route: SourceRoute<A>) {
        self.family(vrf).routes.push(route);
    }

    /// Returns the network, its target lists sorted and without repeats.
    ///
    /// # Errors
    ///
    /// Returns everything that is wrong with the model, in the order of its ids.
    pub fn build(mut self) -> Result<Network, Vec<ModelError>> {
        for vrf in &mut self.network.vrfs {
            vrf.families.ipv4.normalize();
            vrf.families.ipv6.normalize();
        }
        for vrf in self.network.vrf_ids().collect::<Vec<_>>() {
            if !(self.network.vrf(vrf).reexport_imported || self.network.vrf(vrf).reexport_from_default) {
                continue;
            }
            let next_hop = self.next_hop(vrf, NextHopKind::Vrf { vrf });
            self.network.reexporters.push((vrf, next_hop));
        }
        let errors = check(&self.network);
        if errors.is_empty() { Ok(self.network) } else { Err(errors) }
    }
}

fn check(network: &Network) -> Vec<ModelError> {
    let mut errors = Vec::new();
    let mut routers = AHashMap::new();
    for router in &network.routers {
        if routers.insert(router.name.as_str(), ()).is_some() {
            errors.push(ModelError::DuplicateRouter { name: router.name.clone() });
        }
    }
    let mut names = AHashMap::new();
    let mut rds = AHashMap::new();
    for (index, vrf) in network.vrfs.iter().enumerate() {
        let router = network.router(vrf.router);
        if names.insert((vrf.router, vrf.name.as_str()), ()).is_some() {
            errors.push(ModelError::DuplicateVrf { router: router.name.clone(), vrf: vrf.name.clone() });
        }
        if let Some(rd) = vrf.rd
            && !router.dialect.shares_rd
            && let Some(other) = rds.insert((vrf.router, rd), index)
        {
            errors.push(ModelError::DuplicateRd {
                router: router.name.clone(),
                vrf: vrf.name.clone(),
                other: network.vrfs[other].name.clone(),
                rd,
            });
        }
        check_routes(network, VrfId::from_index(index), &vrf.families.ipv4, &mut errors);
        check_routes(network, VrfId::from_index(index), &vrf.families.ipv6, &mut errors);
    }
    for family in Family::ALL {
        let routes = match family {
            Family::Ipv4 => network.source_routes::<u32>(),
            Family::Ipv6 => network.source_routes::<u128>(),
        };
        if routes >= MAX_ROUTES {
            errors.push(ModelError::TooManyRoutes { family, routes });
        }
    }
    errors
}

/// Checks that the ids of the routes of `vrf` exist and that their next hops are its own.
fn check_routes<A: Address>(network: &Network, vrf: VrfId, family: &VrfFamily<A>, errors: &mut Vec<ModelError>) {
    let foreign = |route: &SourceRoute<A>| {
        network.next_hops.get(route.next_hop().index()).is_none_or(|next_hop| next_hop.vrf != vrf)
            || route.attributes().index() >= network.attributes.len()
    };
    if let Some(route) = family.routes.iter().find(|route| foreign(route)) {
        let owner = network.vrf(vrf);
        errors.push(ModelError::ForeignId {
            router: network.router(owner.router).name.clone(),
            vrf: owner.name.clone(),
            prefix: route.prefix().to_net(),
        });
    }
}

/// The number of routes that one family must stay below: ids are 31 bits, the last bit of a word is for flags.
pub const MAX_ROUTES: usize = 1 << 31;

/// What makes a model impossible.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModelError {
    /// Two routers have one name.
    DuplicateRouter {
        /// The name.
        name: String,
    },
    /// Two VRFs of one router have one name.
    DuplicateVrf {
        /// The router.
        router: String,
        /// The name.
        vrf: String,
    },
    /// Two VRFs of a router have one RD, and its dialect does not allow it.
    DuplicateRd {
        /// The router.
        router: String,
        /// The VRF that repeats the RD.
        vrf: String,
        /// The VRF that had it first.
        other: String,
        /// The RD.
        rd: Rd,
    },
    /// A route has attributes that do not exist, or a next hop that is not its VRF's.
    ForeignId {
        /// The router.
        router: String,
        /// The VRF.
        vrf: String,
        /// The first such route.
        prefix: IpNet,
    },
    /// More routes than ids.
    TooManyRoutes {
        /// The family.
        family: Family,
        /// How many there are.
        routes: usize,
    },
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateRouter { name } => write!(f, "router `{name}` is defined twice"),
            Self::DuplicateVrf { router, vrf } => write!(f, "VRF `{vrf}` of router `{router}` is defined twice"),
            Self::DuplicateRd { router, vrf, other, rd } => {
                write!(f, "RD `{rd}` of VRF `{vrf}` is already that of VRF `{other}` on router `{router}`")
            }
            Self::ForeignId { router, vrf, prefix } => {
                write!(f, "route `{prefix}` of VRF `{vrf}` on router `{router}` refers to an id that is not its VRF's")
            }
            Self::TooManyRoutes { family, routes } => {
                write!(f, "{routes} {family} routes, the limit is {}", MAX_ROUTES - 1)
            }
        }
    }
}

impl std::error::Error for ModelError {}

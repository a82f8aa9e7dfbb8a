//! From devices to a network: names are resolved, derived values derived, routes made.

mod announce;
mod crossing;
mod derived;
mod imported;
mod policy;
mod router_id;
mod routes;
mod session;
mod vpn_sessions;

use ahash::{AHashMap, AHashSet};
use vrfleak_bench_data::{FamilyOrigin, Provenance, SourceText, VrfOrigin};
use vrfleak_engine::{
    Administrator, EqualPaths, Family, InterfaceId, MaximumPaths, MaximumRoutes, Network, NetworkBuilder, OverLimit,
    PolicyId, Rd, Redistribute, RouteTarget, VrfId,
};

use crate::daemon_files::router_name;
use crate::device::{DEFAULT_TABLE, Device, RdChoice, StaticRoute, StaticTarget, Table};
use crate::dialect::Format;
use crate::place::{Located, Place};
use crate::report::Report;

/// Makes the network of all devices that have VRFs. Returns `None` if a mistake that was reported stands against it.
pub(crate) fn assemble(
    devices: &[Device],
    sources: &[SourceText],
    report: &mut Report<'_>,
) -> Option<(Network, Provenance)> {
    let mut assembly = Assembly {
        builder: NetworkBuilder::default(),
        undefined: AHashMap::new(),
        unset_next_hops: AHashSet::new(),
        provenance: Provenance::default(),
        report,
    };
    let mut names = AHashMap::new();
    let mut ids = Vec::with_capacity(devices.len());
    for device in devices {
        let name = device_name(device, sources);
        if let Some(first) = names.insert(name.value.clone(), name.place) {
            let first = &sources[first.source()];
            assembly.report.error(
                name.place,
                format_args!("router `{}` is also configured in {}", name.value, first.name()),
                "expected another name",
            );
            ids.push(None);
        } else if device.vrfs().is_empty() {
            ids.push(None);
        } else {
            ids.push(Some(assembly.device(device, &name)));
        }
    }
    assembly.import_any(devices, &ids);
    assembly.keep_apart(devices, &ids);
    assembly.learn(devices, &ids);
    if assembly.report.errors() > 0 {
        return None;
    }
    match assembly.builder.build() {
        Ok(network) => Some((network, assembly.provenance)),
        Err(errors) => {
            for error in errors {
                assembly.report.about_source(vrfleak_bench_data::Severity::Error, 0, error);
            }
            None
        }
    }
}

/// Returns the host name, or what the name of the file says.
fn device_name(device: &Device, sources: &[SourceText]) -> Located<String> {
    device.name.clone().unwrap_or_else(|| {
        let name = router_name(sources[device.source as usize].name());
        Located::new(name.to_owned(), Place { source: device.source, start: 0, end: 0 })
    })
}

/// What is made so far.
struct Assembly<'r, 's> {
    builder: NetworkBuilder,
    /// Policies that are named and not defined, by the source of the device and name; with their ids where a VRF has
    /// them as its map.
    undefined: AHashMap<(u32, String), Option<PolicyId>>,
    /// The policies of each source of which was said that the next hop that they set is not taken.
    unset_next_hops: AHashSet<(u32, String)>,
    provenance: Provenance,
    report: &'r mut Report<'s>,
}

/// The ids of one device's tables and interfaces; `None` where the network has no such thing.
struct Ids {
    /// By position in [`Device::tables`].
    vrfs: Vec<Option<VrfId>>,
    /// By position in [`Device::interfaces`].
    interfaces: Vec<Option<InterfaceId>>,
    /// The table of each interface.
    tables: Vec<Option<usize>>,
}

impl Assembly<'_, '_> {
    fn device(&mut self, device: &Device, name: &Located<String>) -> Ids {
        let router_id = self.router_id(device);
        let asn = device.asn.map_or(0, |asn| asn.value);
        let mut dialect = device.format.dialect();
        if device.relaxed_multipath {
            dialect.equal_paths = EqualPaths::Length;
        }
        let router = self.builder.router(&name.value, asn, router_id, dialect);
        if let Some(loopback) = router_id::vpn_address(device) {
            self.builder.router_mut(router).loopback = loopback;
        }
        self.provenance.routers.push(name.place);
        let policies = self.add_policies(device);

        let tables: Vec<_> = device.interfaces.iter().map(|interface| self.table_of(device, interface)).collect();
        let mut ids = Ids { vrfs: Vec::new(), interfaces: Vec::new(), tables };
        let with_default = needs_default(device, &ids.tables);
        let mut rds: AHashMap<Rd, &Table> = AHashMap::new();
        for (index, table) in device.tables.iter().enumerate() {
            if index == DEFAULT_TABLE && !with_default {
                ids.vrfs.push(None);
                continue;
            }
            // Without an RD the default table would keep its routes from VRFs that ask for them.
            let rd_place = table.rd.map(|rd| rd.place);
            let rd = table.rd.map(|rd| match rd.value {
                RdChoice::Given(given) => Located::new(given, rd.place),
                RdChoice::Auto => Located::new(derived::rd(router_id, table, index), rd.place),
            });
            let crosses = index == DEFAULT_TABLE && crossing::crosses(device);
            let rd = rd.or(crosses.then(|| Located::new(Rd::of_default_table(router), table.place)));
            if let Some(rd) = rd
                && !device.format.dialect().shares_rd
                && let Some(other) = rds.insert(rd.value, table)
            {
                self.report.error_with_hint(
                    rd.place,
                    format_args!("RD `{}` is already that of VRF `{}`", rd.value, other.name),
                    "expected an RD that no other VRF of the router has",
                    format_args!("{} keeps the routes of two VRFs apart by their RDs", device.format),
                );
            }
            let id = self.builder.vrf(router, &table.name, rd.map(|rd| rd.value));
            let vrf = self.builder.vrf_mut(id);
            vrf.reexport_imported = table.reexports;
            vrf.reexport_from_default = table.advertises_default;
            vrf.router_id = table.bgp.router_id.map(|id| id.value).filter(|_| index != DEFAULT_TABLE);
            ids.vrfs.push(Some(id));
            let families = Family::ALL.map(|family| self.family(id, device, index, family, router_id, policies));
            let origin =
                VrfOrigin { definition: table.place, rd: rd_place, neighbors: Vec::new(), lists: Vec::new(), families };
            self.provenance.vrfs.push(origin);
        }
        for (interface, table) in device.interfaces.iter().zip(&ids.tables) {
            let vrf = table.and_then(|table| ids.vrfs[table]);
            if vrf.is_some() {
                self.provenance.interfaces.push(interface.place);
            }
            ids.interfaces.push(vrf.map(|vrf| self.builder.interface(vrf, &interface.name)));
        }
        self.crossings(device, &ids, policies);
        self.routes(device, &ids);
        ids
    }

    /// Returns the table of an interface, or `None` if it names a VRF that does not exist.
    fn table_of(&mut self, device: &Device, interface: &crate::device::Interface) -> Option<usize> {
        let Some(vrf) = &interface.vrf else { return Some(DEFAULT_TABLE) };
        let table = device.table_named(&vrf.value);
        if table.is_none() {
            self.undefined_vrf(vrf);
        }
        table
    }

    fn undefined_vrf(&mut self, name: &Located<String>) {
        self.report.error(
            name.place,
            format_args!("VRF `{}` is not defined", name.value),
            "expected the name of a VRF of this router",
        );
    }

    /// Sets targets and redistribution of one family, and returns where they stand.
    fn family(
        &mut self,
        id: VrfId,
        device: &Device,
        table_index: usize,
        family: Family,
        router_id: std::net::Ipv4Addr,
        policies: u32,
    ) -> FamilyOrigin {
        let table = &device.tables[table_index];
        let config = table.family(family);
        let targets = table.targets_of(family);
        let asn = device.asn.map_or(0, |asn| asn.value);
        let value = |target: &Located<Option<RouteTarget>>| {
            let derived = || derived::route_target(device.format, asn, router_id, table, table_index);
            let own_id = |number| RouteTarget::ipv4(router_id, number);
            let target_of_id = |target: RouteTarget| match target.administrator() {
                // FRR names a table that is imported by its router id, where it has none by the router's.
                Some(Administrator::Ipv4 { address, number }) if address.is_unspecified() => own_id(number),
                _ => target,
            };
            (target.value.map_or_else(derived, target_of_id), target.place)
        };
        let origin = FamilyOrigin {
            enabled: config.enabled,
            in_bgp: config.in_bgp,
            import: targets.import.iter().map(value).collect(),
            export: targets.export.iter().map(value).collect(),
            connected: config.connected.as_ref().map(|redistribution| redistribution.place),
            statics: config.statics.as_ref().map(|redistribution| redistribution.place),
            static_routes: config.routes.iter().map(StaticRoute::origin).collect(),
            networks: config.networks.iter().map(|network| (network.prefix, network.place)).collect(),
            import_map: config.import_policy.as_ref().or(table.import_policy.as_ref()).map(|name| name.place),
            export_map: config.export_policy.as_ref().or(table.export_policy.as_ref()).map(|name| name.place),
            maximum_routes: config.maximum_routes.map(|routes| routes.place),
            ce_routes: Vec::new(),
        };
        if config.in_bgp {
            let import = origin.import.iter().map(|&(target, _)| target).collect();
            let export = origin.export.iter().map(|&(target, _)| target).collect();
            let redistribute =
                Redistribute { connected: config.connected.is_some(), statics: config.statics.is_some() };
            let maps = [
                config.import_policy.as_ref().or(table.import_policy.as_ref()),
                config.export_policy.as_ref().or(table.export_policy.as_ref()),
            ];
            let [import_map, export_map] = maps.map(|name| name.map(|name| self.map(device, name, policies)));
            let limits = limits(device, table_index, family);
            match family {
                Family::Ipv4 => {
                    let model = self.builder.family::<u32>(id);
                    (model.allowas_in, model.import_paths, model.maximum_paths, model.maximum_routes) = limits;
                    (model.import_map, model.export_map) = (import_map, export_map);
                    (model.import, model.export, model.redistribute) = (import, export, redistribute);
                }
                Family::Ipv6 => {
                    let model = self.builder.family::<u128>(id);
                    (model.allowas_in, model.import_paths, model.maximum_paths, model.maximum_routes) = limits;
                    (model.import_map, model.export_map) = (import_map, export_map);
                    (model.import, model.export, model.redistribute) = (import, export, redistribute);
                }
            }
        } else if config.enabled && !(origin.import.is_empty() && origin.export.is_empty()) {
            self.report.warning(
                table.place,
                format_args!("VRF `{}` has {family} targets and no part in BGP", table.name),
                "nothing is imported or exported",
            );
        }
        origin
    }
}

/// How many paths FRR installs where nothing is said: as many as it can, which is more than there are here.
const FRR_PATHS: u32 = 64;

/// Returns how often the router's AS may stand in a path, how many paths of one RD and prefix are imported, how many of
/// equal cost are installed, and how many routes there may be.
fn limits(device: &Device, table: usize, family: Family) -> (u32, u32, MaximumPaths, Option<MaximumRoutes>) {
    let config = device.tables[table].family(family);
    let default = match device.format {
        Format::Frr => MaximumPaths { paths: FRR_PATHS, eibgp: false },
        _ => MaximumPaths::default(),
    };
    let paths = config.maximum_paths.map(|paths| MaximumPaths { paths: paths.value.paths, eibgp: paths.value.eibgp });
    let routes = config.maximum_routes.map(|routes| MaximumRoutes {
        limit: routes.value.limit,
        over: if routes.value.warning_only { OverLimit::WarningOnly } else { OverLimit::Reject },
    });
    // IOS imports the best path of an RD and prefix, the others all that they hear of.
    let imported = match device.format {
        Format::Ios => config.import_paths.map_or(1, |paths| paths.value),
        Format::Xr | Format::Frr | Format::Junos | Format::JunosSet => u32::MAX,
    };
    (announce::allowas_in(device, table, family), imported, paths.unwrap_or(default), routes)
}

/// Returns whether the default table takes part: it leaks, or a VRF's routes lead into it (SEMANTICS I8).
fn needs_default(device: &Device, tables: &[Option<usize>]) -> bool {
    let default = &device.tables[DEFAULT_TABLE];
    let leaks = |family| default.family(family).in_bgp && !default.targets_of(family).is_empty();
    if Family::ALL.into_iter().any(leaks) || crossing::crosses(device) {
        return true;
    }
    let leads_there = |target: &StaticTarget| match target {
        StaticTarget::Gateway { table: Some(table), .. } | StaticTarget::Table(table) => table.value == "default",
        StaticTarget::Interface { name, .. } => {
            device.interface_named(&name.value).is_some_and(|index| tables[index] == Some(DEFAULT_TABLE))
        }
        StaticTarget::Gateway { table: None, .. } | StaticTarget::Discard => false,
    };
    let mut routes = device.vrfs().iter().flat_map(|table| Family::ALL.map(|family| &table.family(family).routes));
    routes.any(|routes| routes.iter().any(|route| leads_there(&route.target)))
}

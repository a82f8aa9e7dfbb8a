//! What stands behind `neighbor NAME` in the syntax that IOS and FRR share.

use vrfleak_engine::Family;

use crate::device::{LocalAs, Neighbor, NeighborFamily, PrivateAs, RemoteAs};
use crate::place::Located;
use crate::report::Report;
use crate::route_map::{FilterKind, RouteMaps};
use crate::value;
use crate::word::{Word, Words};

/// Returns the name under which a template is kept beside the neighbours and groups of a table.
pub(crate) fn template(name: &str) -> String {
    format!("template {name}")
}

/// Settings that are not modelled and may change which routes there are, or which of them is the best.
const CHANGES: [&str; 18] = [
    "unsuppress-map",
    "advertise-map",
    "soo",
    "attribute-unchanged",
    "route-server-client",
    "maximum-prefix-out",
    "additional-paths",
    "addpath-tx-all-paths",
    "addpath-tx-bestpath-per-AS",
    "advertise",
    "aigp",
    "dmzlink-bw",
    "enforce-first-as",
    "internal-vpn-client",
    "local-role",
    "path-attribute",
    "rib-group",
    "accept-own",
];

/// Reads a setting of a neighbour in these families, and returns whether it is one.
pub(crate) fn read(
    neighbor: &mut Neighbor,
    families: &[Family],
    mut words: Words<'_>,
    maps: &mut RouteMaps,
    report: &mut Report<'_>,
) -> bool {
    let line = words;
    match words.next_text() {
        "remote-as" => {
            let place = words.peek().map(|word| word.place);
            let remote = match words.peek_text() {
                "internal" => Some(RemoteAs::Internal),
                "external" => Some(RemoteAs::External),
                "auto" => Some(RemoteAs::Any),
                _ => value::as_number(&mut words, report).map(|asn| RemoteAs::Number(asn.value)),
            };
            if let (Some(remote), Some(place)) = (remote, place) {
                neighbor.remote_as = Some(Located::new(remote, place));
            }
        }
        "peer-group" => neighbor.groups.extend(words.next().map(Word::name)),
        "inherit" => {
            words.next();
            let name = words.next();
            neighbor.groups.extend(name.map(|name| Located::new(template(name.text), name.place)));
        }
        "shutdown" => neighbor.shutdown = true,
        "update-source" => neighbor.update_source = words.next().map(Word::name),
        "local-as" => {
            if let Some(asn) = value::as_number(&mut words, report) {
                let rest = words.rest().text;
                let (prepends, replaces) = (!rest.contains("no-prepend"), rest.contains("replace-as"));
                neighbor.local_as = Some(LocalAs { asn: asn.value, prepends, replaces });
                if rest.contains("dual-as") {
                    report.warning(line.rest().place, "`dual-as` is not modelled", "the session is that of `local-as`");
                }
            }
        }
        keyword if CHANGES.contains(&keyword) => {
            report.warning(
                line.rest().place,
                format_args!("`neighbor {}` is not modelled", line.peek_text()),
                "routes of this neighbour may differ",
            );
        }
        "interface" => {
            report.warning(
                line.rest().place,
                "a neighbour on an unnumbered interface is not modelled",
                "its routes are missing",
            );
        }
        keyword => {
            for &family in families {
                let config = &mut neighbor.families[family as usize];
                if !in_family(config, family, keyword, words, maps, report) {
                    return false;
                }
            }
        }
    }
    true
}

fn in_family(
    config: &mut NeighborFamily,
    family: Family,
    keyword: &str,
    mut words: Words<'_>,
    maps: &mut RouteMaps,
    report: &mut Report<'_>,
) -> bool {
    match keyword {
        "activate" => config.active = Some(true),
        "weight" => {
            if let Some(weight) = value::number(&mut words, report, "weight", 0..=65535) {
                config.weight = Some(weight.value);
            }
        }
        "allowas-in" => config.allowas_in = Some(words.next_text().parse().unwrap_or(3)),
        "as-override" => config.as_override = Some(true),
        "route-reflector-client" => config.reflected = Some(true),
        "remove-private-as" | "remove-private-AS" => {
            let rest = words.rest().text;
            let rest = rest.to_ascii_lowercase();
            config.private_as = Some(PrivateAs { all: rest.contains("all"), replaced: rest.contains("replace-as") });
        }
        "maximum-prefix" => {
            let Some(limit) = value::number(&mut words, report, "number of prefixes", 1..=u32::MAX) else {
                return true;
            };
            while let Some(word) = words.next() {
                if word.text == "warning-only" {
                    return true;
                }
            }
            config.maximum_prefix = Some(limit.value);
        }
        "send-community" => {
            config.send_community = Some(!matches!(words.peek_text(), "extended" | "large"));
        }
        "default-originate" => {
            let policy = if words.eat("route-map") { words.next().map(Word::name) } else { None };
            if let Some(policy) = &policy {
                report.warning(
                    policy.place,
                    "a condition of the default route is not modelled",
                    "the default route is announced",
                );
            }
            config.default_originate = Some(true);
        }
        "route-map" | "prefix-list" | "distribute-list" | "filter-list" => {
            let Some(name) = value::word(&mut words, report, "a name") else { return true };
            let place = words.end();
            let inward = match words.next_text() {
                "in" => true,
                "out" => false,
                _ => {
                    report.error(place, format_args!("a `{keyword}` without a direction"), "expected `in` or `out`");
                    return true;
                }
            };
            match FilterKind::of(keyword, family) {
                Some(kind) => {
                    let filter = maps.filter(kind, name);
                    (if inward { &mut config.filters_in } else { &mut config.filters_out }).push(filter);
                }
                None => {
                    *(if inward { &mut config.policy_in } else { &mut config.policy_out }) = Some(name.name());
                }
            }
        }
        _ => return false,
    }
    true
}

/// Reads what follows `neighbor NAME` in an address family for VPN routes, or `no neighbor NAME`, and returns whether it
/// is a setting.
pub(crate) fn read_vpn(
    neighbor: &mut Neighbor,
    family: Family,
    mut words: Words<'_>,
    forget: bool,
    report: &mut Report<'_>,
) -> bool {
    let line = words;
    match words.next_text() {
        "activate" => neighbor.vpn[family as usize] = Some(!forget),
        "route-reflector-client" => neighbor.reflected = Some(!forget),
        "peer-group" if !forget => neighbor.groups.extend(words.next().map(Word::name)),
        "inherit" if !forget => {
            words.next();
            let name = words.next();
            neighbor.groups.extend(name.map(|name| Located::new(template(name.text), name.place)));
        }
        keyword @ ("route-map" | "prefix-list" | "filter-list" | "distribute-list") if !forget => {
            neighbor.vpn_policy = true;
            report.warning(
                line.whole(),
                format_args!("`{keyword}` between PEs is not modelled"),
                "VPN routes go from PE to PE unchanged",
            );
        }
        _ => return false,
    }
    true
}

/// Undoes a setting of a neighbour, or all of them where nothing follows, and returns whether it is one.
pub(crate) fn forget(neighbor: &mut Neighbor, families: &[Family], mut words: Words<'_>) -> bool {
    let keyword = words.next_text();
    match keyword {
        "" | "remote-as" => {
            neighbor.remote_as = None;
            neighbor.groups.clear();
            neighbor.families = Default::default();
        }
        "shutdown" => neighbor.shutdown = false,
        "peer-group" | "inherit" => neighbor.groups.clear(),
        "update-source" => neighbor.update_source = None,
        "description" => {}
        "local-as" => neighbor.local_as = None,
        _ => {
            for &family in families {
                let config = &mut neighbor.families[family as usize];
                let mut rest = words;
                let name = rest.next_text();
                let inward = rest.next_text() == "in";
                match keyword {
                    "activate" => config.active = Some(false),
                    "weight" => config.weight = None,
                    "allowas-in" => config.allowas_in = None,
                    "as-override" => config.as_override = None,
                    "route-reflector-client" => config.reflected = None,
                    "remove-private-as" | "remove-private-AS" => config.private_as = None,
                    "maximum-prefix" => config.maximum_prefix = None,
                    "default-originate" => config.default_originate = None,
                    "send-community" if name != "extended" && name != "large" => config.send_community = Some(false),
                    "send-community" => {}
                    "route-map" => *(if inward { &mut config.policy_in } else { &mut config.policy_out }) = None,
                    "prefix-list" | "distribute-list" | "filter-list" => {
                        (if inward { &mut config.filters_in } else { &mut config.filters_out }).clear();
                    }
                    _ => return false,
                }
            }
        }
    }
    true
}

//! The Junos front end on whole configurations, in both forms.

mod model;

use model::show;
use vrfleak_config::Format;

#[test]
fn a_whole_configuration_becomes_the_model() {
    let loaded = model::load(include_str!("junos/whole.conf"), Format::Junos);
    insta::assert_snapshot!(show(&loaded.network));
    insta::assert_snapshot!(loaded.warnings.render(false));
    let unknown: Vec<_> = loaded.unknown.kept().iter().map(|line| format!("{}: {}", line.line, line.text)).collect();
    insta::assert_snapshot!(unknown.join("\n"));
}

#[test]
fn every_mistake_is_named_with_its_place() {
    insta::assert_snapshot!(model::errors(include_str!("junos/wrong.conf"), Format::Junos));
}

#[test]
fn set_commands_say_the_same_as_braces() {
    let braces = "system { host-name r; }
interfaces { ge-0/0/0 { unit 5 { family inet { address 192.0.2.1/24; } } } inactive: ge-0/0/1 { unit 0 { family inet \
                  { address 192.0.3.1/24; } } } }
routing-options { autonomous-system 65000; router-id 10.0.0.1; }
routing-instances { A { instance-type vrf; interface ge-0/0/0.5; route-distinguisher 1:1; vrf-target target:1:1; \
                  routing-options { static { route 10.0.0.0/8 next-hop [ 192.0.2.2 192.0.2.3 ]; } } } }
";
    let set = "set system host-name r
set interfaces ge-0/0/0 unit 5 family inet address 192.0.2.1/24
set interfaces ge-0/0/1 unit 0 family inet address 192.0.3.1/24
deactivate interfaces ge-0/0/1
set routing-options autonomous-system 65000
set routing-options router-id 10.0.0.1
set routing-instances A instance-type vrf
set routing-instances A interface ge-0/0/0.5
set routing-instances A route-distinguisher 1:1
set routing-instances A vrf-target target:1:1
set routing-instances A routing-options static route 10.0.0.0/8 next-hop 192.0.2.2
set routing-instances A routing-options static route 10.0.0.0/8 next-hop 192.0.2.3
";
    let braces = show(&model::load(braces, Format::Junos).network);
    assert_eq!(show(&model::load(set, Format::JunosSet).network), braces);
    assert!(braces.contains("10.0.0.0/8 static via 192.0.2.3"), "{braces}");
}

#[test]
fn nesting_is_bounded() {
    assert!(model::errors(&"a {\n".repeat(1_000_000), Format::Junos).contains("braces nest too deep"));
}

#[test]
fn what_goes_for_all_groups_goes_for_those_of_its_table_alone() {
    let text = "set system host-name r1
set routing-options autonomous-system 65000 loops 2
set interfaces ge-0/0/0 unit 0 family inet address 192.0.2.1/30
set protocols bgp family inet-vpn unicast
set protocols bgp import FROM-PES
set protocols bgp group pes type internal
set protocols bgp group pes neighbor 10.255.0.2
set policy-options policy-statement FROM-PES then accept
set policy-options policy-statement DENY then reject
set routing-instances red instance-type vrf
set routing-instances red route-distinguisher 65000:1
set routing-instances red vrf-target target:65000:1
set routing-instances red interface ge-0/0/0.0
set routing-instances red routing-options maximum-prefixes 1000 log-only
set routing-instances red routing-options multipath vpn-unequal-cost equal-external-internal
set routing-instances red protocols bgp group ce type external
set routing-instances red protocols bgp group ce peer-as 65001
set routing-instances red protocols bgp group ce neighbor 192.0.2.2
";
    let loaded = model::load(text, Format::JunosSet);
    let family = loaded.network.vrfs()[0].family::<u32>();
    assert_eq!((family.maximum_paths.paths, family.maximum_paths.eibgp), (16, true));
    let maximum = family.maximum_routes.expect("set");
    assert_eq!((maximum.limit, maximum.over), (1000, vrfleak_engine::OverLimit::WarningOnly));
    let warnings = loaded.warnings.render(false);
    for part in [
        "`loops` of all neighbours is not modelled",
        "a policy on what comes from other PEs is not modelled for VPN routes",
        "no configuration is that of neighbour `192.0.2.2`",
    ] {
        assert!(warnings.contains(part), "{part}: {warnings}");
    }
    assert_eq!(loaded.warnings.warnings(), 3, "{warnings}");
}

#[test]
fn what_is_deleted_or_deactivated_later_does_not_count() {
    let text = "set system host-name r
set routing-options router-id 10.0.0.1
set routing-options autonomous-system 65000
set routing-instances a instance-type vrf
set routing-instances a route-distinguisher 1:1
set routing-instances a vrf-target target:1:1
set routing-instances a vrf-target import target:1:3
set routing-instances b instance-type vrf
set routing-instances b route-distinguisher 1:2
delete routing-instances a vrf-target
set routing-instances a vrf-target target:1:2
set routing-instances a routing-options static route 10.0.0.0/8 discard
set routing-instances a routing-options static route 11.0.0.0/8 discard
deactivate routing-instances a routing-options static route 10.0.0.0/8
deactivate routing-instances a routing-options static route 11.0.0.0/8
activate routing-instances a routing-options static route 11.0.0.0/8
delete routing-instances b
";
    let shown = show(&model::load(text, Format::JunosSet).network);
    assert!(shown.contains("import 1:2 export 1:2") && !shown.contains("vrf b"), "{shown}");
    assert!(shown.contains("11.0.0.0/8 static discard") && !shown.contains("10.0.0.0/8"), "{shown}");
}

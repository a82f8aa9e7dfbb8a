//! Router configurations as input: several at once, of a dialect that is told or given.

use crate::command::{data, json, vrfleak};

/// Whole networks that the front ends are tested with.
const NETWORKS: &str = "../../../../config/tests/networks";

#[test]
fn several_inputs_are_one_network() {
    let folder = data(0, &format!("show route --router pe-east --input {NETWORKS}/ios"));
    let files = format!("--input {NETWORKS}/ios/ce.cfg --input {NETWORKS}/ios/pe.cfg");
    assert_eq!(data(0, &format!("show route --router pe-east {files}")), folder);
    let rows = json(0, &format!("show route 10.77.0.1/32 --vrf SHARED {files}"));
    assert_eq!((&rows[0]["source_vrf"], &rows[0]["next_hop"]), (&"CUST-A".into(), &"192.168.10.2".into()));
    let all = data(0, &format!("show vrf --input {NETWORKS}/ios --input {NETWORKS}/junos --input {NETWORKS}/frr"));
    assert!(all.contains("CUST-A") && all.contains("10.255.1.1:2") && all.contains("blue"), "{all}");
}

#[test]
fn a_dialect_may_be_given() {
    let outcome = vrfleak(&format!("show vrf --dialect ios --input {NETWORKS}/ios/pe.cfg"));
    assert_eq!(outcome.code, Some(0), "{outcome}");
    let outcome = vrfleak(&format!("show vrf --dialect junos --input {NETWORKS}/ios/pe.cfg"));
    assert_eq!(outcome.code, Some(2), "{outcome}");
    assert!(outcome.stderr.contains("looks like ios, and is read as junos"), "{outcome}");
    let outcome = vrfleak(&format!("show vrf --dialect nxos --input {NETWORKS}/ios/pe.cfg"));
    assert!(outcome.stderr.contains("`nxos` is no dialect"), "{outcome}");
}

#[test]
fn a_scenario_is_a_network_of_its_own() {
    let outcome = vrfleak(&format!("show vrf --input lab.toml --input {NETWORKS}/ios/pe.cfg"));
    assert_eq!(outcome.code, Some(2), "{outcome}");
    assert!(outcome.stderr.contains("`lab.toml` is a scenario, which is a network of its own"), "{outcome}");
}

/// The shapes are those of IOS-XE 16.4 (`batfish/lab-validation`, `iosxe_vrf_route_leaking_bgp_peering` and
/// `iosxe_vrf_route_leaking_classic_eigrp`): the length of subnets stands in their heading where it is one, a long route
/// goes on below its prefix, a VRF's router id in the heading of its paths, and a metric only where one came along.
#[test]
fn tables_have_the_shapes_of_ios_xe() {
    let table = |vrf: &str| {
        let table = data(0, &format!("show route --vrf {vrf} --input peering/r1.cfg --input peering/r2.cfg"));
        table.split_once("is not set\n\n").expect("no default route").1.to_owned()
    };
    assert_eq!(
        table("mall"),
        "      192.0.2.0/24 is variably subnetted, 2 subnets, 2 masks
C        192.0.2.0/30 is directly connected, GigabitEthernet1
L        192.0.2.1/32 is directly connected, GigabitEthernet1
      198.18.7.0/24 is variably subnetted, 2 subnets, 2 masks
C        198.18.7.0/24 is directly connected, Loopback4
L        198.18.7.2/32 is directly connected, Loopback4
      198.18.100.0/32 is subnetted, 3 subnets
B        198.18.100.1 is directly connected, 00:00:00, Loopback1
C        198.18.100.200 is directly connected, Loopback2
B        198.18.100.222 [20/0] via 192.0.2.2, 00:00:00
B     198.18.200.0/24 [20/0] via 192.0.2.2 (shop), 00:00:00, GigabitEthernet1
"
    );
    assert_eq!(
        table("yard"),
        "      192.0.2.0/24 is variably subnetted, 2 subnets, 2 masks
C        192.0.2.0/30 is directly connected, GigabitEthernet1
L        192.0.2.2/32 is directly connected, GigabitEthernet1
B     198.18.7.0/24 [20/0] via 192.0.2.1, 00:00:00
      198.18.100.0/32 is subnetted, 3 subnets
B        198.18.100.1 [20/0] via 192.0.2.1, 00:00:00
B        198.18.100.200 [20/0] via 192.0.2.1, 00:00:00
C        198.18.100.222 is directly connected, Loopback1
B     198.18.200.0/24 [20/0] via 192.0.2.1, 00:00:00
"
    );
    let paths = |router: &str| {
        let input = "--input peering/r1.cfg --input peering/r2.cfg";
        let table = data(0, &format!("show bgp vpnv4 --router {router} {input}"));
        table.split_once("Weight Path\n").expect("a heading").1.to_owned()
    };
    assert_eq!(
        paths("r1"),
        "Route Distinguisher: 64601:1 (default for vrf shop)
 *>   198.18.7.0       0.0.0.0                  0         32768 i
 *>   198.18.100.1/32  0.0.0.0                  0         32768 i
 *>   198.18.200.0     192.0.2.2                0         32768 ?
Route Distinguisher: 64601:2 (default for vrf mall) VRF Router ID 10.0.0.2
 r>   192.0.2.0/30     192.0.2.2                0             0 64602 ?
 r>   198.18.7.0       0.0.0.0                  0         32768 i
 *>   198.18.100.1/32  0.0.0.0                  0         32768 i
 *>   198.18.100.200/32
                      0.0.0.0                  0         32768 i
 *>   198.18.100.222/32
                      192.0.2.2                0             0 64602 ?
 *>   198.18.200.0     192.0.2.2                0         32768 ?
"
    );
    assert_eq!(
        paths("r2"),
        "Route Distinguisher: 64602:1 (default for vrf yard)
 *>   192.0.2.0/30     0.0.0.0                  0         32768 ?
 *>   198.18.7.0       192.0.2.1                              0 64601 i
 *>   198.18.100.1/32  192.0.2.1                              0 64601 i
 *>   198.18.100.200/32
                      192.0.2.1                0             0 64601 i
 *>   198.18.100.222/32
                      0.0.0.0                  0         32768 ?
 *>   198.18.200.0     192.0.2.1                              0 64601 ?
"
    );
}

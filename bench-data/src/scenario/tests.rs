use std::path::Path;

use proptest::prelude::*;
use vrfleak_engine::{Ipv4Prefix, NextHopKind, Protocol, Rd, RouteTarget};

use super::*;

const ROUTER: &str = "[[router]]\nname = \"pe1\"\nasn = 65000\nrouter_id = \"10.0.0.1\"\n";

fn read(text: &str) -> Result<Scenario, Diagnostics> {
    parse(&SourceText::new("test.toml", text), &Inputs::default())
}

fn errors(text: &str) -> String {
    read(text).expect_err("a scenario with errors").render(false)
}

/// The network of one router and one VRF `red` with an interface `eth0` 192.0.2.1/24, and `more` in the VRF's table.
fn red(more: &str) -> String {
    format!(
        "{ROUTER}[[vrf]]\nname = \"red\"\nrouter = \"pe1\"\nrd = \"65000:1\"\n\
         [[vrf.interface]]\nname = \"eth0\"\naddresses = [\"192.0.2.1/24\"]\n{more}"
    )
}

fn example(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name)
}

#[test]
fn the_lab_has_the_routes_and_targets_of_its_configuration() {
    let lab = load(&example("lab.toml"), &BTreeMap::new()).expect("the lab");
    assert!(lab.warnings.is_empty(), "{}", lab.warnings.render(false));
    let network = lab.network;
    assert_eq!((network.routers().len(), network.vrfs().len(), network.interfaces().len()), (1, 3, 9));
    assert_eq!((network.source_routes::<u32>(), network.source_routes::<u128>()), (18, 0));
    let c = network.vrf(network.vrfs_named("VRF-C").next().expect("C"));
    assert_eq!(c.rd, Some(Rd::as2(65535, 3)));
    assert_eq!(c.families.ipv4.import, [RouteTarget::as2(65535, 1), RouteTarget::as2(65535, 2)]);
    assert!(c.families.ipv6.import.is_empty());
}

#[test]
fn every_example_loads_without_warning() {
    let table = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(table.path(), "1.0.0.0/24\r\n8.8.8.0/24 198.51.100.7\r\n2001:db8::/32\r\n").expect("written");
    let files = BTreeMap::from([("table".to_owned(), table.path().to_owned())]);
    let none = BTreeMap::new();
    for (name, files, routes) in [
        ("hub-and-spoke.toml", &none, (61, 6)),
        ("shared-services.toml", &none, (10, 0)),
        ("internet-in-a-vrf.toml", &files, (24, 23)),
    ] {
        let scenario = load(&example(name), files).unwrap_or_else(|errors| panic!("{}", errors.render(false)));
        assert!(scenario.warnings.is_empty(), "{}", scenario.warnings.render(false));
        let network = scenario.network;
        assert_eq!((network.source_routes::<u32>(), network.source_routes::<u128>()), routes, "{name}");
    }
    let error = load(&example("internet-in-a-vrf.toml"), &none).expect_err("no table");
    assert!(error.render(false).contains("help: add `--file table=PATH`"), "{error}");
}

#[test]
fn every_key_reaches_the_model() {
    let text = r#"
seed = 7
[[router]]
name = "pe1"
asn = 4200000001
router_id = "10.0.0.1"
loopback = "2001:db8::1"
dialect = "ios"
[[router]]
name = "pe2"
asn = 65000
router_id = "10.0.0.2"
[[vrf]]
name = "red"
routers = ["pe1", "pe2"]
rd = "auto"
import = ["65000:1", "10.0.0.1:2"]
export = ["65000:1"]
redistribute = ["connected", "static"]
ipv6 = { import = [], export = ["65000L:6"], redistribute = [] }
[[vrf.interface]]
name = "eth0"
addresses = ["192.0.2.1/24", "2001:db8:1::1/64"]
[[vrf.interface]]
name = "eth1"
router = "pe2"
[[vrf.static]]
prefix = "10.0.0.0/8"
via = "192.0.2.2"
interface = "eth0"
distance = 250
router = "pe1"
[[vrf.static]]
prefix = "10.1.0.0/16"
vrf = "blue"
router = "pe1"
[[vrf.static]]
prefix = "::/0"
discard = true
router = "pe1"
[[vrf.routes]]
prefixes = ["172.16.0.0/12", "2001:db8:2::/48"]
next_hop = "192.0.2.3"
as_path = [65001, 65002]
local_preference = 200
med = 5
origin = "igp"
weight = 10
internal = true
route_targets = ["65000:9"]
router = "pe1"
[[vrf.routes]]
generate = { count = 20, base = "10.2.0.0/16", lengths = [24, 30], seed = 1 }
interface = "eth1"
router = "pe2"
[[vrf]]
name = "blue"
router = "pe1"
rd = "auto"
up = false
reexport_imported = true
"#;
    let network = read(text).expect("a network").network;
    let [pe1, pe2] = network.routers() else { panic!("two routers") };
    assert_eq!((pe1.asn, pe1.loopback.to_string(), pe1.dialect.name), (4_200_000_001, "2001:db8::1".to_owned(), "ios"));
    assert_eq!(pe2.loopback.to_string(), "10.0.0.2");
    let [red, far, blue] = network.vrfs() else { panic!("three VRFs") };
    assert_eq!(
        [red.rd, far.rd, blue.rd].map(|rd| rd.expect("auto").to_string()),
        ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.1:2"]
    );
    assert!(red.up && !blue.up && red.families.ipv4.redistribute.statics && !red.families.ipv6.redistribute.connected);
    assert!(blue.reexport_imported && !red.reexport_imported);
    assert_eq!((red.families.ipv4.import.len(), red.families.ipv6.import.len()), (2, 0));
    assert_eq!(red.families.ipv6.export[0].to_string(), "65000L:6");
    let kinds: Vec<NextHopKind> =
        red.families.ipv4.routes.iter().map(|route| network.next_hop(route.next_hop()).kind).collect();
    assert!(
        matches!(kinds[2], NextHopKind::Gateway { interface: Some(_), .. })
            && matches!(kinds[3], NextHopKind::Vrf { .. })
    );
    assert_eq!(network.attributes()[red.families.ipv4.routes[2].attributes().index()].distance, Some(250));
    let ce = red.families.ipv4.routes[4];
    assert_eq!((ce.prefix().to_string(), ce.protocol()), ("172.16.0.0/12".to_owned(), Protocol::Bgp));
    let attributes = &network.attributes()[ce.attributes().index()];
    assert_eq!(
        (attributes.as_path.to_vec(), attributes.local_preference, attributes.med),
        (vec![65001, 65002], 200, 5)
    );
    assert_eq!(
        (attributes.weight, attributes.internal, attributes.origin),
        (10, true, vrfleak_engine::OriginCode::Igp)
    );
    assert_eq!(attributes.route_targets.as_deref(), Some(&[RouteTarget::as2(65000, 9)][..]));
    let base: Ipv4Prefix = "10.2.0.0/16".parse().expect("a prefix");
    let generated: Vec<_> = far.families.ipv4.routes.iter().filter(|route| base.covers(route.prefix())).collect();
    assert_eq!(generated.len(), 20);
    assert!(matches!(network.next_hop(generated[0].next_hop()).kind, NextHopKind::Attached { .. }));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a snapshot of every message")]
fn all_that_is_wrong_is_reported_in_the_order_of_the_lines() {
    insta::assert_snapshot!(errors(r#"
sed = 1
[[router]]
nam = "pe1"
asn = 4294967296
router_id = "10.0.0.256"
dialect = "iso"
[[router]]
name = "pe1"
asn = 65000
router_id = "10.0.0.1"
[[router]]
name = "pe1"
asn = "65000"
router_id = "10.0.0.1"
[[vrf]]
name = "red"
routers = ["pe1", "pe2", "pe1"]
rd = "65535:"
import = ["65000", "1:2:3"]
redistribute = ["conected"]
ipv4 = 4
[[vrf.interface]]
name = "eth0"
addresses = ["192.0.2.1", "192.0.2.1/33", 7]
[[vrf.interface]]
name = "eth0"
[[vrf.static]]
prefix = "10.0.0.1/8"
vrf = "blue"
discard = true
[[vrf.static]]
via = "10.0.0.2"
[[vrf.routes]]
prefixes = ["10.0.0.0"]
interface = "eth1"
file = "x"
[[vrf.routes]]
generate = { count = 1000, base = "10.0.0.0/24", lengths = [8, 32, 33] }
next_hop = "10.0.0.1"
[[vrf]]
name = "red"
router = "pe1"
[[vrf]]
name = "green"
"#), @r#"
error: unknown key `sed`
 --> test.toml:2:1
  |
2 | sed = 1
  | ^^^ expected one of `router`, `seed`, `vrf`
  |
  = help: did you mean `seed`?

error: the key `name` is missing
 --> test.toml:3:1
  |
3 | [[router]]
  | ^^^^^^^^^^ expected `name = ...` below

error: unknown key `nam`
 --> test.toml:4:1
  |
4 | nam = "pe1"
  | ^^^ expected one of `asn`, `dialect`, `loopback`, `name`, `router_id`
  |
  = help: did you mean `name`?

error: `4294967296` is out of range
 --> test.toml:5:7
  |
5 | asn = 4294967296
  |       ^^^^^^^^^^ expected 0 to 4294967295

error: `10.0.0.256` is no address
 --> test.toml:6:13
  |
6 | router_id = "10.0.0.256"
  |             ^^^^^^^^^^^^ expected the form of an IPv4 address

error: unknown value `iso`
 --> test.toml:7:11
  |
7 | dialect = "iso"
  |           ^^^^^ expected one of `native`, `ios`, `xr`, `frr`, `junos`
  |
  = help: did you mean `ios`?

error: router `pe1` is defined twice
  --> test.toml:13:8
   |
13 | name = "pe1"
   |        ^^^^^ expected another name

error: a text where a number belongs
  --> test.toml:14:7
   |
14 | asn = "65000"
   |       ^^^^^^^ expected a number

error: there is no router `pe2`
  --> test.toml:18:19
   |
18 | routers = ["pe1", "pe2", "pe1"]
   |                   ^^^^^ expected the name of a router
   |
   = help: did you mean `pe1`?

error: router `pe1` is named twice
  --> test.toml:18:26
   |
18 | routers = ["pe1", "pe2", "pe1"]
   |                          ^^^^^ expected another router

error: `65535:` is not a route distinguisher
  --> test.toml:19:6
   |
19 | rd = "65535:"
   |      ^^^^^^^^ expected AS:NUMBER or IPV4:NUMBER

error: `65000` is not a route target
  --> test.toml:20:11
   |
20 | import = ["65000", "1:2:3"]
   |           ^^^^^^^ expected AS:NUMBER or IPV4:NUMBER

error: `1:2:3` is not a route target
  --> test.toml:20:20
   |
20 | import = ["65000", "1:2:3"]
   |                    ^^^^^^^ expected AS:NUMBER or IPV4:NUMBER

error: unknown value `conected`
  --> test.toml:21:17
   |
21 | redistribute = ["conected"]
   |                 ^^^^^^^^^^ expected one of `connected`, `static`
   |
   = help: did you mean `connected`?

error: a number where a table belongs
  --> test.toml:22:8
   |
22 | ipv4 = 4
   |        ^ expected a table

error: `192.0.2.1` is not an interface address
  --> test.toml:25:14
   |
25 | addresses = ["192.0.2.1", "192.0.2.1/33", 7]
   |              ^^^^^^^^^^^ expected ADDRESS/LENGTH

error: `192.0.2.1/33` is not an interface address
  --> test.toml:25:27
   |
25 | addresses = ["192.0.2.1", "192.0.2.1/33", 7]
   |                           ^^^^^^^^^^^^^^ expected ADDRESS/LENGTH

error: a number where a text belongs
  --> test.toml:25:43
   |
25 | addresses = ["192.0.2.1", "192.0.2.1/33", 7]
   |                                           ^ expected a text in quotes

error: interface `eth0` of router `pe1` is defined twice
  --> test.toml:27:8
   |
27 | name = "eth0"
   |        ^^^^^^ expected another name

error: `10.0.0.1/8` has host bits set
  --> test.toml:29:10
   |
29 | prefix = "10.0.0.1/8"
   |          ^^^^^^^^^^^^ expected `10.0.0.0/8`

error: a static route leads to one next hop
  --> test.toml:29:10
   |
29 | prefix = "10.0.0.1/8"
   |          ^^^^^^^^^^^^ expected `via` or `interface`, or `vrf`, or `discard` beside it

error: the key `prefix` is missing
  --> test.toml:32:1
   |
32 | [[vrf.static]]
   | ^^^^^^^^^^^^^^ expected `prefix = ...` below

error: a group of routes comes from one source
  --> test.toml:35:12
   |
35 | prefixes = ["10.0.0.0"]
   |            ^^^^^^^^^^^^ expected one of `prefixes`, `generate` and `file`

error: `10.0.0.0` is not a prefix
  --> test.toml:35:13
   |
35 | prefixes = ["10.0.0.0"]
   |             ^^^^^^^^^^ expected ADDRESS/LENGTH

error: `10.0.0.0/24` has no room for 1000 prefixes of these lengths
  --> test.toml:39:22
   |
39 | generate = { count = 1000, base = "10.0.0.0/24", lengths = [8, 32, 33] }
   |                      ^^^^ expected at most 256

error: length 8 is not that of a prefix inside `10.0.0.0/24`
  --> test.toml:39:61
   |
39 | generate = { count = 1000, base = "10.0.0.0/24", lengths = [8, 32, 33] }
   |                                                             ^ expected 24 to 32

error: length 33 is not that of a prefix inside `10.0.0.0/24`
  --> test.toml:39:68
   |
39 | generate = { count = 1000, base = "10.0.0.0/24", lengths = [8, 32, 33] }
   |                                                                    ^^ expected 24 to 32

error: VRF `red` of router `pe1` is defined twice
  --> test.toml:42:8
   |
42 | name = "red"
   |        ^^^^^ expected another name

error: VRF `green` is on no router
  --> test.toml:45:8
   |
45 | name = "green"
   |        ^^^^^^^ expected `router = ...` or `routers = [...]` as well
"#);
}

#[test]
fn syntax_errors_do_not_hide_the_rest() {
    insta::assert_snapshot!(errors("[[router]\nname = \"pe1\nasn = 1\n[[vrf]]\nname = \"a\"\nrouter = \"pe1\"\nrd = \"1:x\"\nimport = [\"1:1\"\n"), @r#"
error: unclosed array table
 --> test.toml:1:10
  |
1 | [[router]
  |          ^ expected `]`

error: `1:x` is not a route distinguisher
 --> test.toml:7:6
  |
7 | rd = "1:x"
  |      ^^^^^ expected AS:NUMBER or IPV4:NUMBER

error: unclosed array
 --> test.toml:8:16
  |
8 | import = ["1:1"
  |                ^ expected `]`
"#);
}

#[test]
fn v3_host_bits_are_errors_in_routes_and_none_in_interface_addresses() {
    let text = red("[[vrf.routes]]\nprefixes = [\"10.0.0.1/8\", \"2001:db8::1/32\"]\ninterface = \"eth0\"\n");
    insta::assert_snapshot!(errors(&text), @r#"
error: `10.0.0.1/8` has host bits set
  --> test.toml:13:13
   |
13 | prefixes = ["10.0.0.1/8", "2001:db8::1/32"]
   |             ^^^^^^^^^^^^ expected `10.0.0.0/8`

error: `2001:db8::1/32` has host bits set
  --> test.toml:13:27
   |
13 | prefixes = ["10.0.0.1/8", "2001:db8::1/32"]
   |                           ^^^^^^^^^^^^^^^^ expected `2001:db8::/32`
"#);
}

#[test]
fn s5_a_next_hop_that_resolves_nowhere_is_a_warning() {
    let text = red("[[vrf.routes]]\nprefixes = [\"10.0.0.0/8\"]\nnext_hop = \"198.51.100.1\"\n");
    insta::assert_snapshot!(read(&text).expect("a network").warnings.render(false), @r#"
warning: next hop `198.51.100.1` does not resolve in VRF `red`: its routes are not used
  --> test.toml:14:12
   |
14 | next_hop = "198.51.100.1"
   |            ^^^^^^^^^^^^^^ expected an address in a subnet of the VRF, or `interface` beside it
"#);
    for resolved in ["next_hop = \"192.0.2.9\"", "next_hop = \"198.51.100.1\"\ninterface = \"eth0\""] {
        let text = red(&format!("[[vrf.routes]]\nprefixes = [\"10.0.0.0/8\"]\n{resolved}\n"));
        assert!(read(&text).expect("a network").warnings.is_empty());
    }
    // The engine decides: a static route that resolves carries the next hops under it, one that does not does not.
    for (via, warnings) in [("192.0.2.9", 0), ("203.0.113.1", 2)] {
        let text = red(&format!(
            "[[vrf.static]]\nprefix = \"198.51.100.0/24\"\nvia = \"{via}\"\n\
             [[vrf.routes]]\nprefixes = [\"10.0.0.0/8\"]\nnext_hop = \"198.51.100.1\"\n"
        ));
        assert_eq!(read(&text).expect("a network").warnings.warnings(), warnings, "{via}");
    }
    insta::assert_snapshot!(errors(&red("[[vrf.routes]]\nmed = 1\n")), @r"
error: a group of routes comes from one source
  --> test.toml:12:1
   |
12 | [[vrf.routes]]
   | ^^^^^^^^^^^^^^ expected one of `prefixes`, `generate` and `file`
");
    insta::assert_snapshot!(errors(&red("[[vrf.routes]]\nprefixes = [\"10.0.0.0/8\"]\n")), @r#"
error: route `10.0.0.0/8` has no next hop
  --> test.toml:13:12
   |
13 | prefixes = ["10.0.0.0/8"]
   |            ^^^^^^^^^^^^^^ expected `next_hop` or `interface` beside it
"#);
}

#[test]
fn one_rd_on_two_vrfs_is_an_error_where_the_dialect_says_so() {
    let blue = "[[vrf]]\nname = \"blue\"\nrouter = \"pe1\"\nrd = \"65000:1\"\n";
    assert!(read(&red(blue)).is_ok());
    let text = red(blue).replace("asn", "dialect = \"ios\"\nasn");
    insta::assert_snapshot!(errors(&text), @r#"
error: RD `65000:1` is already that of VRF `red` on router `pe1`
  --> test.toml:16:6
   |
16 | rd = "65000:1"
   |      ^^^^^^^^^ expected another RD
"#);
}

#[test]
fn lists_report_their_own_lines_and_are_read_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("net.toml");
    let routes = "[[vrf.routes]]\nfile = \"list\"\ninterface = \"eth0\"\n[[vrf.routes]]\nfile = \"list\"\nnext_hop = \"192.0.2.2\"\n";
    std::fs::write(&path, red(routes)).expect("written");
    std::fs::write(folder.path().join("list"), "10.0.0.0/8\n10.0.0.0/9 192.0.2.7\n").expect("written");
    let network = load(&path, &BTreeMap::new()).expect("a network").network;
    assert_eq!(network.source_routes::<u32>(), 2 + 4);
    std::fs::write(folder.path().join("list"), "10.0.0.0/8\n10.0.0.1/9\nx\n").expect("written");
    let errors = load(&path, &BTreeMap::new()).expect_err("wrong lines");
    assert_eq!(errors.errors(), 3);
    let shown = errors.render(false).replace(&folder.path().display().to_string(), "FOLDER");
    insta::assert_snapshot!(shown, @r#"
error: `10.0.0.1/9` has host bits set
 --> FOLDER/list:2:1
  |
2 | 10.0.0.1/9
  | ^^^^^^^^^^ expected `10.0.0.0/9`

error: `x` is not a prefix
 --> FOLDER/list:3:1
  |
3 | x
  | ^ expected PREFIX or PREFIX NEXT_HOP

error: file `list` is not a prefix list: 2 errors in `FOLDER/list`
  --> FOLDER/net.toml:13:8
   |
13 | file = "list"
   |        ^^^^^^ expected a list of PREFIX or PREFIX NEXT_HOP lines
"#);
    let unused = BTreeMap::from([("table".to_owned(), path.clone())]);
    std::fs::write(&path, red("")).expect("written");
    let warnings = load(&path, &unused).expect("a network").warnings;
    assert!(warnings.to_string().ends_with("net.toml: no group of routes has `file = \"$table\"`"), "{warnings}");
}

#[test]
fn limits_are_named_with_their_value() {
    let text = red("[[vrf.routes]]\ninterface = \"eth0\"\ngenerate = { count = 4000000000, base = \"::/0\" }\n");
    insta::assert_snapshot!(errors(&text), @r#"
error: 4000000000 routes, the limit is 100000000
  --> test.toml:14:22
   |
14 | generate = { count = 4000000000, base = "::/0" }
   |                      ^^^^^^^^^^ expected fewer routes
"#);
    let inputs = Inputs { route_limit: 2, ..Inputs::default() };
    let text = red("[[vrf.routes]]\ninterface = \"eth0\"\nprefixes = [\"1.0.0.0/8\", \"2.0.0.0/8\", \"3.0.0.0/8\"]\n");
    let error = parse(&SourceText::new("f", text), &inputs).expect_err("too many");
    assert_eq!(error.to_string(), "f:14:12: 3 routes up to here, the limit is 2");
    let text = red("[[vrf.routes]]\ninterface = \"eth0\"\nfile = \"/dev/zero\"\n");
    assert_eq!(errors(&text).lines().next(), Some("error: file `/dev/zero` may not be read from here"));
}

#[test]
fn a_scenario_of_many_mistakes_ends_soon() {
    let vrf = "[[vrf]]\nname = \"a\"\nrouter = \"pe2\"\nrd = \"1:\"\n[[vrf.static]]\nprefix = \"1\"\n";
    let errors = read(&format!("{ROUTER}{}", vrf.repeat(20_000))).expect_err("wrong");
    assert_eq!((errors.errors(), errors.iter().count()), (80_000, 100));
}

#[test]
fn generated_routes_depend_on_the_seed_alone() {
    let text = |seed: u32| {
        let group = "[[vrf.routes]]\ninterface = \"eth0\"\ngenerate = { count = 100, base = \"10.0.0.0/8\" }\n";
        format!("seed = {seed}\n{}", red(&group.repeat(2)))
    };
    let routes = |seed| read(&text(seed)).expect("a network").network.vrfs()[0].families.ipv4.routes.clone();
    assert_eq!(routes(1), routes(1));
    assert_ne!(routes(1), routes(2));
    assert_ne!(routes(1)[2..102], routes(1)[102..], "each group has a stream of its own");
}

#[test]
fn the_schema_names_every_key_and_forbids_others() {
    let schema = schema();
    let value: serde_json::Value = serde_json::from_str(&schema).expect("JSON");
    assert_eq!(value["additionalProperties"], false);
    assert_eq!(value["$defs"]["RouterTable"]["required"], serde_json::json!(["name", "asn", "router_id"]));
    assert_eq!(value["$defs"]["StaticTable"]["properties"]["distance"]["type"], "integer");
    assert!(!schema.contains("null") && !schema.contains("\"default\":"), "{schema}");
    insta::assert_snapshot!(schema);
}

proptest! {
    #[test]
    fn reading_never_panics(text in "(\\[\\[(router|vrf|vrf\\.routes)\\]\\]\n|(name|rd|import|prefixes|asn) = (\"[a-z0-9:./]{0,8}\"|[0-9]{1,4}|\\[\"1\\.0\\.0\\.0/8\"\\])\n|.{0,4}\n){0,12}") {
        if let Err(errors) = read(&text) {
            prop_assert!(!errors.render(false).is_empty());
        }
    }
}

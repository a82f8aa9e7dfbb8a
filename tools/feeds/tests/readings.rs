//! The captures of real routers against another program's reading of them, where they are at hand: under the folder that
//! `VRFLEAK_SHARED` names, or in `../shared` beside the workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use vrfleak_engine::{Address, RouteTarget};
use vrfleak_feeds::Feed;

/// Returns the folder of a capture and its reading, or `None` where there is none.
fn folder(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("VRFLEAK_SHARED").map_or(beside, PathBuf::from);
    let folder = shared.join("data/bmp-vpn").join(name);
    folder.is_dir().then_some(folder)
}

/// A route of the last state, by its texts: RD, prefix, next hop, label, targets, AS path, communities.
type Row = (String, String, String, Option<u64>, Vec<String>, Vec<u64>, usize);

/// What a reading comes to: every message in order does to a map what it says, with nothing shared with the feed.
#[derive(Default)]
struct Oracle {
    /// By peer, view, and what a withdrawal names.
    routes: BTreeMap<(String, String, [String; 3]), Row>,
    post_policy: BTreeSet<(String, bool)>,
    /// The identifier of the monitored router.
    own: String,
    messages: u64,
    mistakes: u64,
}

impl Oracle {
    /// Reads the first `count` messages of a reading.
    fn read(text: &str, count: u64) -> Self {
        let mut oracle = Self::default();
        for line in text.lines().filter(|line| !line.trim().is_empty()).take(count as usize) {
            let line: Value = serde_json::from_str(line).expect("a message a line");
            oracle.messages += 1;
            match line.get("V3").and_then(|message| message.as_object()?.iter().next()) {
                None => oracle.mistakes += 1,
                Some((kind, body)) => oracle.message(kind, body),
            }
        }
        oracle
    }

    fn message(&mut self, kind: &str, body: &Value) {
        let header = &body["peer_header"];
        let kinds = header["peer_type"].as_object();
        let Some((peer_kind, flags)) = kinds.and_then(|kind| kind.iter().next()) else { return };
        let peer = format!("{peer_kind} {} {}", header["rd"], header["address"]);
        match kind {
            "PeerUpNotification" if peer_kind == "LocRibInstancePeer" => {}
            "PeerUpNotification" | "PeerDownNotification" => {
                if kind == "PeerUpNotification" {
                    self.own = text(&body["sent_message"]["Open"]["bgp_id"]);
                }
                self.routes.retain(|key, _| key.0 != peer);
                self.post_policy.retain(|key| key.0 != peer);
            }
            "RouteMonitoring" => {
                let view = match (flags["adj_rib_out"] == true, flags["post_policy"] == true) {
                    _ if peer_kind == "LocRibInstancePeer" => "loc-rib",
                    (true, _) => "out",
                    (false, true) => "post",
                    (false, false) => "pre",
                };
                let site = (peer_kind == "RdInstancePeer").then(|| rd(&header["rd"]));
                let own = match text(&header["bgp_id"]) {
                    // Routes of its own have a peer that is nobody.
                    none if none == "0.0.0.0" => self.own.clone(),
                    own => own,
                };
                self.update(&peer, view, (site.as_deref(), &own), &body["update_message"]["Update"]);
            }
            _ => {}
        }
    }

    /// `own` is the router itself, which announces what has no next hop.
    fn update(&mut self, peer: &str, view: &str, (site, own): (Option<&str>, &str), update: &Value) {
        let attribute = |name: &str| {
            let attributes = update["path_attributes"].as_array().expect("attributes").iter();
            attributes.map(|attribute| &attribute["value"]).find_map(|value| value.get(name)).unwrap_or(&Value::Null)
        };
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let key = |route: &Value| {
            let rd = route.get("rd").map_or_else(|| site.unwrap_or_default().to_owned(), rd);
            let kind = if route.get("rd").is_some() { "vpn" } else { "site" };
            let network = route["network"].as_str().expect("a prefix").to_owned();
            (peer.to_owned(), view.to_owned(), [format!("{kind} {rd}"), network, route["path_id"].to_string()])
        };
        let wanted = |family: &str| {
            matches!(family, "Ipv4MplsVpnUnicast" | "Ipv6MplsVpnUnicast")
                || site.is_some() && matches!(family, "Ipv4Unicast" | "Ipv6Unicast")
        };
        let families = |value: &Value| -> Vec<(String, Value)> {
            let families = value.as_object().cloned().unwrap_or_default();
            families.into_iter().filter(|(family, _)| wanted(family)).collect()
        };
        for (family, body) in families(attribute("MpUnreach")).into_iter().chain(families(attribute("MpReach"))) {
            if view == "post" {
                self.post_policy.insert((peer.to_owned(), family.starts_with("Ipv6")));
            }
            if body.get("next_hop").is_none() && body.get("next_hop_global").is_none() {
                for route in list(&body["nlri"]) {
                    self.routes.remove(&key(&route));
                }
            }
        }
        if site.is_some() {
            for route in list(&update["withdrawn_routes"]) {
                self.routes.remove(&key(&route));
            }
        }
        let targets: BTreeSet<String> = list(&attribute("ExtendedCommunities")["communities"])
            .iter()
            .filter_map(|community| {
                let value = community.as_object()?.values().next()?.get("RouteTarget")?;
                Some(format!("{}:{}", text(&value["global_admin"]), value["local_admin"]))
            })
            .collect();
        let path = list(&attribute("AsPath")["As4PathSegments"]);
        let path: Vec<u64> = path
            .iter()
            .flat_map(|segment| list(&segment["as_numbers"]))
            .map(|number| number.as_u64().expect("a number"))
            .collect();
        let communities = list(&attribute("Communities")["communities"]);
        let communities = communities.iter().map(Value::to_string).collect::<BTreeSet<_>>().len();
        let mut announce = |route: &Value, next_hop: String| {
            let key = key(route);
            let rd = key.2[0].split_once(' ').expect("a kind").1.to_owned();
            let label = route["label_stack"][0]
                .as_array()
                .map(|bytes| bytes.iter().fold(0, |label, byte| label << 8 | byte.as_u64().expect("a byte")) >> 4);
            let targets = targets.iter().cloned().collect();
            let row = (rd, key.2[1].clone(), next_hop, label, targets, path.clone(), communities);
            self.routes.insert(key, row);
        };
        for (_, body) in families(attribute("MpReach")) {
            let next_hop = match &body["next_hop"] {
                Value::Object(labeled) => text(&labeled.values().next().expect("one of two")["next_hop"]),
                Value::String(address) => address.clone(),
                _ => text(&body["next_hop_global"]),
            };
            let next_hop: std::net::IpAddr = next_hop.parse().expect("an address");
            let next_hop = if next_hop.is_unspecified() { own.to_owned() } else { next_hop.to_canonical().to_string() };
            for route in list(&body["nlri"]) {
                announce(&route, next_hop.clone());
            }
        }
        if site.is_some() {
            for route in list(&update["nlri"]) {
                announce(&route, text(&attribute("NextHop")["next_hop"]));
            }
        }
    }

    /// Returns the rows of one kind and family, those of no view that hides behind another.
    fn rows(&self, kind: &str, ipv6: bool) -> BTreeSet<Row> {
        let order = ["post", "loc-rib", "pre", "out"];
        let rank = |view: &str| order.iter().position(|known| *known == view);
        let shown: Vec<_> = (self.routes.iter())
            .filter(|(key, row)| key.2[0].starts_with(kind) && row.1.contains(':') == ipv6)
            .filter(|(key, _)| key.1 != "pre" || !self.post_policy.contains(&(key.0.clone(), ipv6)))
            .collect();
        let best = |row: &Row| {
            let same = shown.iter().filter(|(_, other)| (&other.0, &other.1, &other.2) == (&row.0, &row.1, &row.2));
            same.map(|(key, _)| rank(&key.1)).min()
        };
        shown.iter().filter(|(key, row)| best(row) == Some(rank(&key.1))).map(|(_, row)| (*row).clone()).collect()
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn rd(value: &Value) -> String {
    let Some((kind, value)) = value.as_object().and_then(|value| value.iter().next()) else { return "0:0".to_owned() };
    match kind.as_str() {
        "As2Administrator" => format!("{}:{}", value["asn2"], value["number"]),
        "As4Administrator" => format!("{}:{}", value["asn4"], value["number"]),
        _ => format!("{}:{}", text(&value["ip"]), value["number"]),
    }
}

fn attributes(attributes: &vrfleak_engine::Attributes) -> (Vec<String>, Vec<u64>, usize) {
    let targets: BTreeSet<String> = attributes.route_targets.iter().flatten().map(RouteTarget::to_string).collect();
    let path = attributes.as_path.iter().map(|&asn| u64::from(asn)).collect();
    (targets.into_iter().collect(), path, attributes.communities.len())
}

fn vpn_rows<A: Address>(feed: &Feed) -> BTreeSet<Row> {
    let row = |route: &vrfleak_feeds::VpnRoute<A>| {
        let label = route.label.map(|label| u64::from(label.value()));
        let (targets, path, communities) = attributes(&route.attributes);
        (route.rd.to_string(), route.prefix.to_string(), route.pe.to_string(), label, targets, path, communities)
    };
    feed.vpn_routes::<A>().iter().map(row).collect()
}

fn site_rows<A: Address>(feed: &Feed) -> BTreeSet<Row> {
    let row = |route: &vrfleak_feeds::SiteRoute<A>| {
        let (targets, path, communities) = attributes(&route.attributes);
        (route.rd.to_string(), route.prefix.to_string(), route.next_hop.to_string(), None, targets, path, communities)
    };
    feed.site_routes::<A>().iter().map(row).collect()
}

/// Returns the capture after each of its packets: pcap with 24 bytes ahead of all, little endian.
fn beginnings(capture: &[u8]) -> Vec<&[u8]> {
    let mut ends = vec![24];
    while let Some(header) = ends.last().and_then(|&end| capture.get(end..end + 16)) {
        let len = u32::from_le_bytes(header[8..12].try_into().expect("four bytes"));
        ends.push(ends[ends.len() - 1] + 16 + len as usize);
    }
    ends.into_iter().map(|end| &capture[..end]).collect()
}

#[test]
fn oracle_every_state_is_that_of_the_readings() {
    for (name, least) in [("6wind-frr", [19, 12, 0, 0]), ("cisco-rd-instance", [0, 0, 50, 50])] {
        let Some(folder) = folder(name) else { return };
        let reading = fs::read_to_string(folder.join("traffic-00-bmp.json")).expect("a reading");
        let capture = fs::read(folder.join("traffic-00.pcap")).expect("a capture");
        let mut most = [0; 4];
        let mut messages = 0;
        for part in beginnings(&capture) {
            let (feed, _) = Feed::parse(name, part).expect("a capture");
            let counts = feed.counts();
            messages = counts.messages;
            let oracle = Oracle::read(&reading, messages);
            assert_eq!((counts.messages, counts.mistakes), (oracle.messages, oracle.mistakes), "{name}");
            assert_eq!(counts.holes, 0, "{name}");
            assert_eq!(vpn_rows::<u32>(&feed), oracle.rows("vpn", false), "{name}, {messages} messages");
            assert_eq!(vpn_rows::<u128>(&feed), oracle.rows("vpn", true), "{name}, {messages} messages");
            assert_eq!(site_rows::<u32>(&feed), oracle.rows("site", false), "{name}, {messages} messages");
            assert_eq!(site_rows::<u128>(&feed), oracle.rows("site", true), "{name}, {messages} messages");
            let found = [
                feed.vpn_routes::<u32>().len(),
                feed.vpn_routes::<u128>().len(),
                feed.site_routes::<u32>().len(),
                feed.site_routes::<u128>().len(),
            ];
            for (most, found) in most.iter_mut().zip(found) {
                *most = found.max(*most);
            }
        }
        assert_eq!(messages as usize, reading.lines().filter(|line| !line.trim().is_empty()).count(), "{name}");
        assert!(most.iter().zip(least).all(|(&found, least)| found >= least), "{name}: {most:?} at most");
    }
}

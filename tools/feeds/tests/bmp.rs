//! BMP streams and captures that were made for the purpose.

mod wire;

use std::net::IpAddr;

use insta::assert_snapshot;
use vrfleak_engine::Address;
use vrfleak_feeds::Feed;
use wire::{Route, announced, ce, ce_route, global, initiation, monitoring, peer, peer_down, peer_up, withdrawn};

const REFLECTOR: [u8; 4] = [10, 0, 0, 9];
const ROUTER: [u8; 4] = [10, 0, 0, 1];

fn lines<A: Address>(feed: &Feed) -> Vec<String> {
    let label = |label: Option<vrfleak_engine::Label>| label.map_or("-".to_owned(), |label| label.to_string());
    let line = |route: &vrfleak_feeds::VpnRoute<A>| {
        let targets: Vec<String> = route.attributes.route_targets.iter().flatten().map(ToString::to_string).collect();
        let (pe, rd, prefix, preference) = (route.pe, route.rd, route.prefix, route.attributes.local_preference);
        format!("{pe} {rd} {prefix} label {} {} {preference}", label(route.label), targets.join(","))
    };
    feed.vpn_routes::<A>().iter().map(line).collect()
}

/// Reads messages as a raw stream.
fn read(messages: &[Vec<u8>]) -> Feed {
    let (feed, warnings) = Feed::parse("stream", &messages.concat()[..]).expect("a stream");
    assert!(warnings.is_empty(), "{warnings}");
    feed
}

fn said(route: &Route<'_>) -> Vec<u8> {
    monitoring(peer(global(false), REFLECTOR), announced(route))
}

#[test]
fn a_route_has_what_the_message_says() {
    let feed = read(&[
        initiation("pe1"),
        peer_up(peer(global(false), REFLECTOR), ROUTER, false),
        said(&Route { targets: &[2, 1, 2], label: 0xf_ffff, local_preference: 70, ..Route::default() }),
        said(&Route { prefix: "2001:db8::/32", pe: "::ffff:192.0.2.1", ..Route::default() }),
    ]);
    assert_eq!(lines::<u32>(&feed), ["192.0.2.1 65000:1 10.1.0.0/16 label 1048575 65000:1,65000:2 70"]);
    assert_eq!(lines::<u128>(&feed), ["192.0.2.1 65000:1 2001:db8::/32 label 100 65000:1 100"]);
    let route = &feed.vpn_routes::<u32>()[0];
    assert_eq!((*route.attributes.as_path).to_vec(), [64999, 64998]);
    assert_eq!(route.attributes.communities[0].to_string(), "65000:7");
    assert_eq!(route.router_id, Some([198, 51, 100, 7].into()), "the originator");
    assert_eq!(route.asn, 65000);
}

#[test]
fn the_last_word_counts() {
    let up = || peer_up(peer(global(false), REFLECTOR), ROUTER, false);
    let withdraw = |route: &Route<'_>| monitoring(peer(global(false), REFLECTOR), withdrawn(route));
    let (a, b) = (Route::default(), Route { prefix: "10.2.0.0/16", ..Route::default() });
    let other_pe = Route { pe: "192.0.2.2", label: 200, targets: &[5], ..Route::default() };
    // A second announcement takes the place of the first, whatever its next hop.
    let replaced = read(&[up(), said(&a), said(&b), said(&other_pe)]);
    let b_line = "192.0.2.1 65000:1 10.2.0.0/16 label 100 65000:1 100";
    assert_eq!(lines::<u32>(&replaced), [b_line, "192.0.2.2 65000:1 10.1.0.0/16 label 200 65000:5 100"]);
    // A withdrawal has no label, and takes back nothing of another RD.
    let other_rd = Route { rd: 2, ..Route::default() };
    let gone = read(&[up(), said(&a), said(&b), said(&other_rd), withdraw(&a)]);
    assert_eq!(lines::<u32>(&gone), [b_line, "192.0.2.1 65000:2 10.1.0.0/16 label 100 65000:1 100"]);
    let back = read(&[up(), said(&a), withdraw(&a), withdraw(&a), said(&a), said(&a)]);
    assert_eq!(lines::<u32>(&back).len(), 1);
    assert_eq!((back.counts().announced, back.counts().withdrawn), (3, 2));
    // A peer that goes down takes its routes along, and so does one that comes up again, but not those of others.
    let other_peer = [10, 0, 0, 8];
    let elsewhere = monitoring(peer(global(false), other_peer), announced(&b));
    for end in [peer_down(peer(global(false), REFLECTOR)), up()] {
        let left = read(&[up(), said(&a), elsewhere.clone(), end]);
        assert_eq!(lines::<u32>(&left), [b_line]);
    }
    // A router that begins again says everything again.
    let again = read(&[initiation("pe1"), up(), said(&a), initiation("pe2"), up(), said(&b), initiation("pe1")]);
    assert_eq!(lines::<u32>(&again), [b_line]);
}

#[test]
fn several_paths_of_one_nlri() {
    let up = peer_up(peer(global(false), REFLECTOR), ROUTER, true);
    let path = |id, pe, local_preference| Route { path_id: Some(id), pe, local_preference, ..Route::default() };
    let (one, two) = (path(1, "192.0.2.1", 100), path(2, "192.0.2.2", 90));
    let both = read(&[up.clone(), said(&one), said(&two)]);
    let (first, second) =
        ("192.0.2.1 65000:1 10.1.0.0/16 label 100 65000:1 100", "192.0.2.2 65000:1 10.1.0.0/16 label 100 65000:1 90");
    assert_eq!(lines::<u32>(&both), [first, second]);
    let withdraw = monitoring(peer(global(false), REFLECTOR), withdrawn(&one));
    assert_eq!(lines::<u32>(&read(&[up, said(&one), said(&two), withdraw])), [second]);
}

#[test]
fn the_view_after_the_policies_counts() {
    let pre = |route: &Route<'_>| monitoring(peer(global(false), REFLECTOR), announced(route));
    let post = |route: &Route<'_>| monitoring(peer(global(true), REFLECTOR), announced(route));
    let changed = Route { local_preference: 300, ..Route::default() };
    let denied = Route { prefix: "10.2.0.0/16", ..Route::default() };
    let line = "192.0.2.1 65000:1 10.1.0.0/16 label 100 65000:1 300";
    let feed = read(&[pre(&Route::default()), pre(&denied), post(&changed)]);
    assert_eq!(lines::<u32>(&feed), [line], "what the policies denied is not there");
    // Where the policies denied everything the view has an end and nothing else.
    let end = monitoring(peer(global(true), REFLECTOR), wire::end_of_rib());
    assert_eq!(lines::<u32>(&read(&[pre(&denied), end])), <[&str; 0]>::default());
    assert_eq!(lines::<u32>(&read(&[pre(&denied)])).len(), 1, "without that view the other counts");
}

#[test]
fn routes_of_ces_are_those_of_their_vrf() {
    let site = ce(wire::rd(7), [172, 16, 0, 2], 65001);
    let internal = ce(wire::rd(7), [172, 16, 0, 3], 65000);
    let feed = read(&[
        initiation("pe1"),
        peer_up(site.clone(), ROUTER, false),
        peer_up(internal.clone(), ROUTER, false),
        ce_route(site, "10.7.0.0/16"),
        ce_route(internal, "10.7.0.0/16"),
    ]);
    assert!(feed.vpn_routes::<u32>().is_empty());
    let routes: Vec<_> = feed
        .site_routes::<u32>()
        .iter()
        .map(|route| {
            assert_eq!((route.router_id, &*route.router_name), (Some(ROUTER.into()), "pe1"));
            assert_eq!(route.attributes.route_targets, None, "they get those of the VRF");
            format!("{} {} {} {}", route.rd, route.prefix, route.next_hop, route.attributes.internal)
        })
        .collect();
    assert_eq!(routes, ["65000:7 10.7.0.0/16 172.16.0.2 false", "65000:7 10.7.0.0/16 172.16.0.3 true"]);
}

#[test]
fn captures_of_all_kinds_say_the_same() {
    let routes: Vec<String> = (0..50).map(|number| format!("10.{number}.0.0/16")).collect();
    let mut messages = vec![initiation("pe1")];
    messages.extend(routes.iter().map(|prefix| said(&Route { prefix, ..Route::default() })));
    let expected = lines::<u32>(&read(&messages));
    assert_eq!(expected.len(), 50);
    let stream = messages.concat();
    for source in [IpAddr::from([192, 0, 2, 77]), "2001:db8::77".parse().expect("an address")] {
        for sequence in [0, u32::MAX - 3000] {
            for size in [1, 83, 1400, 60_000] {
                let mut frames = wire::connection(source, sequence, &stream, size);
                let (feed, warnings) = Feed::parse("in order", &wire::pcap(&frames)[..]).expect("a capture");
                assert!(warnings.is_empty(), "{warnings}");
                assert_eq!(lines::<u32>(&feed), expected, "{size} bytes a segment");
                // Late by a few segments, and everything twice.
                let again = frames.clone();
                frames.extend(again);
                for chunk in frames[1..].chunks_mut(5) {
                    chunk.reverse();
                }
                let (feed, warnings) = Feed::parse("shuffled", &wire::pcapng(&frames)[..]).expect("a capture");
                assert!(warnings.is_empty(), "{warnings}");
                assert_eq!(lines::<u32>(&feed), expected, "{size} bytes a segment");
            }
        }
    }
    // Behind a VLAN tag, and beside a connection of something else.
    let foreign = wire::connection([192, 0, 2, 78].into(), 7, &b"GET / HTTP/1.1\r\n".repeat(100), 100);
    let tagged = [
        vec![wire::frame([192, 0, 2, 77].into(), 9, true, &[], true)],
        foreign,
        vec![wire::frame([192, 0, 2, 77].into(), 10, false, &stream, true)],
    ];
    let (feed, warnings) = Feed::parse("tagged", &wire::pcap(&tagged.concat())[..]).expect("a capture");
    assert!(warnings.is_empty(), "{warnings}");
    assert_eq!(lines::<u32>(&feed), expected);
}

#[test]
fn a_capture_with_holes_says_so() {
    let routes: Vec<String> = (0..50).map(|number| format!("10.{number}.0.0/16")).collect();
    let mut messages = vec![initiation("pe1")];
    messages.extend(routes.iter().map(|prefix| said(&Route { prefix, ..Route::default() })));
    let mut frames = wire::connection([192, 0, 2, 77].into(), 5, &messages.concat(), 400);
    // The beginning is not there, and neither is a segment in the middle.
    frames.drain(0..2);
    frames.remove(9);
    let (feed, warnings) = Feed::parse("holes.pcap", &wire::pcap(&frames)[..]).expect("a capture");
    assert_eq!(lines::<u32>(&feed).len(), feed.counts().messages as usize);
    assert!((40..50).contains(&feed.counts().messages), "{:?}", feed.counts());
    assert_snapshot!(warnings.render(false), @r"
warning: 1 segment is missing in BMP sessions, 340 bytes are no whole message
--> holes.pcap
 = note: what they said is lost
");
    let whole = wire::pcap(&frames);
    let (feed, warnings) = Feed::parse("cut.pcap", &whole[..whole.len() - 10]).expect("what is there");
    assert!(feed.vpn_routes::<u32>().len() > 30);
    assert_snapshot!(warnings.render(false), @r"
warning: breaks off inside a packet, at byte 8484
--> cut.pcap
 = note: what comes before counts

warning: 1 segment is missing in BMP sessions, 438 bytes are no whole message
--> cut.pcap
 = note: what they said is lost
");
}

#[test]
fn a_message_that_makes_no_sense_has_no_effect() {
    let mut wrong = said(&Route { prefix: "10.2.0.0/16", ..Route::default() });
    let end = wrong.len();
    wrong[end - 60] ^= 0x55;
    let messages = [said(&Route::default()), wrong, said(&Route { prefix: "10.3.0.0/16", ..Route::default() })];
    let (feed, warnings) = Feed::parse("wrong.bmp", &messages.concat()[..]).expect("a stream");
    assert_eq!((feed.counts().messages, feed.counts().mistakes, lines::<u32>(&feed).len()), (3, 1, 2));
    assert_snapshot!(warnings.render(false), @r"
warning: 1 BMP message is not understood, the first number 2: in UPDATE message: in path attribute: in communities: unexpected end of buffer at byte offset 96 (needed 81, available 59)
--> wrong.bmp
 = note: without effect
");
}

#[test]
fn what_is_no_feed_is_refused() {
    for (name, bytes) in [("empty", &b""[..]), ("text", b"hostname pe1\n"), ("binary", &[0, 1, 2, 3])] {
        let error = Feed::parse(name, bytes).expect_err("no feed");
        assert_eq!(error.errors(), 1, "{name}");
        if name == "text" {
            assert_snapshot!(error.render(false), @r"
error: is no feed
--> text
 = note: expected a pcap or pcapng capture of BMP, a BMP stream, or FRR's `show bgp ipv4 vpn json`
");
        }
    }
}

#[test]
fn a_capture_without_bmp_says_so() {
    let whole = wire::pcap(&[]);
    let (feed, warnings) = Feed::parse("empty.pcap", &whole[..]).expect("a capture");
    assert_eq!(feed.counts().messages, 0);
    assert_snapshot!(warnings.render(false), @r"
    warning: has no BMP message
    --> empty.pcap
     = note: expected what a router sends to its BMP station
    ");
}

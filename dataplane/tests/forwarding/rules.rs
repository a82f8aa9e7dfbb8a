//! SEMANTICS F1 to F7, each on a network of two or three VRFs with the answer written down.

use vrfleak_dataplane::{Fate, Hop, Ping, ReplyLoss, Verdict};
use vrfleak_engine::{Label, NextHopKind, VrfId};

use crate::site::{Site, kind, v4, v6};

fn hops<A: vrfleak_engine::Address>(hops: &[Hop<A>]) -> Vec<(VrfId, String, Option<VrfId>, Option<u32>)> {
    hops.iter().map(|hop| (hop.vrf, hop.prefix.to_string(), hop.to, hop.label.map(Label::value))).collect()
}

#[test]
fn f1_a_packet_is_looked_up_in_its_own_vrf_and_nowhere_else() {
    let mut site = Site::default();
    let pe = site.router("pe");
    let (a, b) = (site.vrf(pe, &[]), site.vrf(pe, &[]));
    site.address(a, "10.0.0.1/24");
    site.address(b, "10.0.1.1/24");
    site.address(b, "2001:db8::1/64");
    site.check(|dataplane| {
        assert_eq!(dataplane.forward(a, v4("10.0.1.1")), Fate::NoRoute { vrf: a });
        assert_eq!(dataplane.forward(b, v4("10.0.0.1")), Fate::NoRoute { vrf: b });
        assert_eq!(dataplane.forward(b, v4("10.0.1.1")).vrf(), b);
        assert!(matches!(dataplane.forward(b, v4("10.0.1.1")), Fate::Delivered { .. }));
        assert_eq!(dataplane.forward(a, v6("2001:db8::1")), Fate::NoRoute { vrf: a });
        assert!(matches!(dataplane.forward(b, v6("2001:db8::1")), Fate::Delivered { .. }));
        assert_eq!(dataplane.trace(a, v4("10.0.1.1")).hops, []);
    });
}

#[test]
fn f1_a_miss_in_the_second_vrf_does_not_fall_back_to_the_first() {
    let mut site = Site::default();
    let pe = site.router("pe");
    let (a, b) = (site.vrf(pe, &[]), site.vrf(pe, &[]));
    site.address(a, "10.0.0.1/8");
    site.fixed(a, "10.1.0.0/16", NextHopKind::Vrf { vrf: b });
    site.check(|dataplane| {
        let trace = dataplane.trace(a, v4("10.1.0.9"));
        assert_eq!(trace.fate, Fate::NoRoute { vrf: b });
        assert_eq!(hops(&trace.hops), [(a, "10.1.0.0/16".to_owned(), Some(b), None)]);
    });
}

#[test]
fn f2_a_leaked_host_route_attracts_traffic_from_a_local_subnet() {
    let mut site = Site::default();
    let pe = site.router("pe");
    let (a, b) = (site.vrf(pe, &[1]), site.vrf(pe, &[]));
    site.address(a, "10.0.0.1/24");
    site.address(b, "10.0.0.9/32");
    site.check(|dataplane| {
        assert_eq!(dataplane.forward(a, v4("10.0.0.9")).vrf(), b);
        assert_eq!(dataplane.forward(a, v4("10.0.0.8")).vrf(), a);
        assert_eq!(dataplane.fibs().lookup_match(a, v4("10.0.0.9")).map(|found| found.prefix.len()), Some(32));
        assert_eq!(dataplane.fibs().lookup_match(a, v4("10.0.0.8")).map(|found| found.prefix.len()), Some(24));
    });
}

#[test]
fn f3_on_one_router_a_leaked_route_leads_to_its_vrf_without_a_label() {
    let mut site = Site::default();
    let pe = site.router("pe");
    let (a, b) = (site.vrf(pe, &[1]), site.vrf(pe, &[]));
    site.address(b, "10.0.1.1/24");
    let interface = site.interface(b);
    site.check(|dataplane| {
        let trace = dataplane.trace(a, v4("10.0.1.7"));
        let way = [(a, "10.0.1.0/24".to_owned(), Some(b), None), (b, "10.0.1.0/24".to_owned(), None, None)];
        assert_eq!(hops(&trace.hops), way);
        let Fate::Delivered { vrf, next_hop } = trace.fate else { panic!("{:?}", trace.fate) };
        assert_eq!((vrf, kind(dataplane.network(), next_hop)), (b, NextHopKind::Attached { interface }));
    });
}

#[test]
fn f3_between_routers_the_vpn_label_of_the_vrf_leads_to_it() {
    let mut site = Site::default();
    let (pe1, pe2) = (site.router("pe1"), site.router("pe2"));
    let a = site.vrf(pe1, &[2]);
    let _first_of_pe2 = site.vrf(pe2, &[]);
    let b = site.vrf(pe2, &[0]);
    site.address(a, "10.0.0.1/24");
    site.address(b, "10.0.1.1/24");
    site.address(a, "2001:db8:a::1/64");
    site.address(b, "2001:db8:b::1/64");
    site.check(|dataplane| {
        let trace = dataplane.trace(a, v4("10.0.1.1"));
        let way = [(a, "10.0.1.0/24".to_owned(), Some(b), Some(17)), (b, "10.0.1.1/32".to_owned(), None, None)];
        assert_eq!(hops(&trace.hops), way);
        let trace = dataplane.trace(b, v6("2001:db8:a::1"));
        let way =
            [(b, "2001:db8:a::/64".to_owned(), Some(a), Some(16)), (a, "2001:db8:a::1/128".to_owned(), None, None)];
        assert_eq!(hops(&trace.hops), way);
    });
}

#[test]
fn f3_the_source_vrf_looks_the_packet_up_again() {
    let mut site = Site::default();
    let pe = site.router("pe");
    let (a, b, c) = (site.vrf(pe, &[1]), site.vrf(pe, &[]), site.vrf(pe, &[]));
    let gateway = NextHopKind::Gateway { address: [10, 9, 9, 9].into(), interface: Some(site.interface(b)) };
    site.fixed(b, "10.0.0.0/8", gateway);
    site.fixed(b, "11.0.0.0/8", NextHopKind::Vrf { vrf: c });
    // Not exported, but it catches what the exported route leads here.
    site.address(b, "10.1.0.1/16");
    site.builder.family::<u32>(b).redistribute.connected = false;
    site.address(c, "11.2.0.1/16");
    site.check(|dataplane| {
        let end = |destination| match dataplane.forward(a, v4(destination)) {
            Fate::Delivered { vrf, next_hop } => (vrf, Some(kind(dataplane.network(), next_hop))),
            lost => (lost.vrf(), None),
        };
        let interface = |vrf: VrfId| vrfleak_engine::InterfaceId(vrf.0);
        assert_eq!(end("10.2.0.1"), (b, Some(gateway)));
        assert_eq!(end("10.1.0.2"), (b, Some(NextHopKind::Attached { interface: interface(b) })));
        assert_eq!(end("10.1.0.1"), (b, Some(NextHopKind::Receive { interface: interface(b) })));
        assert_eq!(end("11.2.0.9"), (c, Some(NextHopKind::Attached { interface: interface(c) })));
        assert_eq!(dataplane.forward(a, v4("11.3.0.9")), Fate::NoRoute { vrf: c });
    });
}

#[test]
fn f4_a_leaked_discard_route_discards_where_it_was_imported() {
    let mut site = Site::default();
    let (pe1, pe2) = (site.router("pe1"), site.router("pe2"));
    let (a, b, far) = (site.vrf(pe1, &[1]), site.vrf(pe1, &[]), site.vrf(pe2, &[1]));
    site.fixed(b, "10.0.0.0/8", NextHopKind::Discard);
    // The discarding VRF would deliver this one, had the packet come so far.
    site.address(b, "10.1.0.1/32");
    site.builder.family::<u32>(b).redistribute.connected = false;
    site.check(|dataplane| {
        for vrf in [a, far] {
            let trace = dataplane.trace(vrf, v4("10.1.0.1"));
            assert_eq!(trace.fate, Fate::Discarded { vrf });
            assert_eq!(hops(&trace.hops), [(vrf, "10.0.0.0/8".to_owned(), None, None)]);
        }
        assert_eq!(dataplane.forward(b, v4("10.2.0.1")), Fate::Discarded { vrf: b });
        assert!(matches!(dataplane.forward(b, v4("10.1.0.1")), Fate::Delivered { .. }));
    });
}

#[test]
fn f5_a_packet_that_comes_back_to_a_vrf_loops() {
    let mut site = Site::default();
    let pe = site.router("pe");
    let (a, b, c) = (site.vrf(pe, &[]), site.vrf(pe, &[]), site.vrf(pe, &[]));
    site.fixed(a, "10.0.0.0/8", NextHopKind::Vrf { vrf: b });
    site.fixed(b, "10.0.0.0/8", NextHopKind::Vrf { vrf: c });
    site.fixed(c, "10.0.0.0/8", NextHopKind::Vrf { vrf: b });
    site.fixed(a, "11.0.0.0/8", NextHopKind::Vrf { vrf: a });
    // The same destination through three VRFs without coming back is no loop.
    site.address(c, "10.0.0.1/32");
    site.check(|dataplane| {
        let trace = dataplane.trace(a, v4("10.0.0.2"));
        assert_eq!(trace.fate, Fate::Loop { vrf: b });
        assert_eq!(trace.hops.iter().map(|hop| hop.vrf).collect::<Vec<_>>(), [a, b, c]);
        assert_eq!(dataplane.forward(c, v4("10.0.0.2")), Fate::Loop { vrf: c });
        assert_eq!(dataplane.forward(a, v4("11.0.0.1")), Fate::Loop { vrf: a });
        assert!(matches!(dataplane.forward(a, v4("10.0.0.1")), Fate::Delivered { vrf, .. } if vrf == c));
    });
}

#[test]
fn f5_long_chains_end_with_one_lookup_a_vrf() {
    for length in [2, 4, 5, 31, 32, 33, 34, 63, 64, 65, 130] {
        for back_to in [None, Some(0), Some(length / 2), Some(length - 1)] {
            let mut site = Site::default();
            let pe = site.router("pe");
            let vrfs: Vec<VrfId> = (0..length).map(|_| site.vrf(pe, &[])).collect();
            for pair in vrfs.windows(2) {
                site.fixed(pair[0], "10.0.0.0/8", NextHopKind::Vrf { vrf: pair[1] });
            }
            let last = vrfs[length - 1];
            match back_to {
                Some(to) => site.fixed(last, "10.0.0.0/8", NextHopKind::Vrf { vrf: vrfs[to] }),
                None => site.address(last, "10.0.0.1/32"),
            }
            site.check(|dataplane| {
                let trace = dataplane.trace(vrfs[0], v4("10.0.0.1"));
                assert_eq!(trace.hops.iter().map(|hop| hop.vrf).collect::<Vec<_>>(), vrfs);
                match back_to {
                    Some(to) => assert_eq!(trace.fate, Fate::Loop { vrf: vrfs[to] }),
                    None => assert_eq!(trace.fate.vrf(), last),
                }
                let ping = Ping { vrf: vrfs[0], source: v4("10.9.9.9"), destination: v4("10.0.0.1") };
                assert_eq!(dataplane.ping_batch(&[ping]), [dataplane.ping(ping)]);
            });
        }
    }
}

#[test]
fn f6_a_ping_succeeds_if_the_reply_comes_back() {
    let mut site = Site::default();
    let (pe1, pe2) = (site.router("pe1"), site.router("pe2"));
    let (a, b) = (site.vrf(pe1, &[1]), site.vrf(pe2, &[0]));
    site.address(a, "10.0.0.1/24");
    site.address(b, "10.0.1.1/24");
    site.check(|dataplane| {
        for destination in ["10.0.1.1", "10.0.1.200"] {
            let ping = dataplane.request(a, v4(destination)).expect("a has an address");
            assert_eq!(dataplane.ping(ping), Verdict::Delivered { vrf: b });
        }
        let itself = dataplane.request(a, v4("10.0.0.1")).expect("a has an address");
        assert_eq!(dataplane.ping(itself), Verdict::Delivered { vrf: a });
    });
}

#[test]
fn f6_a_request_that_is_lost_tells_how_and_where() {
    let mut site = Site::default();
    let pe = site.router("pe");
    let (a, b) = (site.vrf(pe, &[]), site.vrf(pe, &[]));
    site.address(a, "10.0.0.1/24");
    site.fixed(a, "10.1.0.0/16", NextHopKind::Vrf { vrf: b });
    site.fixed(b, "10.1.1.0/24", NextHopKind::Discard);
    site.fixed(b, "10.1.2.0/24", NextHopKind::Vrf { vrf: a });
    site.check(|dataplane| {
        let verdict = |destination| dataplane.ping(dataplane.request(a, v4(destination)).expect("an address"));
        let cases = [
            ("10.2.0.1", Verdict::NoRoute { vrf: a }, "no_route"),
            ("10.1.0.1", Verdict::NoRoute { vrf: b }, "no_route"),
            ("10.1.1.1", Verdict::Discarded { vrf: b }, "discarded"),
            ("10.1.2.1", Verdict::Loop { vrf: a }, "loop"),
            ("10.0.0.9", Verdict::Delivered { vrf: a }, "delivered"),
        ];
        for (destination, expected, name) in cases {
            assert_eq!(verdict(destination), expected, "{destination}");
            assert_eq!((verdict(destination).to_string(), expected.name()), (name.to_owned(), name));
            assert_eq!(verdict(destination).is_delivered(), name == "delivered");
        }
    });
}

#[test]
fn f6_a_reply_that_is_lost_tells_how_and_where() {
    let mut site = Site::default();
    let pe = site.router("pe");
    let (a, b, c) = (site.vrf(pe, &[1]), site.vrf(pe, &[]), site.vrf(pe, &[]));
    for last in 0..5 {
        site.address(a, &format!("10.0.{last}.1/32"));
    }
    site.address(b, "10.1.0.1/24");
    site.fixed(b, "10.0.0.1/32", NextHopKind::Vrf { vrf: a });
    site.fixed(b, "10.0.1.1/32", NextHopKind::Discard);
    site.fixed(b, "10.0.2.1/32", NextHopKind::Vrf { vrf: c });
    site.fixed(c, "10.0.2.1/32", NextHopKind::Vrf { vrf: b });
    site.fixed(b, "10.0.3.1/32", NextHopKind::Vrf { vrf: c });
    site.address(c, "10.0.3.1/32");
    // b's routes to these addresses stand in a as well, where its own addresses beat them; the reply sets out in b.
    site.check(|dataplane| {
        let unroutable = |reply| Verdict::ReplyUnroutable { vrf: b, reply };
        let cases = [
            ("10.0.0.1", Verdict::Delivered { vrf: b }, b),
            ("10.0.1.1", unroutable(ReplyLoss::Discarded { vrf: b }), b),
            ("10.0.2.1", unroutable(ReplyLoss::Loop { vrf: b }), b),
            ("10.0.3.1", unroutable(ReplyLoss::Elsewhere { vrf: c }), c),
            ("10.0.4.1", unroutable(ReplyLoss::NoRoute { vrf: b }), b),
        ];
        for (source, expected, ends_in) in cases {
            let verdict = dataplane.ping(Ping { vrf: a, source: v4(source), destination: v4("10.1.0.1") });
            assert_eq!(verdict, expected, "{source}");
            assert_eq!(verdict.vrf(), ends_in, "{source}");
        }
        let names = [
            (ReplyLoss::NoRoute { vrf: b }, "no_route"),
            (ReplyLoss::Discarded { vrf: b }, "discarded"),
            (ReplyLoss::Loop { vrf: b }, "loop"),
            (ReplyLoss::Elsewhere { vrf: b }, "elsewhere"),
        ];
        for (loss, name) in names {
            assert_eq!((loss.name(), unroutable(loss).name()), (name, "reply_unroutable"));
        }
    });
}

#[test]
fn f7_the_source_address_decides_the_reply() {
    let mut site = Site::default();
    let pe = site.router("pe");
    let (a, b) = (site.vrf(pe, &[1]), site.vrf(pe, &[]));
    site.address(a, "10.0.9.1/24");
    site.address(a, "10.0.0.1/24");
    site.address(b, "10.1.0.1/24");
    site.fixed(b, "10.0.0.0/24", NextHopKind::Vrf { vrf: a });
    site.check(|dataplane| {
        assert_eq!(dataplane.default_source(a), Some(v4("10.0.9.1")), "the first, not the lowest");
        let default = dataplane.request(a, v4("10.1.0.1")).expect("a has an address");
        assert_eq!(default.source, v4("10.0.9.1"));
        let lost = Verdict::ReplyUnroutable { vrf: b, reply: ReplyLoss::NoRoute { vrf: b } };
        assert_eq!(dataplane.ping(default), lost);
        let given = Ping { source: v4("10.0.0.1"), ..default };
        assert_eq!(dataplane.ping(given), Verdict::Delivered { vrf: b });
        // Not the VRF's own, yet the reply comes back to the VRF.
        let neighbor = Ping { source: v4("10.0.0.77"), ..default };
        assert_eq!(dataplane.ping(neighbor), Verdict::Delivered { vrf: b });
    });
}

#[test]
fn f7_a_vrf_without_an_own_address_has_no_source() {
    let mut site = Site::default();
    let pe = site.router("pe");
    let (a, b) = (site.vrf(pe, &[1]), site.vrf(pe, &[]));
    site.address(b, "10.1.0.1/24");
    site.check(|dataplane| {
        assert_eq!(dataplane.request(a, v4("10.1.0.1")), None);
        assert_eq!(dataplane.request(b, v6("2001:db8::1")), None);
        let matrix = dataplane.reachability::<u32>();
        assert_eq!(matrix.vrfs(), [(b, v4("10.1.0.1"))]);
        assert_eq!((matrix.get(a, b), matrix.get(b, b)), (None, Some(Verdict::Delivered { vrf: b })));
        assert_eq!(dataplane.reachability::<u128>().cells().len(), 0);
    });
}

#[test]
fn c3_a_vrf_that_is_down_forwards_nothing() {
    let mut site = Site::default();
    let pe = site.router("pe");
    let (a, b) = (site.vrf(pe, &[1]), site.vrf(pe, &[0]));
    site.address(a, "10.0.0.1/24");
    site.address(b, "10.0.1.1/24");
    site.builder.vrf_mut(b).up = false;
    site.check(|dataplane| {
        assert_eq!(dataplane.fibs().entries_of(b), 0);
        assert_eq!(dataplane.fibs().entries(), 2);
        let verdicts: Vec<Verdict> = dataplane.reachability::<u32>().cells().map(|cell| cell.verdict).collect();
        let delivered = Verdict::Delivered { vrf: a };
        let [in_a, in_b] = [a, b].map(|vrf| Verdict::NoRoute { vrf });
        assert_eq!(verdicts, [delivered, in_a, in_b, in_b]);
    });
}

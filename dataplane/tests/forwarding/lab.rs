//! The three-VRF lab and its three goals.

use vrfleak_dataplane::{Backend, Dataplane, Fibs, Ping, Verdict};
use vrfleak_engine::{Dialect, Leak, NetworkBuilder, Rd, Redistribute, RouteTarget, VrfId};

use crate::site::v4;

#[test]
fn the_lab_c_reaches_a_and_b_and_back_and_a_and_b_are_isolated() {
    for dialect in Dialect::ALL {
        let mut builder = NetworkBuilder::default();
        let router = builder.router("lab", 65535, [10, 255, 0, 1].into(), dialect);
        for (number, imports) in [(1, &[3][..]), (2, &[3]), (3, &[1, 2])] {
            let vrf = builder.vrf(router, &format!("VRF-{number}"), Some(Rd::as2(65535, number)));
            let family = builder.family::<u32>(vrf);
            family.export = vec![RouteTarget::as2(65535, number)];
            family.import = imports.iter().map(|&number| RouteTarget::as2(65535, number)).collect();
            family.redistribute = Redistribute { connected: true, statics: false };
            for loopback in 1..=3 {
                let interface = builder.interface(vrf, &format!("Loopback{number}{loopback}"));
                let address = format!("192.168.{number}{loopback}.1/24");
                builder.address(interface, address.parse().expect("an address"));
            }
        }
        let network = builder.build().expect("the lab");
        let fibs = Fibs::build(&Leak::new(&network), Backend::TreeBitmap).expect("the lab");
        let dataplane = Dataplane::new(&network, &fibs);
        let [a, b, c] = [0, 1, 2].map(VrfId);
        let addresses = |vrf: VrfId| (1..=3).map(move |last| v4(&format!("192.168.{}{last}.1", vrf.0 + 1)));
        let isolated = [(a, b), (b, a)];
        for (from, to) in [a, b, c].into_iter().flat_map(|from| [a, b, c].map(|to| (from, to))) {
            let isolated = isolated.contains(&(from, to));
            let expected = if isolated { Verdict::NoRoute { vrf: from } } else { Verdict::Delivered { vrf: to } };
            for (source, destination) in addresses(from).flat_map(|from| addresses(to).map(move |to| (from, to))) {
                let verdict = dataplane.ping(Ping { vrf: from, source, destination });
                assert_eq!(verdict, expected, "{} {source:x} {destination:x}", dialect.name);
            }
            assert_eq!(dataplane.reachability::<u32>().get(from, to), Some(expected));
        }
    }
}

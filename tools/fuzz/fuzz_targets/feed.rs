//! Feeds: any bytes as a BMP stream, as a capture and as FRR's JSON are a feed or a mistake that can be shown; what is
//! read can be added to a network; and a stream says the same in a capture's segments as bare.

#![no_main]

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use libfuzzer_sys::fuzz_target;
use vrfleak_engine::{Address, Dialect, Leak, Network, NetworkBuilder, Rd, RouteTarget};
use vrfleak_feeds::{Feed, add};

fuzz_target!(|data: &[u8]| {
    let Some((&kind, bytes)) = data.split_first() else { return };
    match kind % 3 {
        0 => check(Feed::parse("feed", bytes)),
        1 => check(Feed::parse("feed", &[&[3], bytes].concat()[..])),
        _ => {
            let stream = [&[3], bytes].concat();
            let Ok((bare, _)) = Feed::parse("feed", &stream[..]) else { return };
            let (captured, _) = Feed::parse("feed", &capture(&stream, usize::from(kind) + 1)[..]).expect("a capture");
            assert_eq!(routes::<u32>(&bare), routes::<u32>(&captured));
            assert_eq!(routes::<u128>(&bare), routes::<u128>(&captured));
            assert_eq!(bare.counts().messages, captured.counts().messages);
        }
    }
});

fn check<W: std::fmt::Debug>(feed: Result<(Feed, W), vrfleak_bench_data::Diagnostics>) {
    match feed {
        Ok((feed, _)) => {
            let (network, _) = add(network(), &[feed], &[]).expect("nothing in a feed is against the model");
            let _ = Leak::new(&network);
        }
        Err(mistakes) => assert!(mistakes.errors() > 0 && !mistakes.render(false).is_empty()),
    }
}

fn network() -> Network {
    let mut builder = NetworkBuilder::default();
    let pe = builder.router("pe1", 65000, Ipv4Addr::new(10, 0, 0, 1), Dialect::IOS);
    let red = builder.vrf(pe, "red", Some(Rd::as2(65000, 1)));
    builder.family::<u32>(red).import = vec![RouteTarget::as2(65000, 1)];
    builder.build().expect("a network")
}

fn routes<A: Address>(feed: &Feed) -> String {
    let mut text = String::new();
    for route in feed.vpn_routes::<A>() {
        let _ = writeln!(text, "{route:?}");
    }
    for route in feed.site_routes::<A>() {
        let _ = writeln!(text, "{route:?}");
    }
    text
}

/// A pcap file of bare IPv4 packets with the stream in segments of `size` bytes.
fn capture(stream: &[u8], size: usize) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65535, 101] {
        file.extend_from_slice(&word.to_le_bytes());
    }
    let mut sequence = u32::MAX - 1000;
    let empty: &[u8] = &[];
    for (at, payload) in std::iter::once(empty).chain(stream.chunks(size)).enumerate() {
        let len = 40 + payload.len() as u32;
        for word in [0, 0, len, len] {
            file.extend_from_slice(&word.to_le_bytes());
        }
        file.extend_from_slice(&[0x45, 0, (len >> 8) as u8, len as u8, 0, 0, 0x40, 0, 64, 6, 0, 0]);
        file.extend_from_slice(&[192, 0, 2, 1, 192, 0, 2, 2, 0x9c, 0x40, 0x2b, 0x0b]);
        file.extend_from_slice(&sequence.to_be_bytes());
        file.extend_from_slice(&[0, 0, 0, 0, 5 << 4, if at == 0 { 2 } else { 16 }, 0xff, 0xff, 0, 0, 0, 0]);
        file.extend_from_slice(payload);
        sequence = sequence.wrapping_add(payload.len() as u32 + u32::from(at == 0));
    }
    file
}

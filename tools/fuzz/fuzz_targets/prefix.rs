//! Prefixes of both families: every text reads without panic, what is printed reads back to the same prefix, and
//! `ipnet` reads the same.

#![no_main]

use ipnet::IpNet;
use libfuzzer_sys::fuzz_target;
use vrfleak_engine::{Address, Ipv4Prefix, ParsePrefixError, Prefix};

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = str::from_utf8(data) {
        let ipv4 = read::<u32>(text);
        let ipv6 = read::<u128>(text);
        assert!(!(ipv4 && ipv6), "`{text}` is of both families");
    }
    if let Some((&bits, &[len, ..])) = data.split_first_chunk() {
        print(Prefix::containing(u128::from_be_bytes(bits), len));
    }
    if let Some((&bits, &[len, ..])) = data.split_first_chunk() {
        print(Ipv4Prefix::containing(u32::from_be_bytes(bits), len));
    }
});

/// Reads `text` as a prefix and returns whether it is one.
fn read<A: Address>(text: &str) -> bool {
    match text.parse::<Prefix<A>>() {
        Ok(prefix) => {
            print(prefix);
            assert_eq!(text.parse().ok().and_then(Prefix::from_net), Some(prefix), "`{text}`");
            true
        }
        Err(ParsePrefixError::HostBits { masked, .. }) => {
            assert_eq!(text.parse().map(|net: IpNet| net.trunc()), Ok(masked), "`{text}`");
            assert!(masked.to_string().parse::<Prefix<A>>().is_ok(), "`{masked}`");
            false
        }
        Err(error) => {
            assert!(error.to_string().contains(text));
            false
        }
    }
}

fn print<A: Address>(prefix: Prefix<A>) {
    assert_eq!(prefix.to_string().parse(), Ok(prefix));
    assert_eq!(Prefix::from_net(prefix.to_net()), Some(prefix));
    assert_eq!(Prefix::new(prefix.bits(), prefix.len()), Some(prefix));
}

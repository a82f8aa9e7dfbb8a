//! How fast a configuration of a provider's size is read.

use std::fmt::Write;
use std::time::Instant;

use vrfleak_config::{Options, load_texts};

/// Returns a configuration of `vrfs` VRFs, some 50 lines each.
fn generated(vrfs: u32) -> String {
    let mut text = String::from("version 16.9\nhostname big\n!\n");
    for vrf in 0..vrfs {
        writeln!(text, "vrf definition customer{vrf}\n rd 65000:{vrf}\n !\n address-family ipv4").expect("memory");
        for target in 0..4 {
            writeln!(text, "  route-target export 65000:{}", vrf + target).expect("memory");
            writeln!(text, "  route-target import 65000:{}", vrf + target).expect("memory");
        }
        text.push_str(" exit-address-family\n!\n");
    }
    for vrf in 0..vrfs {
        for sub in 0..3 {
            writeln!(
                text,
                "interface GigabitEthernet0/{sub}.{vrf}\n description customer {vrf}\n encapsulation dot1Q {vrf}\n vrf \
                 forwarding customer{vrf}\n ip address 10.{}.{}.{} 255.255.255.252\n!",
                vrf >> 8,
                vrf & 255,
                4 * sub + 1
            )
            .expect("memory");
        }
    }
    text.push_str("router bgp 65000\n bgp router-id 192.0.2.1\n");
    for vrf in 0..vrfs {
        writeln!(
            text,
            " !\n address-family ipv4 vrf customer{vrf}\n  redistribute connected\n  redistribute static\n  neighbor \
             10.{}.{}.2 remote-as 65100\n  neighbor 10.{}.{}.2 activate\n exit-address-family",
            vrf >> 8,
            vrf & 255,
            vrf >> 8,
            vrf & 255
        )
        .expect("memory");
    }
    for vrf in 0..vrfs {
        for route in 0..16 {
            writeln!(text, "ip route vrf customer{vrf} 172.16.{route}.0 255.255.255.0 10.{}.{}.2", vrf >> 8, vrf & 255)
                .expect("memory");
        }
    }
    text.push_str("end\n");
    text
}

#[test]
fn four_thousand_vrfs_are_read_whole() {
    let text = generated(4000);
    let start = Instant::now();
    let loaded = load_texts([("big.cfg", text.as_str())], &Options::default()).expect("no errors");
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!(loaded.network.vrfs().len(), 4000);
    assert_eq!(loaded.network.source_routes::<u32>(), 4000 * (3 * 2 + 16));
    assert!(loaded.lines > 200_000);
    // Far below the goal on purpose: this holds linearity on a busy machine without optimisation.
    assert!(loaded.lines as f64 / seconds > 50_000.0, "{} lines in {seconds} s", loaded.lines);
    if std::env::var_os("VRFLEAK_SPEED").is_some() {
        std::fs::write("/dev/stderr", format!("{:.0} lines/s\n", loaded.lines as f64 / seconds)).expect("a stream");
    }
}

//! A configuration of a provider's size.

use std::fmt::Write;

/// Returns a configuration of `vrfs` VRFs, some 50 lines each.
pub(crate) fn generated(vrfs: u32) -> String {
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

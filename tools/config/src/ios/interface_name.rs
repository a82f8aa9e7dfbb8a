//! Full and short names of interfaces.

/// Kinds of interfaces, longest spelling as a configuration has it, and the short form that tables show.
const KINDS: [(&str, &str); 29] = [
    ("AppGigabitEthernet", "Ap"),
    ("Async", "As"),
    ("ATM", "AT"),
    ("BDI", "BD"),
    ("Bundle-Ether", "BE"),
    ("BVI", "BV"),
    ("Cellular", "Ce"),
    ("Dialer", "Di"),
    ("Ethernet", "Et"),
    ("FastEthernet", "Fa"),
    ("FiveGigabitEthernet", "Fi"),
    ("FortyGigabitEthernet", "Fo"),
    ("FourHundredGigE", "F"),
    ("GigabitEthernet", "Gi"),
    ("HundredGigE", "Hu"),
    ("Loopback", "Lo"),
    ("MgmtEth", "Mg"),
    ("Multilink", "Mu"),
    ("Null", "Nu"),
    ("Port-channel", "Po"),
    ("POS", "PO"),
    ("Serial", "Se"),
    ("TenGigabitEthernet", "Te"),
    ("Tunnel", "Tu"),
    ("TwentyFiveGigE", "Twe"),
    ("TwoGigabitEthernet", "Tw"),
    ("Virtual-Template", "Vt"),
    ("VirtualPortGroup", "VP"),
    ("Vlan", "Vl"),
];

/// Returns the short form in which IOS tables show an interface: `Lo10` for `Loopback10`, `Gi0/1` for
/// `GigabitEthernet0/1`. A name of no known kind is cut to its first two letters and its number, as IOS does.
pub fn short_interface_name(name: &str) -> String {
    let (kind, number) = split(name);
    match KINDS.iter().find(|(long, _)| long.eq_ignore_ascii_case(kind)) {
        Some((_, short)) => format!("{short}{number}"),
        // Junos's names are short already: `ge-0/0/1.0`.
        None if number.is_empty() || kind.ends_with('-') => name.to_owned(),
        None => format!("{}{number}", kind.chars().take(2).collect::<String>()),
    }
}

/// Returns the full form of a name whose kind may be abbreviated: `Loopback10` for `lo10`. A name that is of no known
/// kind, or of several, stays as it is.
pub(crate) fn full_interface_name(name: &str) -> String {
    let (kind, number) = split(name);
    let starts =
        |long: &str| long.len() >= kind.len() && long.as_bytes()[..kind.len()].eq_ignore_ascii_case(kind.as_bytes());
    let mut kinds = KINDS.iter().filter(|(long, short)| starts(long) || short.eq_ignore_ascii_case(kind));
    if kind.len() < 2 || number.is_empty() {
        return name.to_owned();
    }
    match (kinds.next(), kinds.next()) {
        (Some((long, _)), None) => format!("{long}{number}"),
        _ => match KINDS.iter().find(|(long, short)| long.eq_ignore_ascii_case(kind) || *short == kind) {
            Some((long, _)) => format!("{long}{number}"),
            None => name.to_owned(),
        },
    }
}

/// Splits a name before its first digit.
fn split(name: &str) -> (&str, &str) {
    name.split_at(name.bytes().position(|byte| byte.is_ascii_digit()).unwrap_or(name.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_those_of_the_tables() {
        for (long, short) in [
            ("Loopback10", "Lo10"),
            ("GigabitEthernet0/1", "Gi0/1"),
            ("GigabitEthernet0/0/1.100", "Gi0/0/1.100"),
            ("TenGigabitEthernet1/1", "Te1/1"),
            ("Port-channel7", "Po7"),
            ("POS1/0", "PO1/0"),
            ("Vlan100", "Vl100"),
            ("Bundle-Ether1.20", "BE1.20"),
            ("Frobnicator3", "Fr3"),
            ("eth", "eth"),
            ("ge-0/0/1.50", "ge-0/0/1.50"),
            ("", ""),
        ] {
            assert_eq!(short_interface_name(long), short);
        }
    }

    #[test]
    fn full_names_undo_short_ones() {
        for (long, short) in KINDS {
            let name = format!("{long}1/2.3");
            assert_eq!(full_interface_name(&name), name);
            if short.len() > 1 && short != "PO" {
                assert_eq!(full_interface_name(&format!("{short}1/2.3")), name);
            }
        }
        assert_eq!(full_interface_name("lo0"), "Loopback0");
        assert_eq!(full_interface_name("gig0/1"), "GigabitEthernet0/1");
        assert_eq!(full_interface_name("eth0"), "Ethernet0");
        assert_eq!(full_interface_name("t1"), "t1");
        assert_eq!(full_interface_name("Null0"), "Null0");
    }
}

//! [`Format`]: the language of a configuration, and how to tell it from the text.

use std::fmt;
use std::str::FromStr;

use vrfleak_engine::Dialect;

/// The languages that there are front ends for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Cisco IOS and IOS-XE.
    Ios,
    /// Cisco IOS-XR.
    Xr,
    /// FRR.
    Frr,
    /// Juniper Junos with braces, as `show configuration` prints it.
    Junos,
    /// Juniper Junos as `set` commands, as `show configuration | display set` prints it.
    JunosSet,
}

impl Format {
    /// Every format, in the order of the definition.
    pub const ALL: [Self; 5] = [Self::Ios, Self::Xr, Self::Frr, Self::Junos, Self::JunosSet];

    /// Returns the name that [`str::parse`] reads: `ios`, `xr`, `frr`, `junos`, `junos-set`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ios => "ios",
            Self::Xr => "xr",
            Self::Frr => "frr",
            Self::Junos => "junos",
            Self::JunosSet => "junos-set",
        }
    }

    /// Returns how the systems that write this format decide where systems differ.
    pub fn dialect(self) -> Dialect {
        match self {
            Self::Ios => Dialect::IOS,
            Self::Xr => Dialect::XR,
            Self::Frr => Dialect::FRR,
            Self::Junos | Self::JunosSet => Dialect::JUNOS,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Format {
    type Err = ParseFormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = |format: &Self| format.name() == text;
        Self::ALL.into_iter().find(named).ok_or_else(|| ParseFormatError { text: text.to_owned() })
    }
}

/// A text that is the name of no [`Format`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseFormatError {
    /// The text that was read.
    pub text: String,
}

impl fmt::Display for ParseFormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no dialect, expected ", self.text)?;
        for (index, format) in Format::ALL.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{format}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ParseFormatError {}

/// How many lines that are no comments decide the format.
const LINES: usize = 5000;
/// How much of a line is looked at, in bytes.
const LINE_BYTES: usize = 200;

/// Returns the format that the text is written in, or `None` if it looks like none of them.
///
/// Every line votes for the formats in which it makes sense; some lines occur in one format only and weigh more. Looks
/// at the first 5,000 lines at most.
pub fn detect(text: &str) -> Option<Format> {
    let mut votes = Votes::default();
    let filled = text.lines().filter(|line| !line.trim_ascii().is_empty()).take(LINES);
    for line in filled {
        let mut end = line.len().min(LINE_BYTES);
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        votes.count(&line[..end], line.trim_ascii_end());
    }
    votes.winner()
}

/// Returns whether the text is a router configuration rather than, say, a scenario file.
pub fn is_configuration(text: &str) -> bool {
    detect(text).is_some()
}

/// What decides: a line of one format only.
const SURE: u32 = 100;

#[derive(Clone, Debug, Default)]
struct Votes {
    ios: u32,
    xr: u32,
    frr: u32,
    junos: u32,
    set: u32,
    /// Lines of other languages: TOML, JSON, XML.
    other: u32,
}

impl Votes {
    fn count(&mut self, line: &str, full: &str) {
        let text = line.trim_ascii();
        if text.starts_with("!! IOS XR") {
            self.xr += SURE;
        }
        if text.starts_with('!') || text.starts_with('#') || text.starts_with("/*") {
            return;
        }
        let indented = line.starts_with([' ', '\t']);
        let mut words = text.split_ascii_whitespace();
        let first = words.next().unwrap_or_default();
        let second = words.next().unwrap_or_default();
        let third = words.next().unwrap_or_default();
        if full.ends_with(['{', ';', '}']) && !text.starts_with(['{', '"']) {
            self.junos += 1;
            let opens = is_junos_section(first) && second.starts_with('{');
            if opens
                || matches!(
                    first,
                    "routing-instances" | "routing-options" | "policy-options" | "interfaces" | "host-name"
                )
            {
                self.junos += SURE;
            }
            return;
        }
        match first {
            "set" if !indented && is_junos_section(second) => self.set += SURE,
            "deactivate" | "activate" if !indented && is_junos_section(second) => self.set += SURE,
            "frr" if matches!(second, "version" | "defaults") => self.frr += SURE,
            "exit-vrf" => self.frr += SURE,
            "rd" | "rt" if second == "vpn" => self.frr += SURE,
            "interface" if third == "vrf" => self.frr += SURE,
            "import" | "export" if second == "vpn" => self.frr += SURE,
            "import" | "export" if matches!(second, "route-target" | "route-policy") => self.xr += SURE,
            "end-policy" | "end-set" => self.xr += SURE,
            "route-policy" if !indented => self.xr += SURE,
            "ipv4" if second == "address" => self.xr += SURE,
            "router" if second == "static" => self.xr += SURE,
            "router" if second == "bgp" && words.any(|word| word == "vrf") => self.frr += SURE,
            // As `show running-config formal` has it.
            "vrf" if third == "address-family" => self.xr += SURE,
            "vrf" if matches!(second, "definition" | "forwarding") => self.ios += SURE,
            "vrf" if !indented && third.is_empty() => {
                self.xr += 5;
                self.frr += 5;
            }
            "ip" if second == "vrf" || second == "cef" => self.ios += SURE,
            "ip" if second == "address" && third.contains('/') => self.frr += SURE,
            "ip" if second == "address" => self.ios += SURE,
            "ip" if second == "route" && third.contains('/') => self.frr += 10,
            "ip" if second == "route" => self.ios += 10,
            // NX-OS and EOS.
            "feature" if !indented => self.other += SURE,
            "vrf" if matches!(second, "context" | "instance" | "member") => self.other += SURE,
            "network" if second.contains('/') => self.frr += 10,
            "network" if third == "mask" => self.ios += 10,
            "ip" if second == "prefix-list" => {
                self.ios += 1;
                self.frr += 1;
            }
            "Current" if second == "configuration" => self.ios += 5,
            "version" if second.parse::<f32>().is_ok() => self.ios += 5,
            "hostname" | "router" | "interface" if !second.is_empty() => {
                self.ios += 2;
                self.xr += 1;
                self.frr += 1;
            }
            "address-family" | "redistribute" | "neighbor" | "network" | "route-map" if !second.is_empty() => {
                self.ios += 1;
            }
            _ if second == "=" || (text.starts_with('[') && text.ends_with(']')) => self.other += 5,
            _ if text.starts_with(['{', '}', '"', '<', '[']) => self.other += 5,
            _ => {}
        }
    }

    fn winner(&self) -> Option<Format> {
        let mut best = (self.other, None);
        for (votes, format) in [
            (self.ios, Format::Ios),
            (self.xr, Format::Xr),
            (self.frr, Format::Frr),
            (self.junos, Format::Junos),
            (self.set, Format::JunosSet),
        ] {
            if votes > best.0 {
                best = (votes, Some(format));
            }
        }
        best.1.filter(|_| best.0 >= 2)
    }
}

/// Returns whether `word` starts a section of a Junos configuration.
fn is_junos_section(word: &str) -> bool {
    matches!(
        word,
        "version"
            | "system"
            | "interfaces"
            | "routing-instances"
            | "routing-options"
            | "policy-options"
            | "protocols"
            | "groups"
            | "apply-groups"
            | "chassis"
            | "firewall"
            | "snmp"
            | "security"
            | "class-of-service"
            | "services"
            | "forwarding-options"
            | "logical-systems"
            | "vlans"
            | "bridge-domains"
            | "event-options"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_apart() {
        for (text, format) in [
            ("hostname R1\ninterface Loopback0\n ip address 10.0.0.1 255.255.255.255\n", Format::Ios),
            ("ip vrf A\n rd 1:1\n", Format::Ios),
            ("vrf A\n address-family ipv4 unicast\n  import route-target\n   1:1\n", Format::Xr),
            ("frr version 8.4\nhostname r\nrouter bgp 1 vrf A\n", Format::Frr),
            ("interface eth0\n ip address 10.0.0.1/24\n", Format::Frr),
            ("router bgp 1\n bgp router-id 1.1.1.1\n address-family ipv4 unicast\n  network 10.0.0.0/8\n", Format::Frr),
            ("router bgp 1\n network 10.0.0.0 mask 255.255.0.0\n neighbor 10.0.0.1 remote-as 2\n", Format::Ios),
            ("hostname r\nrouter bgp 1\n address-family ipv4 unicast\nroute-policy P\n pass\nend-policy\n", Format::Xr),
            (
                "/* edited */\nsystem { host-name r; }\npolicy-options { community c members target:1:1; }\n",
                Format::Junos,
            ),
            ("system { host-name r; } routing-instances { A { instance-type vrf; } }", Format::Junos),
            ("groups { G { x; } } system { host-name r; }\n", Format::Junos),
            ("routing-instances {\n  A {\n    instance-type vrf;\n  }\n}\n", Format::Junos),
            ("set system host-name r\nset routing-instances A instance-type vrf\n", Format::JunosSet),
        ] {
            assert_eq!(detect(text), Some(format), "{text}");
            assert_eq!(format.name().parse(), Ok(format));
        }
    }

    #[test]
    fn scenarios_and_other_texts_are_no_configurations() {
        for text in [
            "",
            "hello world\n",
            "[[router]]\nname = \"pe1\"\nasn = 65000\n",
            "# comment\nrouter = \"x\"\n[vrf]\nname = \"interface\"\n",
            "{\"router\": [{\"interface\": 1}]}",
            "10.0.0.0/8\n192.0.2.0/24 10.0.0.1\n",
            "feature bgp\nvrf context A\n rd auto\ninterface Ethernet1\n ip address 10.0.0.1/24\n",
        ] {
            assert!(!is_configuration(text), "{text}");
        }
        assert_eq!(
            "nxos".parse::<Format>().expect_err("unknown").to_string(),
            "`nxos` is no dialect, expected ios, xr, frr, junos, junos-set"
        );
    }
}

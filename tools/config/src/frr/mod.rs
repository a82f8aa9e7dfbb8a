//! The front end for FRR: `frr.conf` and what `show running-config` prints.
//!
//! A VRF need not be defined: the kernel may have made it, and an interface or a BGP instance names it. Indentation
//! shows the sections; `exit` lines say nothing more.

mod bgp;
mod interface;
mod static_route;

use std::net::Ipv4Addr;

use vrfleak_engine::Family;

use crate::banner::Banner;
use crate::device::{DEFAULT_TABLE, Device};
use crate::dialect::Format;
use crate::line::{Line, Lines};
use crate::place::{Located, Place};
use crate::report::Report;
use crate::route_map::{self, RouteMaps, Section, Style};
use crate::session;
use crate::value;
use crate::word::{Word, Words};

/// Reads a configuration: one text, or one for each daemon, with their numbers.
pub(crate) fn read(texts: &[(u32, &str)], report: &mut Report<'_>) -> Device {
    let source = texts.first().map_or(0, |&(source, _)| source);
    let mut device = Device::new(source, Format::Frr);
    device.requires_policy = true;
    let mut reader = Reader {
        source,
        device,
        report,
        maps: RouteMaps::new(Style::Frr),
        frames: Vec::new(),
        leaks: Vec::new(),
        exports: Vec::new(),
        imports: Vec::new(),
        quiet: Vec::new(),
        unchecked: Vec::new(),
        router_id: None,
        flat: false,
    };
    for &(source, text) in texts {
        reader.source = source;
        reader.flat = is_flat(text);
        reader.frames.clear();
        let mut lines = Lines::new(text);
        while let Some(line) = lines.next_filled() {
            let Some(line) = session::without_pager(line) else { continue };
            if line.text.starts_with(['!', '#']) || line.indent == 0 && session::is_noise(line.text) {
                continue;
            }
            match Banner::opened_by(line.text) {
                Some(block) if line.indent == 0 && line.text != "banner motd default" => {
                    block.skip(&mut lines);
                }
                _ => reader.line(line),
            }
        }
    }
    reader.finish()
}

/// What the commands of a line are read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// `vrf`.
    Vrf(usize),
    /// `interface`.
    Interface(usize),
    /// `router bgp` of a table.
    Bgp(usize),
    /// `address-family` of a table.
    BgpFamily(usize, Family),
    /// `address-family ipv4 vpn` or `ipv6 vpn`.
    BgpVpn(Family),
    /// An entry of a route map, or a list of several lines.
    Map(Section),
    /// What no reader knows.
    Opaque,
}

/// What became of a line.
enum Read {
    /// A whole command.
    Whole,
    /// The start of a mode.
    Enters(Mode),
    /// Nothing that a reader knows.
    Unknown,
}

/// That a table imports another's routes by name: the positions of the importing and the other table.
#[derive(Clone, Copy, Debug)]
struct VrfImport {
    into: usize,
    from: usize,
    family: Family,
    /// Where it says so.
    place: Place,
}

impl VrfImport {
    fn is(self, into: usize, from: usize, family: Family) -> bool {
        (self.into, self.from, self.family) == (into, from, family)
    }
}

/// Returns whether no line of the first thousands is indented.
fn is_flat(text: &str) -> bool {
    let mut lines = text.lines().take(10_000);
    !lines.any(|line| line.starts_with([' ', '\t']) && !line.trim_ascii().is_empty())
}

/// Returns whether a version such as `8.4.4` is one before the given.
fn is_before(version: &str, (major, minor): (u32, u32)) -> bool {
    let digits = |text: &str| text.split(|char: char| !char.is_ascii_digit()).next().and_then(|text| text.parse().ok());
    let mut parts = version.split('.').map(digits);
    match (parts.next().flatten(), parts.next().flatten()) {
        (Some(first), second) => (first, second.unwrap_or(0)) < (major, minor),
        _ => false,
    }
}

struct Reader<'r, 's> {
    source: u32,
    device: Device,
    report: &'r mut Report<'s>,
    maps: RouteMaps,
    /// The modes that are entered, with the indentation of the lines that did.
    frames: Vec<(Mode, u32)>,
    /// `import vrf`.
    leaks: Vec<VrfImport>,
    /// Where `export vpn` stands.
    exports: Vec<(usize, Family)>,
    /// Where `import vpn` stands.
    imports: Vec<(usize, Family)>,
    /// The instances whose neighbours exchange no IPv4 routes without `activate`.
    quiet: Vec<usize>,
    /// The instances that announce a `network` whether it is there or not.
    unchecked: Vec<usize>,
    /// The identifier of the router for all daemons that have none of their own.
    router_id: Option<Located<Ipv4Addr>>,
    /// Whether no line is indented: then the commands alone tell the sections.
    flat: bool,
}

impl Reader<'_, '_> {
    fn line(&mut self, line: Line<'_>) {
        let words = line.words(self.source);
        if matches!(line.text, "exit" | "exit-vrf" | "exit-address-family" | "end" | "quit") {
            self.leave(line);
            return;
        }
        // An address family may stand no deeper than its contents.
        let holds = |&(mode, indent): &(Mode, u32)| {
            let family = indent > 0 && matches!(mode, Mode::BgpFamily(..) | Mode::BgpVpn(_));
            indent < line.indent || family && indent == line.indent
        };
        if !self.flat {
            while self.frames.last().is_some_and(|frame| !holds(frame)) {
                self.frames.pop();
            }
        }
        // The innermost section first; those around it where the indentation does not decide.
        loop {
            let read = match self.frames.last() {
                None => self.global(words),
                Some(&(mode, _)) => self.in_mode(mode, words),
            };
            let outward = self.frames.last().is_some_and(|&(_, indent)| self.flat || indent == line.indent);
            let mode = match read {
                Read::Whole => return,
                Read::Enters(mode) => mode,
                Read::Unknown if outward && self.known_outside(words) => {
                    self.frames.pop();
                    continue;
                }
                Read::Unknown => {
                    self.report.unknown(self.source, line.number, line.text);
                    if self.flat {
                        return;
                    }
                    Mode::Opaque
                }
            };
            self.frames.push((mode, line.indent));
            return;
        }
    }

    /// Returns whether a line that the innermost section does not know starts a section, or is a command of one around.
    fn known_outside(&self, mut words: Words<'_>) -> bool {
        let is_bgp = matches!(self.frames.last(), Some((Mode::BgpFamily(..) | Mode::BgpVpn(_), _)));
        match words.next_text() {
            "hostname" | "frr" | "log" | "service" | "vrf" | "interface" | "int" | "router" | "access-list"
            | "route-map" => true,
            "ip" | "ipv6" => {
                !matches!(self.frames.last(), Some((Mode::Interface(_), _))) || words.peek_text() != "address"
            }
            "bgp" => is_bgp || matches!(words.peek_text(), "community-list" | "extcommunity-list" | "as-path"),
            "address-family" => is_bgp,
            _ => false,
        }
    }

    /// Leaves the section that `exit`, `exit-vrf`, `exit-address-family` or `end` ends.
    fn leave(&mut self, line: Line<'_>) {
        if self.flat {
            let is_end = |mode: Mode| match line.text {
                "exit-address-family" => matches!(mode, Mode::BgpFamily(..) | Mode::BgpVpn(_)),
                "exit-vrf" => matches!(mode, Mode::Vrf(_)),
                _ => true,
            };
            match line.text {
                "end" => self.frames.clear(),
                _ if self.frames.last().is_some_and(|&(mode, _)| is_end(mode)) => {
                    self.frames.pop();
                }
                _ => {}
            }
            return;
        }
        while self.frames.last().is_some_and(|&(_, indent)| indent > line.indent) {
            self.frames.pop();
        }
        // An address family ends no deeper than it starts; so does everything else.
        self.frames.pop();
    }

    fn in_mode(&mut self, mode: Mode, mut words: Words<'_>) -> Read {
        match mode {
            Mode::Vrf(table) => match words.next_text() {
                "ip" if words.eat("route") => self.static_route(table, Family::Ipv4, words),
                "ipv6" if words.eat("route") => self.static_route(table, Family::Ipv6, words),
                // The VNI belongs to EVPN.
                "vni" | "description" => Read::Whole,
                "no" => self.forget_static_route(table, words),
                _ => Read::Unknown,
            },
            Mode::Interface(index) => self.interface(index, words),
            Mode::Bgp(table) => self.bgp(table, words),
            Mode::BgpFamily(table, family) => self.bgp_family(table, family, words),
            Mode::BgpVpn(family) => self.bgp_vpn(family, words),
            Mode::Map(section) if self.maps.line(section, words, self.report) => Read::Whole,
            Mode::Map(_) | Mode::Opaque => Read::Unknown,
        }
    }

    fn global(&mut self, mut words: Words<'_>) -> Read {
        let line = words;
        match words.next_text() {
            "hostname" => match words.next() {
                Some(name) => {
                    self.device.name = Some(name.name());
                    Read::Whole
                }
                None => Read::Unknown,
            },
            "frr" => {
                // The first releases, and the profile for data centres, exchange routes without a policy.
                match (words.next_text(), words.next_text()) {
                    ("version", version) if is_before(version, (7, 4)) => self.device.requires_policy = false,
                    ("defaults", "datacenter") => self.device.requires_policy = false,
                    _ => {}
                }
                Read::Whole
            }
            "router-id" => {
                self.router_id = value::ipv4(&mut words, self.report);
                Read::Whole
            }
            "log" | "service" => Read::Whole,
            "no" => {
                let rest = words;
                match (words.next_text(), words.peek_text()) {
                    ("ip" | "ipv6", "route") => self.forget_static_route(DEFAULT_TABLE, rest),
                    _ if self.maps.forget(rest) => Read::Whole,
                    _ => Read::Unknown,
                }
            }
            "vrf" => match words.next() {
                Some(name) => Read::Enters(Mode::Vrf(self.table(name))),
                None => Read::Unknown,
            },
            "interface" | "int" => {
                let Some(name) = words.next() else { return Read::Unknown };
                let index = self.device.define_interface(name.text, name.place);
                if words.eat("vrf")
                    && let Some(vrf) = words.next()
                {
                    self.table(vrf);
                    self.device.interfaces[index].vrf = Some(vrf.name()).filter(|vrf| vrf.value != "default");
                }
                Read::Enters(Mode::Interface(index))
            }
            "router" if words.eat("bgp") => self.router_bgp(words),
            "ip" if words.eat("router-id") => {
                self.router_id = value::ipv4(&mut words, self.report);
                Read::Whole
            }
            "ip" if words.eat("route") => self.static_route(DEFAULT_TABLE, Family::Ipv4, words),
            "ipv6" if words.eat("route") => self.static_route(DEFAULT_TABLE, Family::Ipv6, words),
            _ => match self.maps.global(line, self.report) {
                route_map::Line::Unknown => Read::Unknown,
                route_map::Line::Whole => Read::Whole,
                route_map::Line::Opens(section) => Read::Enters(Mode::Map(section)),
            },
        }
    }

    /// Returns the position of the VRF of this name, which is defined by being named.
    fn table(&mut self, name: Word<'_>) -> usize {
        if name.text == "default" {
            return DEFAULT_TABLE;
        }
        let table = self.device.define_table(name.text, name.place);
        for family in Family::ALL {
            self.device.tables[table].family_mut(family).enabled = true;
        }
        table
    }

    fn finish(mut self) -> Device {
        let id = &mut self.device.tables[DEFAULT_TABLE].bgp.router_id;
        *id = id.or(self.router_id);
        self.finish_bgp();
        for table in &self.device.tables {
            let targets = Family::ALL.into_iter().flat_map(|family| &table.family(family).targets.export);
            let mut targets: Vec<_> = targets.filter_map(|target| target.value).collect();
            targets.sort_unstable();
            targets.dedup();
            self.maps.sources.insert(table.name.clone(), targets);
        }
        self.device.policies = self.maps.compile(self.report);
        self.device
    }
}

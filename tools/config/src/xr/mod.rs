//! The front end for IOS-XR.
//!
//! Every level of a configuration is indented by one blank and ended by `!`; the indentation is what is read. Policies
//! and sets are texts of their own, up to `end-policy` and `end-set`: see [`rpl`].

mod bgp;
mod formal;
mod interface;
mod rpl;
mod static_route;
mod vrf;

use ahash::AHashSet;
use vrfleak_engine::Family;

use crate::banner::Banner;
use crate::device::{DEFAULT_TABLE, Device};
use crate::dialect::Format;
use crate::line::{Line, Lines};
use crate::place::{Located, Place};
use crate::report::Report;
use crate::session;
use crate::word::{Word, Words};

/// Reads a configuration.
pub(crate) fn read(source: u32, text: &str, report: &mut Report<'_>) -> Device {
    let mut lines = Lines::new(text);
    let mut device = Device::new(source, Format::Xr);
    device.requires_policy = true;
    let mut reader = Reader {
        source,
        device,
        report,
        frames: Vec::new(),
        policies: rpl::Texts::default(),
        defined: AHashSet::new(),
        absent: AHashSet::new(),
        vpn_policies: Vec::new(),
    };
    let mut ended = false;
    while let Some(line) = lines.next_filled() {
        let Some(line) = session::without_pager(line) else { continue };
        if line.text.starts_with('!') || line.indent == 0 && session::is_noise(line.text) {
            continue;
        }
        if line.indent == 0 && line.text == "end" {
            ended = true;
            reader.frames.clear();
        } else if line.indent == 0
            && let Some(block) = Banner::opened_by(line.text)
        {
            if !block.skip(&mut lines) {
                let expected = format_args!("expected the delimiter `{}` again", block.delimiter());
                reader.report.error(line.words(source).whole(), "the banner has no end", expected);
            }
        } else if line.indent == 0 && reader.policies.opens(line.words(source), &mut lines, reader.report) {
            reader.frames.clear();
        } else if line.indent == 0 {
            formal::commands(line, |line| reader.line(line));
        } else {
            reader.line(line);
        }
    }
    if !ended && lines.count() > 0 {
        let end = text.trim_ascii_end().len() as u32;
        let place = Place { source, start: end, end };
        reader.report.warning(place, "the configuration may be cut off", "expected `end` as its last line");
    }
    reader.finish()
}

/// What the commands of a line are read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// `vrf`.
    Vrf(usize),
    /// `address-family` of a VRF.
    VrfFamily(usize, Family),
    /// `import route-target` or, where it is true, `export route-target`.
    Targets(usize, Family, bool),
    /// `interface`.
    Interface(usize),
    /// `router static`.
    Static,
    /// `vrf` in `router static`, or the default table where an address family stands there.
    StaticTable(usize),
    /// `address-family` in `router static`.
    StaticFamily(usize, Family),
    /// `router bgp`.
    Bgp,
    /// `vrf` in `router bgp`.
    BgpTable(usize),
    /// `address-family` of a table in `router bgp`.
    BgpFamily(usize, Family),
    /// A neighbour or group of a table: the positions of both.
    Neighbor(usize, usize),
    /// `address-family` of a neighbour.
    NeighborFamily(usize, usize, Family),
    /// An address family of a neighbour or group for VPN routes.
    NeighborVpn(usize, usize),
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

struct Reader<'r, 's, 'a> {
    source: u32,
    device: Device,
    report: &'r mut Report<'s>,
    /// The modes that are entered, with the indentation of the lines that did.
    frames: Vec<(Mode, u32)>,
    policies: rpl::Texts<'a>,
    /// The VRFs that are defined and not only named.
    defined: AHashSet<usize>,
    /// Interfaces that are configured before their line card is there.
    absent: AHashSet<usize>,
    /// Policies between PEs.
    vpn_policies: Vec<Located<String>>,
}

impl<'a> Reader<'_, '_, 'a> {
    fn line(&mut self, line: Line<'a>) {
        let mut beside = None;
        while let Some(frame) = self.frames.pop_if(|(_, indent)| *indent >= line.indent) {
            beside = Some(frame);
        }
        let words = line.words(self.source);
        let mut read = match self.frames.last() {
            None => self.global(words),
            Some(&(mode, _)) => self.in_mode(mode, words),
        };
        // Typed by hand, the contents of a section may stand no deeper than its header.
        if let (Read::Unknown, Some((mode, indent))) = (&read, beside)
            && indent == line.indent
            && indent > 0
            && mode != Mode::Opaque
        {
            read = self.in_mode(mode, words);
            self.frames.push((mode, indent));
            if matches!(read, Read::Unknown) {
                self.frames.pop();
            }
        }
        let mode = match read {
            Read::Whole => return,
            Read::Enters(mode) => mode,
            Read::Unknown => {
                self.report.unknown(self.source, line.number, line.text);
                Mode::Opaque
            }
        };
        self.frames.push((mode, line.indent));
    }

    fn in_mode(&mut self, mode: Mode, words: Words<'a>) -> Read {
        if words.peek_text() == "description" {
            return Read::Whole;
        }
        match mode {
            Mode::Vrf(table) => self.vrf(table, words),
            Mode::VrfFamily(table, family) => self.vrf_family(table, family, words),
            Mode::Targets(table, family, export) => self.target(table, family, export, words),
            Mode::Interface(index) => self.interface(index, words),
            Mode::Static => self.router_static(words),
            Mode::StaticTable(table) => Self::static_table(table, words),
            Mode::StaticFamily(table, family) => self.static_route(table, family, words),
            Mode::Bgp => self.bgp(words),
            Mode::BgpTable(table) => self.bgp_table(table, words),
            Mode::BgpFamily(table, family) => self.bgp_family(table, family, words),
            Mode::Neighbor(table, neighbor) => self.neighbor(table, neighbor, words),
            Mode::NeighborFamily(table, neighbor, family) => self.neighbor_family(table, neighbor, family, words),
            Mode::NeighborVpn(table, neighbor) => self.neighbor_vpn(table, neighbor, words),
            Mode::Opaque => Read::Unknown,
        }
    }

    fn global(&mut self, mut words: Words<'a>) -> Read {
        match words.next_text() {
            "hostname" => {
                let Some(name) = words.next() else { return Read::Unknown };
                if let Some(first) = &self.device.name
                    && first.value != name.text
                {
                    self.report.error(
                        name.place,
                        format_args!("a second router, `{}`, in the configuration of `{}`", name.text, first.value),
                        "expected one router a file",
                    );
                }
                self.device.name = Some(name.name());
                Read::Whole
            }
            "vrf" => match words.next() {
                Some(name) if words.is_empty() => {
                    let table = self.table(name);
                    self.defined.insert(table);
                    Read::Enters(Mode::Vrf(table))
                }
                _ => Read::Unknown,
            },
            "interface" => {
                let absent = words.eat("preconfigure");
                let Some(name) = words.next() else { return Read::Unknown };
                let index = self.device.define_interface(name.text, name.place);
                if absent {
                    self.absent.insert(index);
                }
                Read::Enters(Mode::Interface(index))
            }
            "router" if words.eat("static") => Read::Enters(Mode::Static),
            "router" if words.eat("bgp") => self.router_bgp(words),
            _ => Read::Unknown,
        }
    }

    /// Reads `ipv4 unicast` or `ipv6 unicast`.
    fn unicast(mut words: Words<'_>) -> Option<Family> {
        let family = match words.next_text() {
            "ipv4" => Family::Ipv4,
            "ipv6" => Family::Ipv6,
            _ => return None,
        };
        (words.is_empty() || words.eat("unicast")).then_some(family)
    }

    /// Returns the position of a VRF. The order of definition and use is free.
    fn table(&mut self, name: Word<'_>) -> usize {
        if name.text == "default" {
            return DEFAULT_TABLE;
        }
        self.device.define_table(name.text, name.place)
    }

    fn finish(mut self) -> Device {
        for (index, table) in self.device.tables.iter().enumerate().skip(DEFAULT_TABLE + 1) {
            if !self.defined.contains(&index) {
                self.report.warning(
                    table.place,
                    format_args!("VRF `{}` is not defined", table.name),
                    "it has no address family, so nothing in it counts",
                );
            }
        }
        for index in std::mem::take(&mut self.absent) {
            self.device.interfaces[index].shutdown = true;
        }
        self.finish_bgp();
        self.device.policies = self.policies.compile(self.report);
        self.device
    }
}

//! The front end for IOS and IOS-XE.
//!
//! A configuration is a sequence of commands, each in a mode. Indentation shows the mode in what a router prints: a line
//! that is not deeper than the one that opened a mode has left it. Two habits are catered for besides: IOS before 15
//! prints the contents of an address family no deeper than its header, and files that lost their indentation.
//!
//! What no reader knows is counted, and skipped together with what is indented below it.

mod bgp;
mod igp;
mod interface;
mod interface_name;
mod static_route;
mod vrf;

pub(crate) use interface_name::full_interface_name;
pub use interface_name::short_interface_name;

use vrfleak_engine::Family;

use crate::banner;
use crate::device::Device;
use crate::dialect::Format;
use crate::line::{Line, Lines};
use crate::place::{Located, Place};
use crate::report::Report;
use crate::route_map::{self, RouteMaps, Section, Style};
use crate::session;
use crate::word::Words;

/// Reads a configuration.
pub(crate) fn read(source: u32, text: &str, report: &mut Report<'_>) -> Device {
    let mut lines = Lines::new(text);
    let mut reader = Reader {
        source,
        maps: RouteMaps::new(Style::Ios),
        device: Device::new(source, Format::Ios),
        report,
        frames: Vec::new(),
        flat: is_flat(text),
        entered: false,
        default_unicast: true,
        router_ids: RouterIds::default(),
    };
    let mut ended = false;
    let mut certificates = true;
    while let Some(line) = lines.next_filled() {
        let Some(line) = session::without_pager(line) else { continue };
        if line.text.starts_with('!') {
            continue;
        }
        if line.indent == 0 && session::is_noise(line.text) {
            continue;
        }
        if line.indent == 0 && line.text == "end" {
            ended = true;
            reader.frames.clear();
        } else if line.indent == 0
            && let Some(block) = banner::Banner::opened_by(line.text)
        {
            let open = line.words(source).whole();
            reader.frames.clear();
            if !block.skip(&mut lines) {
                reader.report.error(
                    open,
                    "the banner has no end",
                    format_args!("expected the delimiter `{}` again", block.delimiter()),
                );
            }
        } else {
            reader.line(line);
            // What follows is hexadecimal; without any end of it there is no use in looking for the next one's.
            if certificates && line.text.starts_with("certificate ") {
                certificates = banner::skip_certificate(&mut lines);
            }
        }
    }
    if !ended && lines.count() > 0 {
        let end = text.trim_ascii_end().len() as u32;
        let place = Place { source, start: end, end };
        reader.report.warning(place, "the configuration may be cut off", "expected `end` as its last line");
    }
    reader.finish()
}

/// Returns whether no line of the first thousands is indented.
fn is_flat(text: &str) -> bool {
    let mut lines = text.lines().take(10_000);
    !lines.any(|line| line.starts_with([' ', '\t']) && !line.trim_ascii().is_empty())
}

/// What the commands of a line are read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// `vrf definition` or `ip vrf`, and the position of its table.
    Vrf(usize),
    /// `address-family` inside of `vrf definition`.
    VrfFamily(usize, Family),
    /// `interface`, and its position.
    Interface(usize),
    /// `router bgp`.
    Bgp,
    /// `address-family ipv4|ipv6 unicast` inside of `router bgp`, of this table.
    BgpFamily(usize, Family),
    /// An address family for VPN routes: its neighbours are other PEs.
    BgpVpn(Family),
    /// `template` inside of `router bgp`, and its position among the neighbours.
    BgpTemplate(usize),
    /// A process of another routing protocol, or an address family of it, by its position.
    Igp(usize),
    /// An entry of a route map, or a list of several lines.
    Map(Section),
    /// What no reader knows.
    Opaque,
}

/// A mode that was entered, and the indentation of the line that did.
#[derive(Clone, Copy, Debug)]
struct Frame {
    mode: Mode,
    indent: u32,
}

/// Whether a reader knew a line. One that did not has changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Yes,
    No,
}

impl From<bool> for Known {
    fn from(known: bool) -> Self {
        if known { Self::Yes } else { Self::No }
    }
}

/// Router ids that are those of interfaces.
#[derive(Debug, Default)]
struct RouterIds {
    /// Tables with the interface that each takes it from.
    interfaces: Vec<(usize, Located<String>)>,
    /// Whether every other VRF takes it from one of its own.
    automatic: bool,
}

/// The state while a configuration is read.
#[derive(Debug)]
struct Reader<'r, 's> {
    source: u32,
    device: Device,
    maps: RouteMaps,
    report: &'r mut Report<'s>,
    frames: Vec<Frame>,
    flat: bool,
    /// Whether the line that is being read entered a mode.
    entered: bool,
    /// Whether neighbours of the default table exchange IPv4 routes without `activate`.
    default_unicast: bool,
    router_ids: RouterIds,
}

impl Reader<'_, '_> {
    fn line(&mut self, line: Line<'_>) {
        self.leave(line.indent);
        let words = line.words(self.source);
        if self.flat && self.global(words, 0) == Known::Yes {
            return;
        }
        // The innermost mode first; then, as the router does, the modes around it.
        let mut depth = self.frames.len();
        while depth > 0 {
            let frame = self.frames[depth - 1];
            if frame.mode == Mode::Opaque {
                break;
            }
            self.entered = false;
            if self.in_mode(frame.mode, words, line.indent, depth) == Known::Yes {
                // Whatever the line opened stands on top of the mode that knew it.
                if !self.entered {
                    self.frames.truncate(depth);
                }
                return;
            }
            depth -= 1;
            if line.indent > frame.indent && !self.flat {
                break;
            }
        }
        if self.frames.is_empty() && self.global(words, line.indent) == Known::Yes {
            return;
        }
        self.report.unknown(self.source, line.number, line.text);
        if !self.flat || opens_unknown_mode(line.text) {
            if self.flat {
                self.frames.clear();
            }
            self.frames.push(Frame { mode: Mode::Opaque, indent: line.indent });
        }
    }

    /// Leaves the modes that a line of this indentation is not in.
    fn leave(&mut self, indent: u32) {
        if self.flat {
            return;
        }
        while let Some(frame) = self.frames.last() {
            let old_style =
                indent > 0 && matches!(frame.mode, Mode::BgpFamily(..) | Mode::BgpVpn(_) | Mode::VrfFamily(..));
            if frame.indent > indent || (frame.indent == indent && !old_style) {
                self.frames.pop();
            } else {
                break;
            }
        }
    }

    /// Enters `mode` from the frame `depth`, in place of all that were entered from there.
    fn enter(&mut self, depth: usize, mode: Mode, indent: u32) {
        self.frames.truncate(depth);
        self.frames.push(Frame { mode, indent });
        self.entered = true;
    }

    fn in_mode(&mut self, mode: Mode, words: Words<'_>, indent: u32, depth: usize) -> Known {
        match words.peek_text() {
            "exit-address-family" | "exit-af-topology" | "exit-vrf" | "exit" => {
                self.frames.truncate(depth - 1);
                return Known::Yes;
            }
            "description" => return Known::Yes,
            _ => {}
        }
        match mode {
            Mode::Vrf(table) => self.vrf(table, words, indent, depth),
            Mode::VrfFamily(table, family) => self.vrf_family(table, Some(family), words),
            Mode::Interface(index) => self.interface(index, words),
            Mode::Bgp => self.bgp(words, indent, depth),
            Mode::BgpFamily(table, family) => self.bgp_family(table, family, words),
            Mode::BgpVpn(family) => self.bgp_vpn(family, words),
            Mode::BgpTemplate(index) => self.bgp_template(index, words),
            Mode::Igp(index) => self.igp(index, words, indent, depth),
            Mode::Map(section) if self.maps.line(section, words, self.report) => Known::Yes,
            Mode::Map(_) | Mode::Opaque => Known::No,
        }
    }

    /// Reads a command of the outermost mode.
    fn global(&mut self, mut words: Words<'_>, indent: u32) -> Known {
        let line = words;
        let open = |reader: &mut Self, mode| reader.enter(0, mode, indent);
        match words.next_text() {
            "hostname" => {
                let Some(name) = words.next() else { return Known::No };
                self.frames.clear();
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
            }
            "vrf" if words.eat("definition") => {
                let Some(name) = words.next() else { return Known::No };
                let table = self.define_vrf(name);
                open(self, Mode::Vrf(table));
            }
            "ip" if words.eat("vrf") => {
                let Some(name) = words.next() else { return Known::No };
                if !words.is_empty() {
                    return Known::No;
                }
                let table = self.define_vrf(name);
                self.device.tables[table].family_mut(Family::Ipv4).enabled = true;
                open(self, Mode::Vrf(table));
            }
            // As people type it, and manuals print it.
            "interface" | "int" => {
                let Some(name) = words.next() else { return Known::No };
                let index = self.define_interface(name, words);
                open(self, Mode::Interface(index));
            }
            "router" if words.eat("bgp") => {
                self.router_bgp(words);
                open(self, Mode::Bgp);
            }
            "router" => return self.router_igp(words, indent),
            "ip" if words.eat("route") => {
                self.frames.clear();
                self.static_route(words, Family::Ipv4);
            }
            "ipv6" if words.eat("route") => {
                self.frames.clear();
                self.static_route(words, Family::Ipv6);
            }
            "no" => match (words.next_text(), words.peek_text()) {
                (family @ ("ip" | "ipv6"), "route") => {
                    words.next();
                    self.frames.clear();
                    let family = if family == "ip" { Family::Ipv4 } else { Family::Ipv6 };
                    self.forget_static_route(words, family);
                }
                ("vrf", "definition") | ("ip", "vrf") => {
                    words.next();
                    let Some(name) = words.next() else { return Known::No };
                    self.device.clear_table(name.text);
                    self.frames.clear();
                }
                _ if self.maps.forget(line.restart_after("no")) => self.frames.clear(),
                _ => return Known::No,
            },
            // These say nothing about routes, whatever follows.
            "version" | "boot-start-marker" | "boot-end-marker" => {}
            _ => match self.maps.global(line, self.report) {
                route_map::Line::Unknown => return Known::No,
                route_map::Line::Whole => self.frames.clear(),
                route_map::Line::Opens(section) => open(self, Mode::Map(section)),
            },
        }
        Known::Yes
    }

    /// Settles what only the whole configuration tells.
    fn finish(mut self) -> Device {
        self.finish_bgp();
        self.device.policies = self.maps.compile(self.report);
        self.device
    }
}

/// Returns whether a line of a file without indentation starts a section that no reader knows.
fn opens_unknown_mode(text: &str) -> bool {
    let mut words = text.split_ascii_whitespace();
    let first = words.next().unwrap_or_default();
    match first {
        "router" | "line" | "control-plane" | "class-map" | "policy-map" | "crypto" | "archive" | "l2vpn" | "key"
        | "bridge-domain" | "voice" | "dial-peer" | "track" | "redundancy" | "template" | "username" | "aaa"
        | "controller" | "card" | "event" | "flow" | "parameter-map" | "object-group" | "telephony-service" => true,
        "ip" | "ipv6" => {
            words.next().is_some_and(|word| matches!(word, "access-list" | "sla" | "dhcp" | "explicit-path"))
        }
        "mpls" => words.next() == Some("traffic-eng"),
        _ => false,
    }
}

//! [`Feed`]: what one file tells.

use std::fmt;
use std::io::{self, Read};
use std::path::Path;

use ahash::AHashMap;
use vrfleak_bench_data::{Diagnostic, Diagnostics, SourceText, source_text};
use vrfleak_engine::{Address, PerFamily, RouteTarget};

use crate::capture::{self, CaptureError, Flow};
use crate::framing::Frames;
use crate::frr;
use crate::monitor::{Monitor, Session};
use crate::reassembly::{Segment, Stream};
use crate::route::{SiteRoute, SiteRoutes, VpnRoute, VpnRoutes, settle, settle_sites};

/// The most bytes of one file, unpacked.
pub const MAX_BYTES: u64 = 4 << 30;
/// The most bytes of one JSON text, all of which is held.
const MAX_TEXT: usize = 1 << 30;
/// Bytes read at a time.
const BLOCK: usize = 1 << 16;

/// What one file tells at its end: VPN routes, and the routes of single VRFs' CEs.
#[derive(Debug, Default)]
pub struct Feed {
    name: String,
    vpn: PerFamily<VpnRoutes>,
    sites: PerFamily<SiteRoutes>,
    counts: Counts,
    /// The number of the first BMP message that is not understood, from 1 on, and why.
    first_mistake: Option<(u64, String)>,
}

/// What was read on the way to the last state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// BMP messages.
    pub messages: u64,
    /// Messages that are not understood, and had no effect.
    pub mistakes: u64,
    /// Routes announced, repetitions counted.
    pub announced: u64,
    /// Routes withdrawn one by one.
    pub withdrawn: u64,
    /// Messages that a peer is down.
    pub peers_down: u64,
    /// Routes of families that do not count here, and messages of such families.
    pub others: u64,
    /// Bytes of BMP streams that are no whole messages.
    pub skipped_bytes: u64,
    /// Holes in BMP streams: segments that the capture has not.
    pub holes: u64,
}

impl Feed {
    /// Reads the file at `path`, plain or gzip: a pcap or pcapng capture of BMP sessions, a raw BMP stream (RFC 7854), or
    /// the JSON of FRR's `show bgp ipv4 vpn` or `show bgp ipv6 vpn`; told by its first bytes. Returns what it tells at its
    /// end, and where that may be less than the network has.
    ///
    /// A BMP session that begins with a router's name takes the place of an earlier one of that router. Of routes in
    /// several views the one after the policies counts, then the Loc-RIB, then the one before the policies, if its peer
    /// has no other; then what is sent. Takes memory for the routes and for what waits in streams, not for the file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is of none of these kinds, or is longer than [`MAX_BYTES`]. Of a capture that breaks
    /// off counts what is there; messages that make no sense are counted.
    pub fn read(path: &Path) -> Result<(Self, Diagnostics), Diagnostics> {
        let name = path.display().to_string();
        match source_text::open(path) {
            Ok(reader) => Self::parse(&name, reader),
            Err(error) => Err(unreadable(&name, &error).into()),
        }
    }

    /// Reads a feed from `reader` under the name that diagnostics give it.
    ///
    /// # Errors
    ///
    /// As [`Self::read`].
    pub fn parse(name: &str, reader: impl Read + Send) -> Result<(Self, Diagnostics), Diagnostics> {
        let mut reader = reader.take(MAX_BYTES + 1);
        let mut head = Vec::with_capacity(BLOCK);
        (&mut reader).take(BLOCK as u64).read_to_end(&mut head).map_err(|error| unreadable(name, &error))?;
        let first = head.iter().copied().find(|byte| !byte.is_ascii_whitespace());
        let whole = io::Cursor::new(&head).chain(&mut reader);
        let mut diagnostics = Diagnostics::default();
        let mut feed = Self { name: name.to_owned(), ..Self::default() };
        if capture::is_capture(&head) {
            if let Err(error) = feed.capture(whole) {
                let message = format!("{}, at byte {}", error.what, error.offset);
                diagnostics.push(Diagnostic::warning(name, message).expected("what comes before counts"));
            }
        } else if matches!(first, Some(b'{' | b'[' | 0xef)) {
            feed.json(whole)?;
        } else if head.first() == Some(&3) {
            feed.stream(whole).map_err(|error| unreadable(name, &error))?;
        } else {
            let what = if first.is_none() { "is empty" } else { "is no feed" };
            let expected = "expected a pcap or pcapng capture of BMP, a BMP stream, or FRR's `show bgp ipv4 vpn json`";
            return Err(Diagnostic::error(name, what).expected(expected).into());
        }
        if reader.limit() == 0 {
            let message = format!("is longer than {MAX_BYTES} bytes, the limit of a feed");
            return Err(Diagnostic::error(name, message).into());
        }
        let json = matches!(first, Some(b'{' | b'[' | 0xef));
        if feed.counts.messages == 0 && !json {
            let expected = "expected what a router sends to its BMP station";
            diagnostics.push(Diagnostic::warning(name, "has no BMP message").expected(expected));
        }
        feed.say_what_is_missing(&mut diagnostics);
        Ok((feed, diagnostics))
    }

    /// Returns the name of the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the VPN routes in the family of `A`, by router, RD and prefix. Several of one NLRI from one router are
    /// paths of which it announces the best.
    pub fn vpn_routes<A: Address>(&self) -> &[VpnRoute<A>] {
        self.vpn.get::<A>()
    }

    /// Returns the routes that VRFs have from CEs, in the family of `A`, by RD and prefix.
    pub fn site_routes<A: Address>(&self) -> &[SiteRoute<A>] {
        self.sites.get::<A>()
    }

    /// Returns what was read.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn capture(&mut self, reader: impl Read + Send) -> Result<(), CaptureError> {
        let mut monitor = Monitor::default();
        let mut ids: AHashMap<Flow, usize> = AHashMap::new();
        let mut connections: Vec<Connection> = Vec::new();
        let result = capture::segments(reader, |flow, segment| {
            let index = *ids.entry(flow).or_insert_with(|| {
                connections.push(Connection::new(flow, segment));
                connections.len() - 1
            });
            let connection = &mut connections[index];
            if connection.stream.is_followed_by(segment) {
                connection.finish(&mut monitor);
                *connection = Connection::new(flow, segment);
            }
            connection.stream.push(segment);
            connection.drain(&mut monitor, false);
        });
        for connection in &mut connections {
            connection.finish(&mut monitor);
        }
        self.take(monitor);
        result
    }

    fn stream(&mut self, mut reader: impl Read) -> io::Result<()> {
        let mut monitor = Monitor::default();
        let mut session = Session::default();
        let mut frames = Frames::synchronized();
        let mut block = vec![0; BLOCK];
        loop {
            let count = match reader.read(&mut block) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            frames.push(&block[..count]);
            while let Some(message) = frames.next(count == 0) {
                monitor.message(&mut session, frames.bytes(message));
            }
            if count == 0 {
                break;
            }
        }
        monitor.counts.skipped_bytes += frames.skipped() + frames.rest().len() as u64;
        self.take(monitor);
        Ok(())
    }

    fn json(&mut self, reader: impl Read) -> Result<(), Diagnostics> {
        let mut bytes = Vec::new();
        let limit = MAX_TEXT as u64;
        reader.take(limit + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&self.name, &error))?;
        if bytes.len() > MAX_TEXT {
            let message = format!("is longer than {MAX_TEXT} bytes, the limit of a text");
            return Err(Diagnostic::error(&self.name, message).into());
        }
        let source = SourceText::from_bytes(self.name.as_str(), bytes)?;
        self.vpn = frr::vpn_routes(&source)?;
        self.settle();
        Ok(())
    }

    fn take(&mut self, monitor: Monitor) {
        (self.vpn.ipv4, self.sites.ipv4) = monitor.routes();
        (self.vpn.ipv6, self.sites.ipv6) = monitor.routes();
        self.counts = monitor.counts;
        self.first_mistake = monitor.first_mistake;
        self.settle();
    }

    fn settle(&mut self) {
        settle(&mut self.vpn.ipv4);
        settle(&mut self.vpn.ipv6);
        settle_sites(&mut self.sites.ipv4);
        settle_sites(&mut self.sites.ipv6);
    }

    /// Says where the network may have more, or other, routes than this feed.
    fn say_what_is_missing(&self, diagnostics: &mut Diagnostics) {
        let mut warn = |message: String, note: &str| {
            diagnostics.push(Diagnostic::warning(&self.name, message).expected(note));
        };
        let Counts { mistakes, skipped_bytes, holes, .. } = self.counts;
        if let Some((number, why)) = &self.first_mistake {
            warn(
                format!("{} not understood, the first number {number}: {why}", counted(mistakes, "BMP message is")),
                "without effect",
            );
        }
        if holes + skipped_bytes > 0 {
            warn(
                format!(
                    "{} missing in BMP sessions, {} no whole message",
                    counted(holes, "segment is"),
                    counted(skipped_bytes, "byte is")
                ),
                "what they said is lost",
            );
        }
        let bare = |targets: Option<&[RouteTarget]>| targets.is_none();
        let count = self.vpn.ipv4.iter().filter(|route| bare(route.attributes.route_targets.as_deref())).count()
            + self.vpn.ipv6.iter().filter(|route| bare(route.attributes.route_targets.as_deref())).count();
        if count > 0 {
            let note = "nothing imports them; FRR says the targets in `show bgp ipv4 vpn detail json`";
            warn(format!("{} without targets", counted(count as u64, "VPN route is")), note);
        }
    }
}

/// A TCP connection that may be a BMP session.
#[derive(Debug)]
struct Connection {
    stream: Stream,
    session: Session,
    messages: u64,
}

impl Connection {
    fn new(flow: Flow, first: Segment<'_>) -> Self {
        Self { stream: Stream::new(first), session: Session::new(Some(flow.source)), messages: 0 }
    }

    /// Hands every message that is whole to `monitor`.
    fn drain(&mut self, monitor: &mut Monitor, at_end: bool) {
        while let Some(message) = self.stream.frames.next(at_end) {
            self.messages += 1;
            monitor.message(&mut self.session, self.stream.frames.bytes(message));
        }
    }

    /// Takes what waits for segments that will not come.
    fn finish(&mut self, monitor: &mut Monitor) {
        while self.stream.give_up() {
            self.drain(monitor, false);
        }
        self.drain(monitor, true);
        // A connection without a message is none of BMP.
        if self.messages > 0 {
            monitor.counts.holes += self.stream.holes;
            monitor.counts.skipped_bytes += self.stream.frames.skipped() + self.stream.frames.rest().len() as u64;
        }
    }
}

/// Returns the number with `one`, a noun and `is`, or with its plural.
fn counted(count: u64, one: &str) -> String {
    let noun = one.strip_suffix(" is").unwrap_or(one);
    if count == 1 { format!("1 {one}") } else { format!("{count} {noun}s are") }
}

fn unreadable(name: &str, error: &dyn fmt::Display) -> Diagnostic {
    Diagnostic::error(name, format!("cannot be read: {error}"))
}

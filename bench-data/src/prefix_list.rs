//! [`PrefixList`]: routes as text, one `PREFIX` or `PREFIX NEXT_HOP` a line.
//!
//! The reader takes blocks of `BLOCK` bytes, hands each whole line to a parser that looks at every byte of an IPv4
//! line once, and falls back to the standard library's parsers for IPv6 and to say what is wrong. What it keeps grows
//! with the routes, never with the length of a line.

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;
use std::path::Path;

use ahash::AHashMap;
use vrfleak_engine::{Address, Ipv4Prefix, Ipv6Prefix, Kind, ParsePrefixError, PerFamily, Prefix};

use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::source_text::{open, read_error};

/// How many bytes of text a list may have, unpacked: room for about 50 million IPv4 prefixes.
pub const LIMIT_BYTES: u64 = 1 << 30;
/// How long a line may be, in bytes.
pub const LINE_BYTES: usize = 4096;
/// Bytes read at a time.
const BLOCK: usize = 1 << 18;
/// Stands for a line without next hop.
const NO_NEXT_HOP: u32 = u32::MAX;

/// A line of a [`PrefixList`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<A: Address> {
    /// The prefix.
    pub prefix: Prefix<A>,
    next_hop: u32,
}

/// The prefixes of a list in the order of its lines, families apart, repeats kept.
///
/// 12 bytes an IPv4 entry and 48 an IPv6 one; distinct next hops are held once.
#[derive(Clone, Debug, Default)]
pub struct PrefixList {
    entries: PerFamily<Entries>,
    next_hops: Vec<IpAddr>,
}

/// Names `Vec<Entry<A>>` for [`PerFamily`].
#[derive(Debug)]
enum Entries {}

impl Kind for Entries {
    type Of<A: Address> = Vec<Entry<A>>;
}

impl PrefixList {
    /// Reads the file at `path`, plain or gzip, with LF or CRLF. Blank lines and lines that begin with `#` are skipped.
    ///
    /// # Errors
    ///
    /// Every line that is neither `PREFIX` nor `PREFIX NEXT_HOP`, with line and column; host bits are an error
    /// (SEMANTICS V3), as is a text of more than [`LIMIT_BYTES`].
    pub fn read(path: &Path) -> Result<Self, Diagnostics> {
        let name = path.display().to_string();
        match open(path) {
            Ok(reader) => Self::parse(&name, reader),
            Err(error) => Err(read_error(&name, &error).into()),
        }
    }

    /// Reads the list from `reader` under the name that diagnostics give it.
    ///
    /// # Errors
    ///
    /// As [`Self::read`].
    pub fn parse(name: &str, mut reader: impl Read) -> Result<Self, Diagnostics> {
        let mut parser = Parser { name, ..Parser::default() };
        let mut block = vec![0; BLOCK];
        let mut filled = 0;
        let mut total = 0;
        loop {
            match reader.read(&mut block[filled..]) {
                Ok(0) => break,
                Ok(count) => {
                    filled += count;
                    total += count as u64;
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    parser.diagnostics.push(read_error(name, &error));
                    break;
                }
            }
            if total > LIMIT_BYTES {
                let message = format!("the list is longer than the limit of {LIMIT_BYTES} bytes");
                parser.diagnostics.push(Diagnostic::error(name, message));
                break;
            }
            let done = parser.whole_lines(&block[..filled]);
            block.copy_within(done..filled, 0);
            filled -= done;
            if filled > LINE_BYTES {
                parser.overlong(&block[..filled]);
                filled = 0;
            }
        }
        if filled > 0 {
            parser.line(&block[..filled]);
        }
        parser.diagnostics.into_result(parser.list).map(|(list, _)| list)
    }

    /// Returns the entries of the family of `A`, in the order of the lines.
    pub fn entries<A: Address>(&self) -> &[Entry<A>] {
        self.entries.get::<A>()
    }

    /// Returns how many entries there are in both families, repeats counted.
    pub fn len(&self) -> usize {
        self.entries.ipv4.len() + self.entries.ipv6.len()
    }

    /// Returns whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the next hop that stands beside an entry of this list.
    pub fn next_hop<A: Address>(&self, entry: &Entry<A>) -> Option<IpAddr> {
        self.next_hops.get(entry.next_hop as usize).copied()
    }

    /// Returns the distinct next hops in the order of their first line.
    pub fn next_hops(&self) -> &[IpAddr] {
        &self.next_hops
    }

    /// Returns how many entries repeat the prefix of another line: O(n) where the list is in order, O(n log n)
    /// elsewhere.
    pub fn duplicates(&self) -> usize {
        repeats(&self.entries.ipv4) + repeats(&self.entries.ipv6)
    }
}

/// Counts the entries whose prefix another entry before them has.
fn repeats<A: Address>(entries: &[Entry<A>]) -> usize {
    if entries.is_sorted_by(|a, b| a.prefix < b.prefix) {
        return 0;
    }
    let mut prefixes: Vec<Prefix<A>> = entries.iter().map(|entry| entry.prefix).collect();
    prefixes.sort_unstable();
    prefixes.windows(2).filter(|pair| pair[0] == pair[1]).count()
}

#[derive(Default)]
struct Parser<'a> {
    name: &'a str,
    list: PrefixList,
    next_hop_ids: AHashMap<IpAddr, u32>,
    last_next_hop: Option<(IpAddr, u32)>,
    /// Lines read so far.
    lines: usize,
    diagnostics: Diagnostics,
    /// Whether the rest of an overlong line is being skipped.
    skipping: bool,
}

impl Parser<'_> {
    /// Takes every line that ends in `block` and returns how many bytes they are.
    fn whole_lines(&mut self, block: &[u8]) -> usize {
        let mut start = 0;
        while let Some(end) = memchr::memchr(b'\n', &block[start..]) {
            let line = &block[start..start + end];
            if line.len() > LINE_BYTES {
                self.overlong(line);
            }
            if std::mem::take(&mut self.skipping) {
                self.lines += 1;
            } else {
                self.line(line);
            }
            start += end + 1;
        }
        start
    }

    /// Reports a line without end whose beginning is `start`, once.
    fn overlong(&mut self, start: &[u8]) {
        if !self.skipping {
            self.skipping = true;
            let text = String::from_utf8_lossy(&start[..LINE_BYTES]);
            let (name, line) = (self.name, self.lines + 1);
            self.diagnostics.push_with(Severity::Error, || {
                let message = format!("the line is longer than the limit of {LINE_BYTES} bytes");
                Diagnostic::error(name, message).at(line, &text, 0..1).expected("expected PREFIX or PREFIX NEXT_HOP")
            });
        }
    }

    fn line(&mut self, line: &[u8]) {
        self.lines += 1;
        if self.skipping {
            return;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // The usual line is a bare IPv4 prefix.
        if let Some(prefix) = ipv4_prefix(line) {
            self.list.entries.ipv4.push(Entry { prefix, next_hop: NO_NEXT_HOP });
            return;
        }
        let mut fields = Fields { line, at: 0 };
        let Some(first) = fields.next() else { return };
        if line[first.start] == b'#' {
            return;
        }
        let next_hop = match fields.next().map(|span| (address(&line[span.clone()]), span)) {
            None => NO_NEXT_HOP,
            Some((Some(address), _)) => self.next_hop_id(address),
            Some((None, span)) => {
                let text = lossy(&line[span.clone()]);
                self.error(line, span, format!("`{text}` is not an address"), "expected the next hop's address");
                return;
            }
        };
        if let Some(rest) = fields.next() {
            let end = line.trim_ascii_end().len();
            let text = lossy(&line[rest.start..end]);
            self.error(line, rest.start..end, format!("`{text}` follows the next hop"), "expected the end of the line");
            return;
        }
        let text = &line[first.clone()];
        if let Some(prefix) = ipv4_prefix(text) {
            self.list.entries.ipv4.push(Entry { prefix, next_hop });
            return;
        }
        let text = lossy(text);
        let result = if text.contains(':') {
            text.parse::<Ipv6Prefix>().map(|prefix| self.list.entries.ipv6.push(Entry { prefix, next_hop }))
        } else {
            text.parse::<Ipv4Prefix>().map(|prefix| self.list.entries.ipv4.push(Entry { prefix, next_hop }))
        };
        if let Err(error) = result {
            let expected = match &error {
                ParsePrefixError::HostBits { masked, .. } => format!("expected `{masked}`"),
                _ => "expected PREFIX or PREFIX NEXT_HOP".to_owned(),
            };
            let message = match error {
                ParsePrefixError::HostBits { text, .. } => format!("`{text}` has host bits set"),
                _ => format!("`{text}` is not a prefix"),
            };
            self.error(line, first, message, &expected);
        }
    }

    fn next_hop_id(&mut self, address: IpAddr) -> u32 {
        if let Some((last, id)) = self.last_next_hop
            && last == address
        {
            return id;
        }
        let next_hops = &mut self.list.next_hops;
        let id = *self.next_hop_ids.entry(address).or_insert_with(|| {
            next_hops.push(address);
            next_hops.len() as u32 - 1
        });
        self.last_next_hop = Some((address, id));
        id
    }

    fn error(&mut self, line: &[u8], span: Range<usize>, message: String, expected: &str) {
        let (name, number) = (self.name, self.lines);
        self.diagnostics.push_with(Severity::Error, || {
            // Bytes that are no text become one replacement character each: the span moves with them.
            let start = lossy(&line[..span.start]).len();
            let end = start + lossy(&line[span.clone()]).len();
            Diagnostic::error(name, message).at(number, &lossy(line), start..end).expected(expected)
        });
    }
}

fn lossy(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// The blank-separated fields of a line, as byte ranges.
struct Fields<'a> {
    line: &'a [u8],
    at: usize,
}

impl Iterator for Fields<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        let start = self.at + self.line[self.at..].iter().position(|byte| !blank(byte))?;
        let end = self.line[start..].iter().position(blank).map_or(self.line.len(), |len| start + len);
        self.at = end;
        Some(start..end)
    }
}

fn address(text: &[u8]) -> Option<IpAddr> {
    let mut rest = text;
    match ipv4_address(&mut rest) {
        Some(address) if rest.is_empty() => Some(IpAddr::V4(Ipv4Addr::from_bits(address))),
        _ => str::from_utf8(text).ok()?.parse().ok(),
    }
}

/// Reads `A.B.C.D/LEN` without host bits and nothing after it; `None` leaves the verdict to the slow path.
fn ipv4_prefix(text: &[u8]) -> Option<Ipv4Prefix> {
    let mut rest = text;
    let address = ipv4_address(&mut rest)?;
    let [b'/', digits @ ..] = rest else { return None };
    let len = match *digits {
        [low @ b'0'..=b'9'] => low - b'0',
        [high @ b'1'..=b'3', low @ b'0'..=b'9'] => (high - b'0') * 10 + (low - b'0'),
        _ => return None,
    };
    Prefix::new(address, len)
}

/// Takes a dotted quad off the front of `text`: one to three digits a part, at most 255, no leading zero.
fn ipv4_address(text: &mut &[u8]) -> Option<u32> {
    let mut address = 0;
    for part in 0..4 {
        if part > 0 {
            let [b'.', rest @ ..] = *text else { return None };
            *text = rest;
        }
        let digits = text.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
        let (number, rest) = text.split_at(digits);
        let value = number.iter().fold(0_u32, |value, digit| value * 10 + u32::from(digit - b'0'));
        if digits == 0 || digits > 3 || value > 255 || (digits > 1 && number[0] == b'0') {
            return None;
        }
        address = address << 8 | value;
        *text = rest;
    }
    Some(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &[u8]) -> Result<PrefixList, Diagnostics> {
        PrefixList::parse("list", text)
    }

    #[test]
    fn both_families_with_and_without_next_hops_in_the_order_of_the_lines() {
        let text = b"# a comment\r\n10.0.0.0/8\r\n\n  10.0.0.0/8\t192.0.2.1  \n2001:db8::/32 192.0.2.1\n::/0 fe80::1\n10.0.0.0/8";
        let list = parse(text).expect("a list");
        let shown = |entry: &Entry<u32>| (entry.prefix.to_string(), list.next_hop(entry).map(|ip| ip.to_string()));
        let ten = |next_hop: Option<&str>| ("10.0.0.0/8".to_owned(), next_hop.map(ToOwned::to_owned));
        let ipv4: Vec<_> = list.entries::<u32>().iter().map(shown).collect();
        assert_eq!(ipv4, [ten(None), ten(Some("192.0.2.1")), ten(None)]);
        let ipv6: Vec<_> =
            list.entries::<u128>().iter().map(|entry| (entry.prefix.to_string(), list.next_hop(entry))).collect();
        let ip = |text: &str| Some(text.parse().expect("an address"));
        assert_eq!(ipv6, [("2001:db8::/32".to_owned(), ip("192.0.2.1")), ("::/0".to_owned(), ip("fe80::1"))]);
        assert_eq!((list.len(), list.duplicates(), list.next_hops().len()), (5, 2, 2));
        assert!(parse(b"").expect("empty").is_empty());
    }

    #[test]
    fn every_wrong_line_is_reported_with_its_column() {
        let text = b"10.0.0.0/8\n10.0.0.1/8\n  10.0.0/8\n1.0.0.0/8 nowhere\n1.0.0.0/8 10.0.0.1 more of it \n2001:db8::/129\n\xff\xfe 10.0.0.1\n01.0.0.0/8\n1.0.0.0/33";
        let errors = parse(text).expect_err("wrong lines");
        assert_eq!((errors.errors(), errors.iter().count()), (8, 8));
        insta::assert_snapshot!(errors.render(false), @r"
error: `10.0.0.1/8` has host bits set
 --> list:2:1
  |
2 | 10.0.0.1/8
  | ^^^^^^^^^^ expected `10.0.0.0/8`

error: `10.0.0/8` is not a prefix
 --> list:3:3
  |
3 |   10.0.0/8
  |   ^^^^^^^^ expected PREFIX or PREFIX NEXT_HOP

error: `nowhere` is not an address
 --> list:4:11
  |
4 | 1.0.0.0/8 nowhere
  |           ^^^^^^^ expected the next hop's address

error: `more of it` follows the next hop
 --> list:5:20
  |
5 | 1.0.0.0/8 10.0.0.1 more of it 
  |                    ^^^^^^^^^^ expected the end of the line

error: `2001:db8::/129` is not a prefix
 --> list:6:1
  |
6 | 2001:db8::/129
  | ^^^^^^^^^^^^^^ expected PREFIX or PREFIX NEXT_HOP

error: `��` is not a prefix
 --> list:7:1
  |
7 | �� 10.0.0.1
  | ^^ expected PREFIX or PREFIX NEXT_HOP

error: `01.0.0.0/8` is not a prefix
 --> list:8:1
  |
8 | 01.0.0.0/8
  | ^^^^^^^^^^ expected PREFIX or PREFIX NEXT_HOP

error: `1.0.0.0/33` is not a prefix
 --> list:9:1
  |
9 | 1.0.0.0/33
  | ^^^^^^^^^^ expected PREFIX or PREFIX NEXT_HOP
");
    }

    #[test]
    fn a_line_without_end_takes_no_memory_and_one_error() {
        let mut text = b"10.0.0.0/8\n".to_vec();
        text.extend(std::iter::repeat_n(b'1', 10_000_000));
        text.extend(b"\n10.0.0.1/8\n");
        let errors = parse(&text).expect_err("long");
        insta::assert_snapshot!(errors.render(false), @r"
error: the line is longer than the limit of 4096 bytes
 --> list:2:1
  |
2 | 1111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111...
  | ^ expected PREFIX or PREFIX NEXT_HOP

error: `10.0.0.1/8` has host bits set
 --> list:3:1
  |
3 | 10.0.0.1/8
  | ^^^^^^^^^^ expected `10.0.0.0/8`
");
    }

    #[test]
    fn a_line_is_too_long_however_its_bytes_arrive() {
        struct OneByOne<'a>(&'a [u8]);
        impl Read for OneByOne<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                self.0.read(&mut buffer[..1])
            }
        }
        for (blanks, fits) in [(LINE_BYTES - 10, true), (LINE_BYTES - 9, false)] {
            let text = format!("10.0.0.0/8{}\n11.0.0.0/8\n", " ".repeat(blanks));
            let whole = PrefixList::parse("list", text.as_bytes());
            let trickled = PrefixList::parse("list", OneByOne(text.as_bytes()));
            assert_eq!((whole.is_ok(), trickled.is_ok()), (fits, fits));
            if let (Err(whole), Err(trickled)) = (whole, trickled) {
                assert_eq!((whole.errors(), whole.render(false)), (1, trickled.render(false)));
            }
        }
    }

    #[test]
    fn a_million_mistakes_are_counted() {
        let errors = parse(&b"x\n".repeat(1_000_000)).expect_err("wrong");
        assert_eq!((errors.errors(), errors.iter().count()), (1_000_000, 100));
    }

    #[test]
    fn the_real_table_has_the_counts_of_its_readme() {
        let folder = std::env::var_os("VRFLEAK_SHARED")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), std::path::PathBuf::from);
        let table = folder.join("data/bgp-full-2023-prefixes.txt.gz");
        if !table.exists() {
            return;
        }
        let list = PrefixList::read(&table).expect("the table");
        assert_eq!((list.entries::<u32>().len(), list.entries::<u128>().len()), (901_899, 160_147));
        let list = PrefixList::read(&folder.join("data/bgp-2015-prefix-nexthop.txt.gz")).expect("the table");
        assert_eq!((list.len(), list.next_hops().len(), list.duplicates()), (577_737, 3_771, 31));
    }

    proptest! {
        #[test]
        fn reading_agrees_with_the_engines_parser(bytes: [u8; 4], len in 0_u8..40, zero in "0?", next_hop: Option<[u8; 4]>) {
            let [a, b, c, d] = bytes;
            let prefix = format!("{a}.{b}.{c}.{d}/{zero}{len}");
            let line = next_hop.map_or_else(|| prefix.clone(), |ip| format!("{prefix} {}", Ipv4Addr::from(ip)));
            let list = parse(line.as_bytes()).ok().map(|list| list.entries::<u32>()[0].prefix);
            prop_assert_eq!(list, prefix.parse::<Ipv4Prefix>().ok());
        }

        #[test]
        fn reading_never_panics(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }
    }
}

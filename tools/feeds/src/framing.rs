//! [`Frames`]: BMP messages out of a stream of bytes that may begin in the middle and have holes.

use std::ops::Range;

/// The bytes of the common header: version, length, type (RFC 7854 section 4.1).
pub(crate) const COMMON_HEADER: usize = 6;
/// The bytes of the per-peer header (RFC 7854 section 4.2).
pub(crate) const PEER_HEADER: usize = 42;
/// The longest message that is believed, in bytes. A BGP message has 64 KiB at most, and none carries many.
pub(crate) const MAX_MESSAGE: usize = 1 << 20;

/// Cuts a byte stream into BMP messages of version 3.
///
/// BMP has no mark by which a reader finds back to the messages. Where the bytes are none, the reader looks for a header
/// whose message ends at another header or at the end of what is there, and counts what it skipped.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    buffer: Vec<u8>,
    start: usize,
    synchronized: bool,
    skipped: u64,
}

impl Frames {
    /// Returns a reader for a stream that begins with a message.
    pub(crate) fn synchronized() -> Self {
        Self { synchronized: true, ..Self::default() }
    }

    /// Adds what comes next.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
        } else if self.start > MAX_MESSAGE {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Says that bytes are missing here: what began before them is lost.
    pub(crate) fn hole(&mut self) {
        self.skipped += self.rest().len() as u64;
        self.buffer.clear();
        self.start = 0;
        self.synchronized = false;
    }

    /// Returns the next whole message, from the common header on, or `None` until more bytes are there; `at_end` says
    /// that none will come. Each byte is looked at a bounded number of times, however they arrive.
    pub(crate) fn next(&mut self, at_end: bool) -> Option<Range<usize>> {
        loop {
            if !self.synchronized && !self.synchronize(at_end) {
                return None;
            }
            match header(self.rest()) {
                Header::Message(len) if len <= self.rest().len() => {
                    let message = self.start..self.start + len;
                    self.start += len;
                    return Some(message);
                }
                Header::Message(_) | Header::Short => return None,
                Header::Wrong => {
                    self.synchronized = false;
                    self.skip(1);
                }
            }
        }
    }

    /// Moves to the first byte that a message begins at, as far as that can be told, and returns whether it can.
    fn synchronize(&mut self, at_end: bool) -> bool {
        loop {
            let Some(at) = memchr::memchr(VERSION, self.rest()) else {
                self.skip(self.rest().len());
                return false;
            };
            self.skip(at);
            let found = match header(self.rest()) {
                Header::Wrong => Some(false),
                Header::Short => None,
                Header::Message(len) => match self.rest().get(len..).map(|next| (next, header(next))) {
                    None | Some(([], _)) if at_end && len == self.rest().len() => Some(true),
                    None | Some(([], _)) => None,
                    Some((_, Header::Message(_))) => Some(true),
                    Some((_, Header::Short)) => at_end.then_some(true),
                    Some((_, Header::Wrong)) => Some(false),
                },
            };
            match found {
                Some(true) => {
                    self.synchronized = true;
                    return true;
                }
                None if !at_end => return false,
                _ => self.skip(1),
            }
        }
    }

    fn skip(&mut self, count: usize) {
        self.start += count;
        self.skipped += count as u64;
    }

    /// Returns the bytes of a message that [`Self::next`] returned last.
    pub(crate) fn bytes(&self, message: Range<usize>) -> &[u8] {
        &self.buffer[message]
    }

    /// Returns what is left without being a message.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Returns how many bytes were no messages so far.
    pub(crate) fn skipped(&self) -> u64 {
        self.skipped
    }
}

/// The only version that is read (RFC 7854 section 4.1).
const VERSION: u8 = 3;

enum Header {
    /// A header of a message of this many bytes, itself included.
    Message(usize),
    /// Too few bytes to tell.
    Short,
    /// No header.
    Wrong,
}

/// The types of RFC 7854 section 4.1: route monitoring, statistics, peer down, peer up, initiation, termination, mirroring.
const LAST_TYPE: u8 = 6;

fn header(bytes: &[u8]) -> Header {
    match *bytes {
        [] | [VERSION] | [VERSION, _] | [VERSION, _, _] | [VERSION, _, _, _] | [VERSION, _, _, _, _] => Header::Short,
        [VERSION, a, b, c, d, kind, ref rest @ ..] => {
            let len = u32::from_be_bytes([a, b, c, d]) as usize;
            // Initiation and termination have no peer; the others say which, and of a type that there is.
            let least = if matches!(kind, 4 | 5) { COMMON_HEADER } else { COMMON_HEADER + PEER_HEADER };
            let peer = matches!(kind, 4 | 5) || rest.first().is_none_or(|&peer| peer <= 3 || peer >= 251);
            let fits = kind <= LAST_TYPE && (least..=MAX_MESSAGE).contains(&len) && peer;
            if fits { Header::Message(len) } else { Header::Wrong }
        }
        _ => Header::Wrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message of this type with `body` bytes behind the common header.
    fn message(kind: u8, body: usize) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&((COMMON_HEADER + body) as u32).to_be_bytes());
        bytes.push(kind);
        bytes.resize(COMMON_HEADER + body, 0);
        bytes
    }

    /// Reads `parts` one after the other and returns the lengths of the messages and the bytes that were none.
    fn read<'a>(mut frames: Frames, parts: impl IntoIterator<Item = &'a [u8]>) -> (Vec<usize>, u64) {
        let mut lengths = Vec::new();
        for part in parts {
            frames.push(part);
            while let Some(message) = frames.next(false) {
                lengths.push(message.len());
            }
        }
        while let Some(message) = frames.next(true) {
            lengths.push(message.len());
        }
        (lengths, frames.skipped() + frames.rest().len() as u64)
    }

    #[test]
    fn messages_are_cut_however_the_bytes_arrive() {
        let stream = [message(4, 10), message(0, 60), message(5, 0), message(1, 42)].concat();
        for step in 1..=stream.len() {
            let frames = Frames::synchronized();
            assert_eq!(read(frames, stream.chunks(step)), (vec![16, 66, 6, 48], 0), "{step} bytes at a time");
        }
    }

    #[test]
    fn a_stream_from_the_middle_begins_at_a_message() {
        let stream = [message(0, 60), message(0, 70), message(0, 80)].concat();
        for cut in 1..66 {
            for step in [1, 7, 64, 4096] {
                let (lengths, skipped) = read(Frames::default(), stream[cut..].chunks(step));
                assert_eq!((lengths, skipped), (vec![76, 86], 66 - cut as u64), "from {cut}, {step} at a time");
            }
        }
    }

    #[test]
    fn a_length_is_believed_within_limits_only() {
        for len in [0, 5, (MAX_MESSAGE + 1) as u32, u32::MAX] {
            let mut wrong = message(4, 0);
            wrong[1..5].copy_from_slice(&len.to_be_bytes());
            let stream = [wrong, message(4, 10), message(5, 0)].concat();
            assert_eq!(read(Frames::synchronized(), [&stream[..]]), (vec![16, 6], 6), "length {len}");
        }
        // A message about a peer has room for one.
        let (lengths, skipped) = read(Frames::synchronized(), [&message(0, 41)[..]]);
        assert_eq!((lengths, skipped), (vec![], 47));
    }

    #[test]
    fn what_began_before_a_hole_is_lost() {
        let mut frames = Frames::synchronized();
        frames.push(&message(0, 60)[..30]);
        frames.hole();
        let rest = [&[0, 3, 9][..], &message(0, 50), &message(5, 0)].concat();
        assert_eq!(read(frames, [&rest[..]]), (vec![56, 6], 33));
    }
}

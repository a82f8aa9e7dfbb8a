//! [`Stream`]: the bytes of one direction of a TCP connection, in order, from segments in any order.

use std::collections::BTreeMap;

use crate::framing::Frames;

/// How many bytes may wait for a missing segment before it counts as lost.
const MAX_WAITING: usize = 4 << 20;
/// How many segments may wait.
const MAX_SEGMENTS: usize = 4096;

/// A TCP segment with data, a SYN, or both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment<'a> {
    pub(crate) sequence: u32,
    pub(crate) syn: bool,
    pub(crate) payload: &'a [u8],
}

/// One direction of a TCP connection on its way to messages (RFC 9293 section 3.4: sequence numbers wrap).
///
/// Repeated bytes are dropped, the first of them count; what comes early waits. Where a segment never comes the reader is
/// told of a hole.
#[derive(Debug)]
pub(crate) struct Stream {
    /// The number of its first byte.
    first: u32,
    /// How many bytes came with the SYN.
    with_syn: u64,
    /// The number of the next byte that goes to `frames`.
    next: u32,
    /// What came early, by its distance from the first byte of the stream.
    waiting: BTreeMap<u64, Vec<u8>>,
    waiting_bytes: usize,
    /// The distance of `next` from the first byte of the stream.
    at: u64,
    pub(crate) frames: Frames,
    /// Holes so far.
    pub(crate) holes: u64,
}

impl Stream {
    /// Returns the stream that `segment` begins or, if it has no SYN, is the first seen of.
    pub(crate) fn new(segment: Segment<'_>) -> Self {
        let frames = if segment.syn { Frames::synchronized() } else { Frames::default() };
        let first = segment.sequence.wrapping_add(u32::from(segment.syn));
        Self {
            first,
            with_syn: if segment.syn { segment.payload.len() as u64 } else { 0 },
            next: first,
            waiting: BTreeMap::new(),
            waiting_bytes: 0,
            at: 0,
            frames,
            holes: 0,
        }
    }

    /// Returns whether `segment` begins another connection between the same ports.
    pub(crate) fn is_followed_by(&self, segment: Segment<'_>) -> bool {
        segment.syn && segment.sequence.wrapping_add(1) != self.first
    }

    /// Takes a segment of this connection.
    pub(crate) fn push(&mut self, segment: Segment<'_>) {
        let first = segment.sequence.wrapping_add(u32::from(segment.syn));
        // Captures that were made and not taken have data with the SYN and give the SYN itself no number.
        if self.with_syn > 0 && self.at == self.with_syn && !segment.syn && self.next == first.wrapping_add(1) {
            self.next = first;
        }
        // Within half of the number space: behind `next` is a repetition, ahead of it is early.
        let ahead = i64::from(first.wrapping_sub(self.next).cast_signed());
        if ahead > 0 {
            if segment.payload.is_empty() {
                return;
            }
            self.keep(self.at + ahead.unsigned_abs(), segment.payload);
            while self.waiting_bytes > MAX_WAITING || self.waiting.len() > MAX_SEGMENTS {
                self.give_up();
            }
            return;
        }
        let repeated = ahead.unsigned_abs() as usize;
        if let Some(fresh) = segment.payload.get(repeated..).filter(|fresh| !fresh.is_empty()) {
            self.advance(fresh);
            self.take_waiting();
        }
    }

    fn keep(&mut self, at: u64, payload: &[u8]) {
        let longer = self.waiting.get(&at).is_none_or(|there| there.len() < payload.len());
        if longer {
            self.waiting_bytes += payload.len();
            let before = self.waiting.insert(at, payload.to_vec());
            self.waiting_bytes -= before.map_or(0, |before| before.len());
        }
    }

    fn advance(&mut self, bytes: &[u8]) {
        self.frames.push(bytes);
        self.at += bytes.len() as u64;
        // A segment is shorter than 2^32.
        self.next = self.next.wrapping_add(bytes.len() as u32);
    }

    fn take_waiting(&mut self) {
        while let Some(entry) = self.waiting.first_entry().filter(|entry| *entry.key() <= self.at) {
            let (at, payload) = entry.remove_entry();
            self.waiting_bytes -= payload.len();
            if let Some(fresh) = payload.get((self.at - at) as usize..).filter(|fresh| !fresh.is_empty()) {
                self.advance(fresh);
            }
        }
    }

    /// Takes the missing bytes before the first part that waits for lost; returns whether any waits.
    pub(crate) fn give_up(&mut self) -> bool {
        let Some((&first, _)) = self.waiting.first_key_value() else { return false };
        self.frames.hole();
        self.holes += 1;
        self.next = self.next.wrapping_add((first - self.at) as u32);
        self.at = first;
        self.take_waiting();
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn segment(sequence: u32, payload: &[u8]) -> Segment<'_> {
        Segment { sequence, syn: false, payload }
    }

    fn syn(sequence: u32) -> Segment<'static> {
        Segment { sequence, syn: true, payload: &[] }
    }

    #[test]
    fn a_lost_segment_is_a_hole() {
        let mut stream = Stream::new(syn(10));
        stream.push(segment(11, b"ab"));
        stream.push(segment(15, b"ef"));
        stream.push(segment(17, b"g"));
        assert_eq!(stream.frames.rest(), b"ab");
        assert!(stream.give_up() && !stream.give_up());
        assert_eq!((stream.frames.rest(), stream.holes), (&b"efg"[..], 1));
    }

    #[test]
    fn data_with_the_syn_counts_whether_the_syn_has_a_number_or_not() {
        for second in [14, 13] {
            let mut stream = Stream::new(Segment { payload: b"abc", ..syn(10) });
            stream.push(Segment { payload: b"abc", ..syn(10) });
            stream.push(segment(second, b"def"));
            stream.push(segment(second + 3, b"gh"));
            assert_eq!(stream.frames.rest(), b"abcdefgh", "the second segment is number {second}");
        }
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut stream = Stream::new(syn(0));
        let block = vec![0; 1 << 16];
        for number in 0..1000 {
            stream.push(segment(2 + number * (1 << 17), &block));
            assert!(stream.waiting_bytes <= MAX_WAITING && stream.waiting.len() <= MAX_SEGMENTS);
        }
        let mut stream = Stream::new(syn(0));
        for number in 0..10_000 {
            stream.push(segment(2 + number * 2, b"x"));
            assert!(stream.waiting.len() <= MAX_SEGMENTS);
        }
    }

    proptest! {
        /// Segments that overlap, repeat and come in any order give the bytes back, wherever the numbers wrap.
        #[test]
        fn oracle_any_order_of_segments_is_the_stream(
            start in prop_oneof![any::<u32>(), Just(u32::MAX - 20)],
            bytes in prop::collection::vec(any::<u8>(), 1..200),
            cuts in prop::collection::vec((0_usize..200, 1_usize..60), 0..40),
            order in any::<u64>(),
        ) {
            let mut segments: Vec<(usize, usize)> = (0..bytes.len()).step_by(17).map(|at| (at, 17)).collect();
            segments.extend(cuts.into_iter().filter(|&(at, _)| at < bytes.len()));
            // A shuffle by the bits of `order`.
            let mut state = order | 1;
            for at in (1..segments.len()).rev() {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                segments.swap(at, (state >> 33) as usize % (at + 1));
            }
            let mut stream = Stream::new(syn(start));
            for (at, len) in segments {
                let end = (at + len).min(bytes.len());
                stream.push(segment(start.wrapping_add(1 + at as u32), &bytes[at..end]));
            }
            prop_assert_eq!(stream.frames.rest(), &bytes[..]);
            prop_assert_eq!((stream.holes, stream.waiting_bytes), (0, 0));
        }
    }
}

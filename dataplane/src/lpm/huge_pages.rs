//! [`HugePages`]: how much of a forest's memory asked for huge pages, and how much lies in them.

use std::ops::Range;

use rayon::prelude::*;

use super::raw::{HUGE_PAGE, Region};

/// A structure whose memory asks for huge pages where it is worth them.
pub trait HugePages {
    /// Returns the addresses of the memory for which the system took the request for huge pages.
    fn advised(&self) -> Vec<Range<usize>>;

    /// Returns the bytes for which the system took the request for huge pages.
    fn huge_page_bytes(&self) -> usize {
        self.advised().iter().map(ExactSizeIterator::len).sum()
    }

    /// Returns how many of [`Self::huge_page_bytes`] lie in huge pages now, by `/proc/self/smaps`; `None` where the
    /// system does not tell.
    ///
    /// The system counts by mapping, so that a mapping of which a region is a part counts up to the part's size.
    fn huge_page_bytes_obtained(&self) -> Option<usize> {
        std::fs::read_to_string("/proc/self/smaps").ok().map(|text| count(&text, IN_HUGE_PAGES, &self.advised()))
    }
}

/// Writes to so many bytes of fresh memory, in huge pages where the system has them, and gives them back. In the current rayon
/// pool; O(bytes).
///
/// The host of a virtual machine may take away what is free. It takes milliseconds to get a huge page of that back, which would
/// be counted against whoever is measured next.
pub fn fetch_huge_pages(bytes: usize) {
    let mut region = Region::<u8>::zeroed(bytes, true);
    region.par_chunks_mut(HUGE_PAGE).with_min_len(8).for_each(|page| page[0] = 1);
    std::hint::black_box(&region[..]);
}

/// The fields of a mapping that are counted: what of it lies in huge pages, and what of it is memory at all.
const IN_HUGE_PAGES: &str = "AnonHugePages:";
const RESIDENT: &str = "Rss:";

/// Returns the bytes of memory that `regions` hold, which asked for huge pages, up to the end of their last ones: what was
/// never written is addresses alone. `None` where the system does not tell.
pub(crate) fn resident(regions: &[Range<usize>]) -> Option<usize> {
    let whole: Vec<_> = regions.iter().map(|region| region.start..region.end.next_multiple_of(HUGE_PAGE)).collect();
    std::fs::read_to_string("/proc/self/smaps").ok().map(|text| count(&text, RESIDENT, &whole))
}

/// Returns how many bytes of `regions`, address ranges of this process, a field of their mappings has.
fn count(smaps: &str, field: &str, regions: &[Range<usize>]) -> usize {
    let (mut total, mut within) = (0, 0);
    for line in smaps.lines() {
        if let Some(mapping) = mapping(line) {
            let shared =
                |region: &Range<usize>| region.end.min(mapping.end).saturating_sub(region.start.max(mapping.start));
            within = regions.iter().map(shared).sum();
        } else if let Some(size) = line.strip_prefix(field) {
            let kib = size.trim().trim_end_matches(" kB").parse().unwrap_or(0_usize);
            total += within.min(kib.saturating_mul(1024));
        }
    }
    total
}

/// Returns the addresses of a line that begins a mapping: `7f0000000000-7f0001000000 rw-p ...`.
fn mapping(line: &str) -> Option<Range<usize>> {
    let (start, end) = line.split_once(' ')?.0.split_once('-')?;
    Some(usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_count_as_far_as_they_are_shared() {
        let smaps = "1000-5000 rw-p 00000000 00:00 0\nSize: 16 kB\nRss:   12 kB\nAnonHugePages:        8 kB\n\
                     5000-9000 rw-p 00000000 00:00 0\nAnonHugePages:        16 kB\nVmFlags: rd wr\n";
        let huge = |regions: &[Range<usize>]| count(smaps, IN_HUGE_PAGES, regions);
        assert_eq!(huge(&[]), 0);
        assert_eq!(huge(&[0x1000..0x3000, 0x3000..0x5000]), 8 << 10);
        assert_eq!(huge(&[0x2000..0x3000, 0x6000..0x8000]), 12 << 10);
        assert_eq!(count(smaps, RESIDENT, &[0x1000..0x5000, 0x6000..0x8000]), 12 << 10);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_is_not_written_is_not_held() {
        const PAGES: usize = 16;
        let mut region = Region::<u8>::zeroed(PAGES * HUGE_PAGE - 1, true);
        // Without huge pages it asks for nothing, and nothing is told of it.
        let Some(advised) = region.advised() else { return };
        let advised = std::slice::from_ref(&advised);
        assert_eq!(resident(advised), Some(0));
        region[PAGES * HUGE_PAGE - 2] = 1;
        region[0] = 1;
        let held = resident(advised).expect("the system tells");
        assert!((2 * 4096..=2 * HUGE_PAGE).contains(&held), "{held}");
        // Reading makes no memory.
        assert_eq!(region.iter().filter(|&&byte| byte != 0).count(), 2);
        assert_eq!(resident(advised), Some(held));
    }
}

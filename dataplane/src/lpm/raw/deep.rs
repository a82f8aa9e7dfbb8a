//! [`Deep`]: which group of 256 codes a /24 with longer prefixes has.

/// A place of [`Deep`] that is free.
const FREE: u64 = u64::MAX;

/// Where the group of each deep /24 is: open addressing, never more than half full.
#[derive(Clone, Debug)]
pub(in crate::lpm) struct Deep {
    /// The /24 in the upper 32 bits, its group in the lower, or [`FREE`]. A power of two of places.
    places: Vec<u64>,
    used: usize,
}

impl Default for Deep {
    fn default() -> Self {
        Self { places: vec![FREE; 2], used: 0 }
    }
}

impl Deep {
    fn place(&self, slot: u32) -> usize {
        let hash = slot.wrapping_mul(0x9e37_79b1);
        // The upper half of the product's bits, which depend on all bits of the slot.
        (u64::from(hash) << 32 >> (64 - self.places.len().trailing_zeros())) as usize
    }

    /// Returns the place of `slot`, or the free one where it would be.
    #[inline]
    fn find(&self, slot: u32) -> usize {
        let mut place = self.place(slot);
        while self.places[place] != FREE && (self.places[place] >> 32) as u32 != slot {
            place = (place + 1) & (self.places.len() - 1);
        }
        place
    }

    /// Returns the group of `slot`, a /24.
    #[inline]
    pub(in crate::lpm) fn get(&self, slot: u32) -> Option<usize> {
        let found = self.places[self.find(slot)];
        (found != FREE).then_some(found as u32 as usize)
    }

    /// Gives `slot`, which has none, the group `group`.
    pub(in crate::lpm) fn insert(&mut self, slot: u32, group: u32) {
        if (self.used + 1) * 2 > self.places.len() {
            let doubled = vec![FREE; self.places.len() * 2];
            for entry in std::mem::replace(&mut self.places, doubled) {
                if entry != FREE {
                    let place = self.find((entry >> 32) as u32);
                    self.places[place] = entry;
                }
            }
        }
        let place = self.find(slot);
        debug_assert_eq!(self.places[place], FREE, "one group a /24");
        self.places[place] = u64::from(slot) << 32 | u64::from(group);
        self.used += 1;
    }

    /// Returns the bytes held.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&self.places[..])
    }
}

//! [`RibLists`]: the lists of best routes that RIBs are made of, many to a block of memory; [`Shelf`]: the blocks that one
//! thread fills.
//!
//! A list of its own memory each would come from pages that nobody has touched, a few at a time, and each page costs a fault:
//! big blocks have huge ones, and none of them is larger than what is in it.

use crate::id::{ListId, RouteId};

/// Entries of the first block of a shelf, and the most of one; each has twice as many as the one before.
const FIRST: usize = 1 << 10;
const MOST: usize = 1 << 20;

/// The blocks that one thread fills with lists.
#[derive(Debug)]
pub(crate) struct Shelf {
    number: usize,
    blocks: Vec<Vec<RouteId>>,
}

/// Where a list is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    shelf: usize,
    block: usize,
    start: usize,
    len: usize,
}

impl Shelf {
    /// Returns an empty shelf; the numbers of all shelves are those from 0 on.
    pub(crate) fn new(number: usize) -> Self {
        Self { number, blocks: Vec::new() }
    }

    /// Copies a list, and returns where it is then.
    pub(crate) fn keep(&mut self, list: &[RouteId]) -> Kept {
        let room = |block: &Vec<RouteId>| block.capacity() - block.len() >= list.len();
        let open = self.blocks.pop_if(|block| room(block)).unwrap_or_else(|| {
            let twice = self.blocks.last_mut().map_or(FIRST, |full| {
                let twice = (2 * full.capacity()).min(MOST);
                full.shrink_to_fit();
                twice
            });
            Vec::with_capacity(twice.max(list.len()))
        });
        self.blocks.push(open);
        let block = self.blocks.len() - 1;
        let start = self.blocks[block].len();
        self.blocks[block].extend_from_slice(list);
        Kept { shelf: self.number, block, start, len: list.len() }
    }
}

/// Lists of routes, by [`ListId`].
#[derive(Clone, Debug, Default)]
pub(crate) struct RibLists {
    blocks: Vec<Box<[RouteId]>>,
    places: Vec<Place>,
    /// By shelf: its first block.
    shelves: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    block: u32,
    start: u32,
    len: u32,
}

impl RibLists {
    /// Begins with what the threads kept, of which nothing is a list yet.
    pub(crate) fn new(mut shelves: Vec<Shelf>) -> Self {
        shelves.sort_unstable_by_key(|shelf| shelf.number);
        let mut lists = Self::default();
        for shelf in shelves {
            lists.shelves.push(lists.blocks.len());
            lists.blocks.extend(shelf.blocks.into_iter().map(Vec::into_boxed_slice));
        }
        lists
    }

    /// Makes the next list of what is kept somewhere.
    pub(crate) fn push_kept(&mut self, kept: Kept) -> ListId {
        self.push_place(self.shelves[kept.shelf] + kept.block, kept.start, kept.len)
    }

    /// Makes the next list of a block that is all of it.
    pub(crate) fn push(&mut self, list: Box<[RouteId]>) -> ListId {
        let (block, len) = (self.blocks.len(), list.len());
        self.blocks.push(list);
        self.push_place(block, 0, len)
    }

    fn push_place(&mut self, block: usize, start: usize, len: usize) -> ListId {
        let id = ListId::from_index(self.places.len());
        let number =
            |number: usize| u32::try_from(number).expect("a block has at most as many entries as there are routes");
        self.places.push(Place { block: number(block), start: number(start), len: number(len) });
        id
    }

    /// Returns how many lists there are.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Returns a list.
    #[inline]
    pub(crate) fn of(&self, list: ListId) -> &[RouteId] {
        let Place { block, start, len } = self.places[list.index()];
        &self.blocks[block as usize][start as usize..][..len as usize]
    }

    /// Returns the entries of all lists.
    pub(crate) fn entries(&self) -> usize {
        self.places.iter().map(|place| place.len as usize).sum()
    }

    /// Returns the bytes held, those of the entries included.
    pub(crate) fn bytes(&self) -> usize {
        self.blocks.iter().map(|block| size_of_val(&**block)).sum::<usize>()
            + self.places.capacity() * size_of::<Place>()
            + self.blocks.capacity() * size_of::<Box<[RouteId]>>()
            + self.shelves.capacity() * size_of::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_what_was_kept_on_whichever_shelf() {
        let list = |number: usize| -> Vec<RouteId> {
            let len = [0, 1, FIRST, 3 * FIRST, MOST / 3, 2 * MOST, 700][number % 7];
            (0..len).map(|at| RouteId::from_index(number * 1000 + at)).collect()
        };
        let mut shelves = [Shelf::new(0), Shelf::new(1)];
        let kept: Vec<Kept> = (0..40).map(|number| shelves[number % 2].keep(&list(number))).collect();
        let [first, second] = shelves;
        // In whichever order they come.
        let mut lists = RibLists::new(vec![second, first]);
        for (number, kept) in kept.into_iter().enumerate() {
            assert_eq!(lists.push_kept(kept).index(), lists.len() - 1);
            assert_eq!(lists.of(ListId::from_index(number)), list(number));
        }
        let own = lists.push(list(6).into());
        assert_eq!(lists.of(own), list(6));
        assert_eq!(lists.entries(), (0..40).map(|number| list(number).len()).sum::<usize>() + 700);
        // No block is larger than what is in it.
        assert!(lists.bytes() < lists.entries() * 4 + (1 << 13));
    }
}

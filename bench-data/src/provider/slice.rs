//! [`Slice`]: the blocks of a VPN's address space that a site numbers its networks from; [`Block`]: one of them.

use vrfleak_engine::{Address, Prefix};

use crate::random::Random;

/// What a site has in one family. Its blocks follow those of the sites before it; each is the place of one prefix.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slice {
    /// The first block.
    pub(super) first: u64,
    /// Blocks of routes from the CE.
    pub(super) own: u64,
    /// Blocks of static routes, after those.
    pub(super) statics: u64,
    /// Routes from the CE that are those of other sites.
    pub(super) copies: u64,
}

impl Slice {
    /// Returns the block after the last.
    pub(super) fn end(self) -> u64 {
        self.first + self.own + self.statics
    }
}

/// A family's address space in blocks of one size.
pub(super) trait Block: Address {
    /// How many blocks there are.
    const BLOCKS: u64;
    /// The position of the family in a [`Slice`] pair.
    const INDEX: usize;

    /// Returns the prefix at `block`, of a site whose blocks end before `end`; prefixes at two blocks differ.
    fn prefix(block: u64, end: u64, random: Random) -> Prefix<Self>;
}

/// Blocks of 256 IPv4 addresses before the first that is no customer's: from 10.0.0.0 up to 100.64.0.0, the links.
const BEFORE_LINKS: u64 = (0x6440_0000 - 0x0a00_0000) >> 8;
/// From behind the links, 100.128.0.0, up to 127.0.0.0.
const BEFORE_LOOPBACK: u64 = (0x7f00_0000 - 0x6480_0000) >> 8;
/// From 128.0.0.0 up to 224.0.0.0.
const BEFORE_MULTICAST: u64 = (0xe000_0000 - 0x8000_0000) >> 8;

impl Block for u32 {
    const BLOCKS: u64 = BEFORE_LINKS + BEFORE_LOOPBACK + BEFORE_MULTICAST;
    const INDEX: usize = 0;

    fn prefix(block: u64, end: u64, mut random: Random) -> Prefix<Self> {
        let (block, last) = (block as Self, (end - block) as Self);
        let start = if u64::from(block) < BEFORE_LINKS {
            0x0a00_0000 + (block << 8)
        } else if u64::from(block) < BEFORE_LINKS + BEFORE_LOOPBACK {
            0x6480_0000 + ((block - BEFORE_LINKS as Self) << 8)
        } else {
            0x8000_0000 + ((block - (BEFORE_LINKS + BEFORE_LOOPBACK) as Self) << 8)
        };
        // An aggregate where the site owns all of it; one a start, so that no other has its bits and length.
        for (len, blocks) in [(16, 256), (20, 16), (22, 4)] {
            if (start >> 8).is_multiple_of(blocks) && last >= blocks {
                if random.chance(0.5) {
                    return Prefix::containing(start, len);
                }
                break;
            }
        }
        let draw = random.next_u64();
        let len = match draw % 100 {
            0..75 => 24,
            75..83 => 30,
            83..90 => 32,
            90..93 => 31,
            longer => 25 + (longer - 93) as u8 % 5,
        };
        Prefix::containing(start | (draw >> 32) as Self & 0xff, len)
    }
}

impl Block for u128 {
    const BLOCKS: u64 = 1 << 40;
    const INDEX: usize = 1;

    fn prefix(block: u64, end: u64, mut random: Random) -> Prefix<Self> {
        let start = 0xfd00_u128 << 112 | Self::from(block) << 72;
        if block.is_multiple_of(256) && end - block >= 256 && random.chance(0.5) {
            return Prefix::containing(start, 48);
        }
        let draw = random.next_u64();
        let len = match draw % 100 {
            0..25 => 56,
            25..75 => 64,
            75..85 => 127,
            85..90 => 126,
            _ => 128,
        };
        Prefix::containing(start | Self::from(draw >> 56) << 64 | Self::from(draw >> 8 & 0xffff), len)
    }
}

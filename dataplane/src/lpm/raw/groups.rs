//! [`Groups`]: a batch of a direct table, group by group.
#![expect(clippy::inline_always, reason = "what stays outside a stamped function is compiled without its features")]

/// Keys whose loads overlap.
pub(super) const LANES: usize = 64;
/// Groups of [`LANES`] keys between asking for a code of a flat table and reading it.
const AHEAD: usize = 4;

/// The keys of a batch in groups, and where their values go.
pub(super) struct Groups<'b, A> {
    pub(super) keys: &'b [[A; LANES]],
    pub(super) values: &'b mut [[u32; LANES]],
}

impl<'b, A: Copy> Groups<'b, A> {
    /// Returns the groups, and what fills none.
    #[inline(always)]
    pub(super) fn of(keys: &'b [A], values: &'b mut [u32]) -> (Self, (&'b [A], &'b mut [u32])) {
        let (keys, rest) = keys.as_chunks();
        let (values, value_rest) = values.as_chunks_mut();
        (Self { keys, values }, (rest, value_rest))
    }

    /// Calls `ask` with each key of the first groups, which [`Self::walk`] never has ahead.
    #[inline(always)]
    pub(super) fn ask(&self, ask: impl Fn(A)) {
        self.keys.iter().take(AHEAD).flatten().for_each(|&key| ask(key));
    }

    /// Takes one group after the other: `begin` with its keys and those [`AHEAD`] groups further on, and `end` when the
    /// next has begun: a vector load of what was just stored piece by piece waits for all of it.
    #[inline(always)]
    pub(super) fn walk<S>(
        self,
        mut states: [S; 2],
        begin: impl Fn(&[A; LANES], &[A; LANES], &mut [u32; LANES], &mut S),
        end: impl Fn(&[A; LANES], &mut [u32; LANES], &S),
    ) {
        let mut begun = None;
        for (index, (keys, values)) in self.keys.iter().zip(self.values).enumerate() {
            begin(keys, self.keys.get(index + AHEAD).unwrap_or(keys), values, &mut states[index % 2]);
            if let Some((keys, values)) = begun.replace((keys, values)) {
                end(keys, values, &states[1 - index % 2]);
            }
        }
        if let Some((keys, values)) = begun {
            end(keys, values, &states[1 - self.keys.len() % 2]);
        }
    }
}

//! A batch of any mix of tables: each class by its walk, at once where all are of one, else dealt out.

use vrfleak_engine::Address;

use super::super::forest::shape::Kind;
use super::super::table::TableId;
use super::classes::Class;
use super::columns::ANY_WIDTH;
#[cfg(target_arch = "x86_64")]
use super::halved_gathers;
#[cfg(target_arch = "x86_64")]
use super::isa::Level;
#[cfg(target_arch = "x86_64")]
use super::paired_gathers;
use super::reader::Reader;
#[cfg(target_arch = "x86_64")]
use super::short_avx2;
use super::stamped::{self, Briefly, Dense, Each, Paired, Short, Sparse};
use super::store::Census;
#[cfg(target_arch = "x86_64")]
use super::store::GATHERED_BITS;
#[cfg(all(test, target_arch = "x86_64"))]
use super::vectors::Far;
#[cfg(target_arch = "x86_64")]
use super::walk::{dense_gathers, sparse_avx512};

impl<A: Address> Reader<'_, A> {
    /// Looks each key up in the table at the same position.
    ///
    /// # Panics
    /// Panics if the slices differ in length.
    pub(in crate::lpm) fn mixed(&self, tables: &[TableId], keys: &[A], values: &mut [u32]) {
        assert_eq!(keys.len(), values.len(), "one value a key");
        assert_eq!(keys.len(), tables.len(), "one table a key");
        let Census { dense, sparse, halved, short, paired, .. } = self.census;
        if dense.is_none() && halved.is_none() && short.is_none() && paired.is_none() {
            return self.mixed_sparse(tables, keys, values);
        }
        // All looked at, since a loop that may end early takes one at a time.
        let most = || tables.iter().fold(0, |most, table| table.0.max(most));
        let alone = sparse.is_none() && halved.is_none() && short.is_none() && paired.is_none();
        if alone && (most() as usize) < self.tables() {
            return self.mixed_dense(tables, keys, values);
        }
        if self.knows_briefly(tables) {
            return self.mixed_brief(tables, keys, values);
        }
        self.classes.numbers().deal(self.isa, tables, keys, values, |number, tables, keys, values| {
            let walk = match self.classes.class(number) {
                Class::Own(table) => return self.batch(table, keys, values),
                Class::Brief => Self::mixed_brief,
                Class::Of(Kind::Dense) => Self::mixed_dense,
                Class::Of(Kind::Sparse) => Self::mixed_sparse,
                Class::Of(Kind::Halved) => Self::mixed_halved,
                Class::Of(Kind::Short) => Self::mixed_short,
                Class::Of(Kind::Paired) => Self::mixed_paired,
            };
            walk(self, tables, keys, values);
        });
    }

    /// Returns whether briefs tell nearly all of a mixed batch, judged by some of its tables.
    fn knows_briefly(&self, tables: &[TableId]) -> bool {
        /// So many tables are looked at, more or less.
        const SAMPLED: usize = 64;
        /// Of so many one may have no brief: its keys are walked one by one.
        const UNKNOWN: usize = 24;
        if self.briefs.is_empty() {
            return false;
        }
        let sample = tables.iter().step_by((tables.len() / SAMPLED).max(1));
        let count = sample.len();
        let unknown = sample.filter(|table| !self.briefs.tell(table.index())).count();
        unknown * UNKNOWN <= count
    }

    /// Looks each key up in the table at the same position, most of which are short.
    fn mixed_brief(&self, tables: &[TableId], keys: &[A], values: &mut [u32]) {
        match self.briefs.width() {
            1 => self.mixed_brief_of::<1>(tables, keys, values),
            _ => self.mixed_brief_of::<2>(tables, keys, values),
        }
    }

    /// As [`Self::mixed_brief`], where the tables of which briefs tell have entries of `WIDTH` bytes.
    fn mixed_brief_of<const WIDTH: usize>(&self, tables: &[TableId], keys: &[A], values: &mut [u32]) {
        #[cfg(target_arch = "x86_64")]
        if let Some(from) = self.gathered() {
            use super::chosen::Chosen;
            use halved_gathers::{Tables, short};

            // SAFETY: whoever holds the level has the features.
            let chosen = unsafe { Chosen::of(self.answers) };
            let chosen = chosen.as_ref().filter(|_| self.briefs.dictionaries().is_empty());
            let from = Tables { chosen, ..from };
            // SAFETY: the briefs are this store's, and whoever holds the level has the features.
            return unsafe { short::<A, WIDTH, false, true>(from, tables, keys, values) };
        }
        let (columns, headers, briefs) = (self.columns(), &self.headers[..], &self.briefs);
        #[cfg(target_arch = "x86_64")]
        if self.isa.has_vectors() && self.has_few_values() {
            let from = short_avx2::Tables { columns, headers, briefs };
            // SAFETY: the briefs are this store's, and whoever holds a level with vectors has AVX2.
            return unsafe { short_avx2::short::<A, WIDTH, false>(from, tables, keys, values) };
        }
        let walk = Briefly::<WIDTH> { columns, each: self.each(tables), briefs };
        // SAFETY: the briefs are this store's.
        unsafe { stamped::walk(self.isa, walk, keys, values) };
    }

    /// Looks each key up in the short table at the same position.
    fn mixed_short(&self, tables: &[TableId], keys: &[A], values: &mut [u32]) {
        #[cfg(target_arch = "x86_64")]
        if let Some(from) = self.gathered() {
            // SAFETY: the tables are this store's and short, and whoever holds the level has the features.
            return unsafe { halved_gathers::short::<A, ANY_WIDTH, false, false>(from, tables, keys, values) };
        }
        let walk = Short::<_, ANY_WIDTH> { columns: self.columns(), keyed: self.each(tables) };
        // SAFETY: the tables are this store's and short.
        unsafe { stamped::walk(self.isa, walk, keys, values) };
    }

    /// Looks each key up in the halved table at the same position.
    fn mixed_halved(&self, tables: &[TableId], keys: &[A], values: &mut [u32]) {
        #[cfg(target_arch = "x86_64")]
        if let Some(from) = self.gathered() {
            // SAFETY: the tables are this store's and halved, and whoever holds the level has the features.
            return unsafe { halved_gathers::halved::<A, ANY_WIDTH, true, false>(from, tables, keys, values) };
        }
        self.mixed_alone(tables, keys, values);
    }

    /// Looks each key up in the table of pairs at the same position.
    fn mixed_paired(&self, tables: &[TableId], keys: &[A], values: &mut [u32]) {
        #[cfg(target_arch = "x86_64")]
        if let Some(from) = self.gathered() {
            // SAFETY: the tables are this store's and of pairs, and whoever holds the level has the features.
            return unsafe { paired_gathers::paired::<A, ANY_WIDTH, false>(from, tables, keys, values) };
        }
        let walk = Paired::<_, ANY_WIDTH> { columns: self.columns(), keyed: self.each(tables) };
        // SAFETY: the tables are this store's and of pairs.
        unsafe { stamped::walk(self.isa, walk, keys, values) };
    }

    /// Looks each key up in the table at the same position, one after the other.
    fn mixed_alone(&self, tables: &[TableId], keys: &[A], values: &mut [u32]) {
        let columns = self.columns();
        for ((&table, &key), value) in tables.iter().zip(keys).zip(values) {
            // SAFETY: the header is this store's.
            *value = unsafe { columns.value_in(self.header(table), key) };
        }
    }

    /// Looks each key up in the sparse table at the same position.
    fn mixed_sparse(&self, tables: &[TableId], keys: &[A], values: &mut [u32]) {
        let (columns, wide) = (self.columns(), self.census.sparse.unwrap_or(false));
        #[cfg(target_arch = "x86_64")]
        if matches!(self.isa.level(), Level::Avx512 | Level::Gathers) {
            // SAFETY: the headers are this store's and of sparse tables, and whoever holds the level has the features.
            return unsafe {
                sparse_avx512::<A, false>((columns, wide, self.far()), &self.headers, tables, keys, values);
            };
        }
        let keyed = self.each(tables);
        if wide {
            // SAFETY: the tables are this store's and sparse.
            unsafe { stamped::walk(self.isa, Sparse::<_, ANY_WIDTH> { columns, keyed }, keys, values) };
        } else {
            // SAFETY: as above: every sparse table has codes of one byte.
            unsafe { stamped::walk(self.isa, Sparse::<_, 1> { columns, keyed }, keys, values) };
        }
    }

    /// Returns the tables of a mixed batch with the headers of all.
    fn each<'s>(&'s self, tables: &'s [TableId]) -> Each<'s> {
        Each { tables, headers: &self.headers }
    }

    /// Looks each key up in the sparse table at the same position, or all in the one of `tables`, as if as much of
    /// the store were far away as `far` says; `None` without AVX-512.
    #[cfg(all(test, target_arch = "x86_64"))]
    pub(in crate::lpm) fn sparse_as_far(
        &self,
        far: Far,
        tables: &[TableId],
        keys: &[A],
        values: &mut [u32],
    ) -> Option<()> {
        super::isa::Isa::avx512()?;
        let others = [self.census.dense, self.census.halved, self.census.short, self.census.paired];
        assert!(
            others.iter().all(Option::is_none) && (tables.len() == keys.len() || tables.len() == 1),
            "sparse tables"
        );
        let walked = (self.columns(), self.census.sparse.unwrap_or(false), far);
        if tables.len() == 1 {
            // SAFETY: the headers are this store's, all tables are sparse, and the processor has AVX-512.
            unsafe { sparse_avx512::<A, true>(walked, &self.headers, tables, keys, values) };
        } else {
            // SAFETY: as above.
            unsafe { sparse_avx512::<A, false>(walked, &self.headers, tables, keys, values) };
        }
        Some(())
    }

    /// Looks each key up in the dense table at the same position.
    fn mixed_dense(&self, tables: &[TableId], keys: &[A], values: &mut [u32]) {
        let (columns, paged) = (self.columns(), self.census.dense.unwrap_or(false));
        #[cfg(target_arch = "x86_64")]
        if self.isa.level() == Level::Gathers && !self.census.ungathered && self.has_few_values() {
            let walked = (columns, GATHERED_BITS, self.census.wide, paged);
            // SAFETY: the tables are this store's and dense, vectors can walk all dense ones, and whoever holds the level has
            // the features.
            return unsafe { dense_gathers::<A, false>(walked, &self.headers, tables, keys, values) };
        }
        let keyed = self.each(tables);
        if paged {
            // SAFETY: the tables are this store's and dense.
            unsafe { stamped::walk(self.isa, Dense::<_, ANY_WIDTH, true> { columns, keyed }, keys, values) };
        } else {
            // SAFETY: as above: no dense table has pages.
            unsafe { stamped::walk(self.isa, Dense::<_, ANY_WIDTH, false> { columns, keyed }, keys, values) };
        }
    }
}

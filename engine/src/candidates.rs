//! [`Candidates`]: what competes for one prefix in one VRF, in columns that selection reads.

use std::sync::Arc;

use crate::id::RouteId;
use crate::imported::{ImportedCopy, Verdicts};
use crate::select::{Contest, RouteKey};

/// The candidates of a VRF for one prefix, filled anew for each.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    pub(crate) ids: Vec<RouteId>,
    pub(crate) keys: Vec<RouteKey>,
    /// What the import map made of them; shorter where nothing behind it was changed.
    pub(crate) copies: Vec<Option<Arc<ImportedCopy>>>,
    /// Whether the VRF may refuse or change any.
    filters: bool,
    pub(crate) verdicts: Verdicts,
}

impl Candidates {
    /// Begins with another VRF, which may refuse or change routes, or does not.
    pub(crate) fn start(&mut self, filters: bool) {
        self.clear();
        self.filters = filters;
        self.verdicts.clear();
    }

    /// Returns whether the VRF may refuse or change any.
    pub(crate) fn filters(&self) -> bool {
        self.filters
    }

    pub(crate) fn clear(&mut self) {
        self.ids.clear();
        self.keys.clear();
        self.copies.clear();
    }

    pub(crate) fn push(&mut self, id: RouteId, key: RouteKey, copy: Option<Arc<ImportedCopy>>) {
        if copy.is_some() {
            self.copies.resize(self.ids.len(), None);
            self.copies.push(copy);
        }
        self.ids.push(id);
        self.keys.push(key);
    }

    /// Keeps the candidates for whose position `keep` is true.
    pub(crate) fn retain(&mut self, keep: &[bool]) {
        retain(&mut self.ids, keep);
        retain(&mut self.keys, keep);
        retain(&mut self.copies, keep);
    }

    pub(crate) fn contest(&self) -> Contest<'_> {
        Contest { keys: &self.keys, copies: &self.copies }
    }
}

fn retain<T>(items: &mut Vec<T>, keep: &[bool]) {
    let mut keep = keep.iter().copied();
    items.retain(|_| keep.next().unwrap_or(true));
}

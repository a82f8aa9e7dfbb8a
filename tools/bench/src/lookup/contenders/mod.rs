//! The contenders, each as its authors want it used.

#[cfg(feature = "peer-dpdk")]
pub(super) mod dpdk;
pub(super) mod ours;
pub(super) mod poptrie;
pub(super) mod prefix_trie;
pub(super) mod tree_bitmap;

//! Dense ids: positions in the tables of a [`Network`](crate::Network) or a [`Leak`](crate::Leak), as newtypes over `u32`.

macro_rules! dense_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $name(pub u32);

        impl $name {
            /// Returns the id of position `index`.
            ///
            /// # Panics
            ///
            /// If `index` exceeds `u32::MAX`; the tables refuse to grow that far.
            #[inline]
            pub fn from_index(index: usize) -> Self {
                Self(u32::try_from(index).expect("a table holds at most u32::MAX rows"))
            }

            /// Returns the position that this id stands for.
            #[inline]
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

dense_id! {
    /// A router: its position in [`Network::routers`](crate::Network::routers).
    RouterId
}
dense_id! {
    /// A VRF of one router: its position in [`Network::vrfs`](crate::Network::vrfs).
    VrfId
}
dense_id! {
    /// An interface of a VRF: its position in [`Network::interfaces`](crate::Network::interfaces).
    InterfaceId
}
dense_id! {
    /// A next hop within a VRF: its position in [`Network::next_hops`](crate::Network::next_hops).
    NextHopId
}
dense_id! {
    /// A distinct set of path attributes: its position in [`Network::attributes`](crate::Network::attributes).
    AttributesId
}
dense_id! {
    /// A distinct route target, numbered in ascending order of its eight bytes.
    RtId
}
dense_id! {
    /// A distinct set of export targets: the name of a bucket.
    TargetSetId
}
dense_id! {
    /// A route of one family: its rank among all routes by prefix, then by preference.
    RouteId
}

impl TargetSetId {
    /// The set of a route that is not exported.
    pub const NONE: Self = Self(u32::MAX);
}
dense_id! {
    /// A list of best routes that one VRF or several have in common: its number among [`Ribs::lists`](crate::rib::Ribs::lists).
    ListId
}

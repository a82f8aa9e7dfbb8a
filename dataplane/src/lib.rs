//! What forwards packets: longest-prefix match in batches over the tables of many VRFs.

pub mod lpm;

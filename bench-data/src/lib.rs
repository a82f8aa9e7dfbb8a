#![forbid(unsafe_code)]
//! Being built.

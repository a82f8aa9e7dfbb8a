//! Route distinguishers: every text reads without panic, and what is printed reads back to the same eight bytes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vrfleak_engine::Rd;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = str::from_utf8(data) {
        match text.parse::<Rd>() {
            Ok(rd) => assert_eq!(rd.to_string().parse(), Ok(rd), "read from `{text}`"),
            Err(error) => assert!(error.to_string().contains(text)),
        }
    }
    if let Some(&bytes) = data.first_chunk() {
        let rd = Rd::from_bytes(bytes);
        assert_eq!(rd.to_bytes(), bytes);
        assert_eq!(rd.to_string().parse(), Ok(rd), "of the bytes {bytes:?}");
    }
});

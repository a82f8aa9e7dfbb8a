//! Route targets: every text reads without panic, and what is printed reads back to the same eight bytes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vrfleak_engine::RouteTarget;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = str::from_utf8(data) {
        match text.parse::<RouteTarget>() {
            Ok(target) => {
                assert_eq!(target.to_string().parse(), Ok(target), "read from `{text}`");
                assert_eq!(RouteTarget::from_bytes(target.to_bytes()), Some(target));
            }
            Err(error) => assert!(error.to_string().contains(text)),
        }
    }
    if let Some(&bytes) = data.first_chunk()
        && let Some(target) = RouteTarget::from_bytes(bytes)
    {
        assert_eq!(target.to_bytes(), bytes);
        assert_eq!(target.to_string().parse(), Ok(target), "of the bytes {bytes:?}");
    }
});

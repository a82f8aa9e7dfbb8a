use std::time::Instant;

use vrfleak_engine::Leak;

use super::*;

#[test]
#[ignore = "takes seconds: run it to see what the default shape is"]
fn the_default_shape_in_numbers() {
    let start = Instant::now();
    let network = ProviderShape::default().generate().expect("a shape");
    let generated = start.elapsed();
    let leak = Leak::new(&network);
    assert_eq!(leak.vpn_routes(), 2_000_000, "{} imported, {generated:?}", leak.imported_routes());
    assert!((15_000_000..40_000_000).contains(&leak.imported_routes()), "{}", leak.imported_routes());
    assert!(generated.as_secs_f64() < 0.0, "{generated:?} {}", leak.imported_routes());
}

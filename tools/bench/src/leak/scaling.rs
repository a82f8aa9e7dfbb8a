//! The exponents: least squares on the logarithms.

use super::plan::Sweep;
use super::report::{Fit, LeakResult, Scaling};

/// Returns the exponents of all contenders among `results`.
pub(super) fn scaling(sweep: Sweep, results: &[LeakResult]) -> Scaling {
    let quantity = |row: &LeakResult| -> f64 {
        let value = match sweep {
            Sweep::Routes => row.vpn_routes,
            Sweep::Vrfs => row.vrfs,
            Sweep::FanOut => row.fan_out.unwrap_or(0),
            Sweep::Threads => row.threads,
        };
        value as f64
    };
    let threads_of = |row: &LeakResult| (sweep != Sweep::Threads).then_some(row.threads);
    let mut lines: Vec<(&str, Option<usize>)> = Vec::new();
    for row in results {
        let line = (row.contender.as_str(), threads_of(row));
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    let fit = |(contender, threads): (&str, Option<usize>)| {
        let rows = || results.iter().filter(move |row| row.contender == contender && threads_of(row) == threads);
        let of = |figure: &dyn Fn(&LeakResult) -> Option<f64>| {
            exponent(&rows().filter_map(|row| Some((quantity(row), figure(row)?))).collect::<Vec<_>>())
        };
        Fit {
            contender: contender.to_owned(),
            threads,
            leak_seconds: of(&|row| row.leak_seconds.map(|seconds| seconds.median)),
            install_seconds: of(&|row| row.install_seconds.map(|seconds| seconds.median)),
            bytes: of(&|row| Some((row.rib_bytes + row.fib_bytes) as f64)),
        }
    };
    Scaling { quantity: sweep.name().to_owned(), fits: lines.into_iter().map(fit).collect() }
}

/// Returns the slope of the line through the logarithms of `points` that leaves the least squares; `None` where fewer than
/// two points differ.
fn exponent(points: &[(f64, f64)]) -> Option<f64> {
    let logs: Vec<(f64, f64)> =
        points.iter().filter(|(x, y)| *x > 0.0 && *y > 0.0).map(|(x, y)| (x.ln(), y.ln())).collect();
    let count = logs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| logs.iter().map(of).sum::<f64>() / count;
    let (mean_x, mean_y) = (mean(|point| point.0), mean(|point| point.1));
    let across: f64 = logs.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let along: f64 = logs.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    (across > 1e-9).then(|| along / across)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_found() {
        let points = |power: f64| [1.0_f64, 2.0, 4.0, 8.0].map(|x| (x, 3.0 * x.powf(power)));
        for power in [0.0, 0.5, 1.0, 2.0, -1.0] {
            let found = exponent(&points(power)).expect("four points");
            assert!((found - power).abs() < 1e-9, "{power} {found}");
        }
        // One point off the line is divided among all.
        let found = exponent(&[(1.0, 1.0), (2.0, 4.0), (4.0, 4.0)]).expect("three points");
        assert!((found - 1.0).abs() < 1e-9, "{found}");
        assert_eq!((exponent(&[]), exponent(&[(2.0, 1.0), (2.0, 3.0)])), (None, None));
    }
}

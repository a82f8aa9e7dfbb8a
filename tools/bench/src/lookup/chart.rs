//! [`plot`]: a report as an SVG chart.

use std::fmt;

use plotters::prelude::*;

use super::report::{LookupReport, LookupResult};

/// Pixels of a bar with the space around it.
const BAR: i32 = 22;
/// Pixels for the names of contenders.
const NAMES: i32 = 230;
/// Pixels of the longest bar.
const LONGEST: i32 = 520;
/// Pixels above each block of bars.
const HEADING: i32 = 46;
const MARGIN: i32 = 16;

/// Why a chart could not be drawn; what the library said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartError(String);

impl fmt::Display for ChartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot draw the chart: {}", self.0)
    }
}

impl std::error::Error for ChartError {}

/// Returns the report as one SVG image: a block for each family, kind of keys, batch size and number of threads, and in it
/// a bar for each contender as long as its lookups a second, with a line from the least to the most.
///
/// # Errors
///
/// If the library cannot draw.
pub fn plot(report: &LookupReport) -> Result<String, ChartError> {
    let mut svg = String::new();
    draw(report, &mut svg).map_err(ChartError)?;
    Ok(svg)
}

/// What the rows of a block have in common.
fn block_of(row: &LookupResult) -> (&str, &str, usize) {
    (&row.family, &row.keys, row.threads)
}

fn draw(report: &LookupReport, svg: &mut String) -> Result<(), String> {
    let shown: Vec<&LookupResult> = report.results.iter().filter(|row| row.mlps.is_some() || !row.correct).collect();
    let mut blocks: Vec<Vec<&LookupResult>> = Vec::new();
    for row in shown {
        match blocks.last_mut() {
            Some(block) if block.first().is_some_and(|first| block_of(first) == block_of(row)) => block.push(row),
            _ => blocks.push(vec![row]),
        }
    }
    let height = blocks
        .iter()
        .map(|block| HEADING.saturating_add(BAR * i32::try_from(block.len()).unwrap_or(i32::MAX / BAR)))
        .fold(5 * MARGIN, i32::saturating_add);
    let size = ((NAMES + LONGEST + 150).unsigned_abs(), height.unsigned_abs());
    let area = SVGBackend::with_string(svg, size).into_drawing_area();
    let failed = |error: DrawingAreaErrorKind<std::io::Error>| error.to_string();
    area.fill(&WHITE).map_err(failed)?;
    let (title, plain) = (("sans-serif", 16).into_font(), ("sans-serif", 12).into_font());
    let machine = format!("{}; {}", report.machine.processor, report.machine.compiler);
    area.draw(&Text::new("Lookups, million a second", (MARGIN, MARGIN), title)).map_err(failed)?;
    area.draw(&Text::new(machine, (MARGIN, 2 * MARGIN + 4), plain.clone())).map_err(failed)?;
    let mut y = 3 * MARGIN;
    for block in blocks {
        y += HEADING;
        let Some(first) = block.first() else { continue };
        let vrfs = if first.vrfs == 1 { String::new() } else { format!(" over {} VRFs", first.vrfs) };
        let heading = format!("{} {}{vrfs}, {} thread(s)", first.family, first.keys, first.threads);
        area.draw(&Text::new(heading, (MARGIN, y - 20), ("sans-serif", 14).into_font())).map_err(failed)?;
        let most = block.iter().filter_map(|row| row.mlps).map(|mlps| mlps.max).fold(0.0, f64::max).max(1e-9);
        let x = |rate: f64| NAMES + (rate / most * f64::from(LONGEST)) as i32;
        for row in block {
            let name = format!("{} {}", row.name(), row.batch);
            area.draw(&Text::new(name, (MARGIN, y + 2), plain.clone())).map_err(failed)?;
            let Some(mlps) = row.mlps else {
                area.draw(&Text::new("wrong", (NAMES, y + 2), plain.clone().color(&RED))).map_err(failed)?;
                y += BAR;
                continue;
            };
            let colour = if row.contender == "vrfleak" { RGBColor(31, 119, 180) } else { RGBColor(170, 170, 170) };
            let bar = Rectangle::new([(NAMES, y), (x(mlps.median), y + BAR - 6)], colour.filled());
            area.draw(&bar).map_err(failed)?;
            let middle = y + (BAR - 6) / 2;
            let reach = PathElement::new([(x(mlps.min), middle), (x(mlps.max), middle)], BLACK);
            area.draw(&reach).map_err(failed)?;
            let rate = format!("{:.1}", mlps.median);
            area.draw(&Text::new(rate, (x(mlps.max) + 6, y + 2), plain.clone())).map_err(failed)?;
            y += BAR;
        }
    }
    area.present().map_err(failed)
}

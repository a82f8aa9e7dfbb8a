//! The literal baseline against the engine on every scenario, liars, refusals, and the shape of the report.

//! Headings between the outputs of several routers.

use std::io::{self, Write};

use vrfleak_engine::{Network, RouterId};

/// Writes `ROUTER#COMMAND` where the network has several routers, after a blank line unless it is the first output.
/// What a single router shows has no heading: it looks as on that router.
pub(crate) fn write(
    out: &mut impl Write,
    network: &Network,
    router: RouterId,
    position: usize,
    command: &str,
) -> io::Result<()> {
    if position > 0 {
        writeln!(out)?;
    }
    if network.routers().iter().filter(|router| !router.outside).count() > 1 {
        writeln!(out, "{}#{command}", network.router(router).name)?;
    }
    Ok(())
}

//! Interrupts, for commands that say what they have when they are ended early.

use crossbeam_channel::{Receiver, unbounded};

use crate::failure::Failure;

/// Returns a channel that gets a message at each interrupt.
pub(crate) fn interrupts() -> Result<Receiver<()>, Failure> {
    let (sender, receiver) = unbounded();
    ctrlc::set_handler(move || {
        let _ = sender.send(());
    })
    .map_err(|error| Failure::request(format!("cannot listen for interrupts: {error}")))?;
    Ok(receiver)
}

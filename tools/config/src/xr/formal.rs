//! The form in which `show running-config formal` prints: every command with those that lead to it on one line.

use crate::line::Line;
use crate::word::Words;

/// Where the words so far lead to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Global,
    Vrf,
    VrfFamily,
    Bgp,
    Neighbor,
    Static,
    /// The rest is one command.
    Last,
}

/// Calls `each` with the commands of an unindented line, each deeper than the one before: one, in the usual form.
pub(super) fn commands<'a>(line: Line<'a>, mut each: impl FnMut(Line<'a>)) {
    let mut level = Level::Global;
    let mut words = Words::new(line.text, 0, 0);
    let mut from = 0;
    let mut indent = 0;
    while let Some((next, rest)) = step(level, words) {
        if rest.is_empty() {
            break;
        }
        let to = rest.rest().place.start as usize;
        each(Line { indent, text: line.text[from..to].trim_ascii_end(), start: line.start + from as u32, ..line });
        (level, words, from, indent) = (next, rest, to, indent + 1);
    }
    each(Line { indent, text: &line.text[from..], start: line.start + from as u32, ..line });
}

/// Takes a command that leads to others, and returns where to; `None` where none follows.
fn step(level: Level, mut words: Words<'_>) -> Option<(Level, Words<'_>)> {
    let next = match (level, words.next_text()) {
        (Level::Global, "vrf") => {
            words.next()?;
            Level::Vrf
        }
        (Level::Global, "interface") => {
            words.eat("preconfigure");
            words.next()?;
            Level::Last
        }
        (Level::Global, "router") => match words.next_text() {
            "bgp" => {
                words.next()?;
                Level::Bgp
            }
            "static" => Level::Static,
            _ => return None,
        },
        (Level::Vrf, "address-family") => family(&mut words, Level::VrfFamily)?,
        (Level::VrfFamily, "import" | "export") if words.eat("route-target") => Level::Last,
        (Level::Bgp | Level::Static, "vrf") => {
            words.next()?;
            level
        }
        (Level::Bgp, "neighbor" | "neighbor-group" | "session-group") => {
            words.next()?;
            Level::Neighbor
        }
        (Level::Bgp, "af-group") => {
            words.next()?;
            if !words.eat("address-family") {
                return None;
            }
            family(&mut words, Level::Last)?
        }
        (Level::Bgp | Level::Static | Level::Neighbor, "address-family") => family(&mut words, Level::Last)?,
        _ => return None,
    };
    Some((next, words))
}

/// Takes `ipv4 unicast` or the like.
fn family(words: &mut Words<'_>, level: Level) -> Option<Level> {
    words.next()?;
    words.next()?;
    Some(level)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<(u32, String)> {
        let mut commands = Vec::new();
        let line = Line { number: 1, indent: 0, text, start: 100 };
        super::commands(line, |line| {
            assert_eq!(&text[line.start as usize - 100..][..line.text.len()], line.text);
            commands.push((line.indent, line.text.to_owned()));
        });
        commands
    }

    #[test]
    fn commands_are_told_from_those_that_lead_to_them() {
        for (line, commands) in [
            ("vrf red", &["vrf red"][..]),
            ("hostname pe1", &["hostname pe1"]),
            (
                "vrf red address-family ipv4 unicast import route-target 65000:1",
                &["vrf red", "address-family ipv4 unicast", "import route-target", "65000:1"],
            ),
            (
                "vrf red address-family ipv4 unicast export route-policy P(1, 2)",
                &["vrf red", "address-family ipv4 unicast", "export route-policy P(1, 2)"],
            ),
            ("interface preconfigure Gi0/0/0/1 vrf red", &["interface preconfigure Gi0/0/0/1", "vrf red"]),
            (
                "router bgp 65000 vrf red neighbor 192.0.2.1 address-family ipv4 unicast route-policy P in",
                &[
                    "router bgp 65000",
                    "vrf red",
                    "neighbor 192.0.2.1",
                    "address-family ipv4 unicast",
                    "route-policy P in",
                ],
            ),
            (
                "router static vrf red address-family ipv4 unicast 10.0.0.0/8 Null0",
                &["router static", "vrf red", "address-family ipv4 unicast", "10.0.0.0/8 Null0"],
            ),
            ("router bgp 65000", &["router bgp 65000"]),
            ("router bgp", &["router bgp"]),
        ] {
            let expected: Vec<_> = (0..).zip(commands.iter().map(|text| (*text).to_owned())).collect();
            assert_eq!(split(line), expected);
        }
    }
}

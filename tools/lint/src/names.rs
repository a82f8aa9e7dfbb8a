//! Policies and lists that are named and not defined, or defined and not named.

use vrfleak_config::Name;

use crate::Input;
use crate::finding::{Finding, Findings, Kind};

pub(crate) fn lint(input: &Input<'_>, findings: &mut Findings) {
    let mut push = |kind, name: &Name, what: &str| {
        findings.push(kind, || Finding {
            kind,
            place: Some(name.place),
            vrf: None,
            other: None,
            families: Vec::new(),
            message: format!("{} `{}` is {what}", name.what, name.name),
        });
    };
    for name in input.undefined {
        push(Kind::UndefinedPolicy, name, "not defined");
    }
    for name in input.unused {
        push(Kind::UnusedPolicy, name, "used nowhere");
    }
}
